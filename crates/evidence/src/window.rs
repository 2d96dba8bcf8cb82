//! Which hours of the day a figure is of, on the country's clock.
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The hours' words in URLs and stores.
const HOURS: [&str; 24] = [
    "hour_00", "hour_01", "hour_02", "hour_03", "hour_04", "hour_05", "hour_06", "hour_07",
    "hour_08", "hour_09", "hour_10", "hour_11", "hour_12", "hour_13", "hour_14", "hour_15",
    "hour_16", "hour_17", "hour_18", "hour_19", "hour_20", "hour_21", "hour_22", "hour_23",
];

/// One hour of every day, 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct HourOfDay(u8);

impl HourOfDay {
    /// All of them, from midnight on.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..24).map(Self)
    }

    /// The hour's number, 0 to 23.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for HourOfDay {
    type Error = String;

    fn try_from(hour: u8) -> Result<Self, String> {
        match hour {
            0..24 => Ok(Self(hour)),
            _ => Err(format!("{hour} is no hour of a day")),
        }
    }
}

/// Which hours of the day a figure is of.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Window {
    /// The whole day.
    #[default]
    All,
    /// The country's peak hours.
    Peak,
    /// All others.
    OffPeak,
    /// One hour of every day.
    Hour(HourOfDay),
}

impl Window {
    /// The whole day and its declared parts, in the order of pages.
    pub const PARTS: [Self; 3] = [Self::All, Self::Peak, Self::OffPeak];

    /// The word as it stands in URLs and stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Peak => "peak",
            Self::OffPeak => "off_peak",
            Self::Hour(hour) => HOURS[usize::from(hour.0)],
        }
    }
}

impl From<Window> for &'static str {
    fn from(window: Window) -> Self {
        window.as_str()
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let hours = HourOfDay::all().map(Self::Hour);
        let mut known = Self::PARTS.into_iter().chain(hours);
        known.find(|window| window.as_str() == word).ok_or_else(|| {
            format!("'{word}' is none of all, peak, off_peak, and hour_00 to hour_23")
        })
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_window_is_read_from_its_own_word() {
        let hours = HourOfDay::all().map(Window::Hour);
        for window in Window::PARTS.into_iter().chain(hours) {
            assert_eq!(window.as_str().parse(), Ok(window));
            let json = serde_json::to_string(&window).unwrap();
            assert_eq!(json, format!("\"{}\"", window.as_str()));
            assert_eq!(serde_json::from_str::<Window>(&json).unwrap(), window);
        }
        assert!(serde_json::from_str::<HourOfDay>("24").is_err());
    }

    proptest! {
        #[test]
        fn any_other_word_is_an_error_that_says_which_there_are(word in "\\PC{0,12}") {
            if let Err(said) = word.parse::<Window>() {
                prop_assert!(said.contains("off_peak"));
            }
        }
    }
}
