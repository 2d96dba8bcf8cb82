//! How OONI's backend names reports and measurements.
//!
//! - Report: `20220911T105037Z_webconnectivity_IT_30722_n1_ruzuQ219SmIO9SrT`: when it was opened
//!   (UTC), test without underscores, country, network, form of the collector's name, random letters.
//! - Measurement: `20220911105101.123456_IT_webconnectivity_0123456789abcdef`: when it was received
//!   (UTC), country, test, first 16 digits of a hash.
//!
//! Source: <https://github.com/ooni/backend>, `ooniapi/services/ooniprobe`, 2026.
use std::fmt;
use std::str::FromStr;
use time::OffsetDateTime;
use time::macros::format_description;

/// Longest name of a test that is taken, characters.
const TEST_NAME_MAX_CHARS: usize = 64;
/// The fifth part of a report's name, as today's collectors write it.
const COLLECTOR: &str = "n1";

/// The name of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportId {
    started: String,
    test: String,
    country: String,
    asn: u32,
    collector: String,
    random: String,
}

/// Text that names no report.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error(
    "not a report id; one has six parts, such as 20220911T105037Z_webconnectivity_IT_30722_n1_ruzuQ219SmIO9SrT"
)]
pub struct NotReportId;

impl ReportId {
    /// A new name. `started_s`: seconds since the Unix epoch; `test` as measurements write it;
    /// `random`: letters and digits.
    #[must_use]
    pub fn new(started_s: i64, test: &str, country: &str, asn: u32, random: &str) -> Self {
        let form = format_description!("[year][month][day]T[hour][minute][second]Z");
        Self {
            started: written(started_s, form),
            test: short(test),
            country: country.to_owned(),
            asn,
            collector: COLLECTOR.to_owned(),
            random: random.to_owned(),
        }
    }

    /// The country.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// The network; 0 where it is not shared.
    #[must_use]
    pub fn asn(&self) -> u32 {
        self.asn
    }

    /// Whether it is of this test, as measurements write it.
    #[must_use]
    pub fn is_of(&self, test: &str) -> bool {
        self.test == short(test)
    }
}

impl fmt::Display for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            started,
            test,
            country,
            asn,
            collector,
            random,
        } = self;
        write!(f, "{started}_{test}_{country}_{asn}_{collector}_{random}")
    }
}

impl FromStr for ReportId {
    type Err = NotReportId;

    fn from_str(name: &str) -> Result<Self, NotReportId> {
        let parts: Vec<&str> = name.split('_').take(7).collect();
        let [started, test, country, asn, collector, random] = parts[..] else {
            return Err(NotReportId);
        };
        let is_short = |part: &str, max: usize| {
            (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let fits = is_start(started)
            && is_short(test, TEST_NAME_MAX_CHARS)
            && is_country(country)
            && asn.bytes().all(|byte| byte.is_ascii_digit())
            && is_short(collector, 8)
            && is_short(random, 64);
        if !fits {
            return Err(NotReportId);
        }
        Ok(Self {
            started: started.to_owned(),
            test: test.to_owned(),
            country: country.to_owned(),
            asn: asn.parse().map_err(|_| NotReportId)?,
            collector: collector.to_owned(),
            random: random.to_owned(),
        })
    }
}

/// `20220911T105037Z`.
fn is_start(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 16
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            8 => *byte == b'T',
            15 => *byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

/// The name of a measurement. `received_at_us`: since the Unix epoch; `digest`: of its content.
#[must_use]
pub fn measurement_uid(received_at_us: i64, country: &str, test: &str, digest: [u8; 8]) -> String {
    let form = format_description!("[year][month][day][hour][minute][second]");
    let second = written(received_at_us.div_euclid(1_000_000), form);
    let micros = received_at_us.rem_euclid(1_000_000);
    let digits = u64::from_be_bytes(digest);
    format!(
        "{second}.{micros:06}_{country}_{}_{digits:016x}",
        short(test)
    )
}

/// Whether a text is a test's name as measurements write it: `web_connectivity`.
#[must_use]
pub fn is_test_name(text: &str) -> bool {
    let fits = (2..=TEST_NAME_MAX_CHARS).contains(&text.len());
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    fits && text.bytes().all(is_plain) && !short(text).is_empty()
}

/// Whether a text is a country as measurements write it, `ZZ` for none.
#[must_use]
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The number of `AS…`.
#[must_use]
pub fn asn_of(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("AS")?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().ok() } else { None }
}

/// A second as the backend writes the time: `2026-11-10T05:00:00Z`. `unix_s`: since the Unix epoch.
#[must_use]
pub fn written_utc(unix_s: i64) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    written(unix_s, form)
}

/// A test's name without underscores.
fn short(test: &str) -> String {
    test.chars().filter(|letter| *letter != '_').collect()
}

/// A second of UTC in a form; the epoch for one beyond the years that have four digits.
fn written(unix_s: i64, form: &[time::format_description::BorrowedFormatItem<'_>]) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(unix_s)
        .ok()
        .filter(|moment| (0..=9999).contains(&moment.year()))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment
        .format(form)
        .expect("a date of four digits has every part")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_the_form_of_public_ones() {
        let public = "20220911T105037Z_webconnectivity_IT_30722_n1_ruzuQ219SmIO9SrT";
        let random = "ruzuQ219SmIO9SrT";
        let made = ReportId::new(1_662_893_437, "web_connectivity", "IT", 30_722, random);
        assert_eq!(made.to_string(), public);
        assert_eq!(public.parse(), Ok(made.clone()));
        assert!(made.is_of("web_connectivity") && !made.is_of("ndt"));
        let uid = measurement_uid(1_662_893_437_000_042, "IT", "web_connectivity", [1; 8]);
        assert_eq!(
            uid,
            "20220911105037.000042_IT_webconnectivity_0101010101010101"
        );
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for wrong in [
            "",
            "20220911T105037Z_web_connectivity_IT_30722_n1_ruzuQ219SmIO9SrT",
            "20220911T105037Z_webconnectivity_it_30722_n1_x",
            "20220911T105037Z_webconnectivity_IT_+1_n1_x",
            "20220911T105037Z_webconnectivity_IT_99999999999_n1_x",
            "20220911X105037Z_webconnectivity_IT_1_n1_x",
            "20220911T105037Z_webconnectivity_IT_1_n1_../x",
        ] {
            assert_eq!(wrong.parse::<ReportId>(), Err(NotReportId), "{wrong}");
        }
        assert_eq!(asn_of("AS0"), Some(0));
        assert_eq!(asn_of("AS+1"), None);
        assert!(!is_test_name("__") && !is_test_name("Web") && is_test_name("ndt"));
    }

    proptest! {
        #[test]
        fn a_made_name_reads_back(
            second in 0_i64..253_402_300_799, asn: u32, random in "[A-Za-z0-9]{16}",
            test in "[a-z][a-z0-9_]{1,30}[a-z]", country in "[A-Z]{2}",
        ) {
            let made = ReportId::new(second, &test, &country, asn, &random);
            prop_assert_eq!(made.to_string().parse(), Ok(made));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}", second: i64) {
            let _ = text.parse::<ReportId>();
            let _ = asn_of(&text);
            let _ = is_test_name(&text);
            let _ = measurement_uid(second, &text, &text, [0; 8]);
        }
    }
}
