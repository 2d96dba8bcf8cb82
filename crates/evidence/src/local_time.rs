//! Local hours, days and months of a country: the only times that are published.
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use time::{Date, Month, OffsetDateTime};

/// A date and hour on the country's clock, written `YYYY-MM-DDTHH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalHour {
    /// The local date.
    pub day: LocalDay,
    /// 0 to 23.
    pub hour: u8,
}

/// A date on the country's clock, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDay {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// A month on the country's clock, written `YYYY-MM`: the period of published statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalMonth {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

/// Text that is not a local hour, day or month.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{text}' is not {expected}")]
pub struct NotLocalTime {
    text: String,
    expected: &'static str,
}

impl LocalHour {
    /// The local hour of an instant. Instants outside the years 0 to 9999 are cut to their ends.
    #[must_use]
    pub fn at(unix_us: i64, utc_offset_s: i32) -> Self {
        let earliest = -62_167_219_200; // 0000-01-01T00:00:00Z
        let latest = 253_402_300_799; // 9999-12-31T23:59:59Z
        let local_s = unix_us
            .div_euclid(1_000_000)
            .saturating_add(i64::from(utc_offset_s));
        let instant = OffsetDateTime::from_unix_timestamp(local_s.clamp(earliest, latest))
            .expect("clamped to the years that OffsetDateTime holds");
        let day = LocalDay {
            year: u16::try_from(instant.year()).expect("clamped to 0..=9999"),
            month: instant.month().into(),
            day: instant.day(),
        };
        Self {
            day,
            hour: instant.hour(),
        }
    }
}

impl LocalHour {
    /// When it begins, seconds since the Unix epoch.
    #[must_use]
    pub fn start_s(self, utc_offset_s: i32) -> i64 {
        let day = &self.day;
        let month = Month::try_from(day.month).unwrap_or(Month::January);
        let date = Date::from_calendar_date(i32::from(day.year), month, day.day);
        // An hour that was read or derived has a day that exists.
        let date = date.unwrap_or(Date::MIN);
        let local = date.midnight().assume_utc().unix_timestamp() + i64::from(self.hour) * 3_600;
        local - i64::from(utc_offset_s)
    }
}

impl LocalDay {
    /// The month this day lies in.
    #[must_use]
    pub fn month(self) -> LocalMonth {
        LocalMonth {
            year: self.year,
            month: self.month,
        }
    }

    fn checked(self) -> Option<Self> {
        let month = Month::try_from(self.month).ok()?;
        Date::from_calendar_date(i32::from(self.year), month, self.day).ok()?;
        Some(self)
    }
}

impl fmt::Display for LocalHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{:02}", self.day, self.hour)
    }
}

impl fmt::Display for LocalDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for LocalMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// Exactly `width` ASCII digits.
fn digits(text: &str, width: usize) -> Option<u16> {
    let right_form = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    if right_form { text.parse().ok() } else { None }
}

fn small(text: &str) -> Option<u8> {
    digits(text, 2).and_then(|value| u8::try_from(value).ok())
}

impl FromStr for LocalDay {
    type Err = NotLocalTime;

    fn from_str(text: &str) -> Result<Self, NotLocalTime> {
        let read = || {
            let mut parts = text.splitn(3, '-');
            let year = digits(parts.next()?, 4)?;
            let month = small(parts.next()?)?;
            let day = small(parts.next()?)?;
            Self { year, month, day }.checked()
        };
        read().ok_or_else(|| NotLocalTime {
            text: text.to_owned(),
            expected: "a day YYYY-MM-DD",
        })
    }
}

impl FromStr for LocalHour {
    type Err = NotLocalTime;

    fn from_str(text: &str) -> Result<Self, NotLocalTime> {
        let read = || {
            let (day, hour) = text.split_once('T')?;
            let hour = small(hour).filter(|hour| *hour < 24)?;
            Some(Self {
                day: day.parse().ok()?,
                hour,
            })
        };
        read().ok_or_else(|| NotLocalTime {
            text: text.to_owned(),
            expected: "an hour YYYY-MM-DDTHH",
        })
    }
}

impl FromStr for LocalMonth {
    type Err = NotLocalTime;

    fn from_str(text: &str) -> Result<Self, NotLocalTime> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let month = small(month).filter(|month| (1..=12).contains(month))?;
            Some(Self {
                year: digits(year, 4)?,
                month,
            })
        };
        read().ok_or_else(|| NotLocalTime {
            text: text.to_owned(),
            expected: "a month YYYY-MM",
        })
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(LocalHour LocalDay LocalMonth);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CAMBODIA_OFFSET_S: i32 = 7 * 3600;

    #[test]
    fn the_local_date_of_cambodia_changes_at_17_utc() {
        let before = 1_700_067_599_000_000; // 2023-11-15T16:59:59Z
        assert_eq!(
            LocalHour::at(before, CAMBODIA_OFFSET_S).to_string(),
            "2023-11-15T23"
        );
        assert_eq!(
            LocalHour::at(before + 1_000_000, CAMBODIA_OFFSET_S).to_string(),
            "2023-11-16T00"
        );
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        assert!("2025-02-29".parse::<LocalDay>().is_err());
        assert!("2024-02-29".parse::<LocalDay>().is_ok());
        assert!("2024-01-01T24".parse::<LocalHour>().is_err());
        assert!("+024-01".parse::<LocalMonth>().is_err());
    }

    proptest! {
        #[test]
        fn every_instant_has_an_hour_that_reads_back(unix_us: i64, offset in -50_000i32..50_000) {
            let hour = LocalHour::at(unix_us, offset);
            prop_assert_eq!(hour.to_string().parse::<LocalHour>(), Ok(hour));
            let start_s = hour.start_s(offset);
            prop_assert_eq!(LocalHour::at(start_s * 1_000_000, offset), hour);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = (text.parse::<LocalHour>(), text.parse::<LocalDay>(), text.parse::<LocalMonth>());
        }
    }
}
