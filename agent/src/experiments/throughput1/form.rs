//! Pure: the form of a test, as the query of its target asks for it.
use tonle_wire::throughput1::spec::{
    CONGESTION_CONTROLS, HARD_LIMIT_MS, STREAMS_DEFAULT, STREAMS_MAX,
};
use url::Url;

/// Shortest length that can be asked for, milliseconds: the server reports every 100 to 400.
const LENGTH_MIN_MS: u64 = 500;
/// Longest length that can be asked for: the last fifth of the protocol's limit is for the end.
const LENGTH_MAX_MS: u64 = HARD_LIMIT_MS / 5 * 4;

/// How many streams, how long, and at most how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) streams: u32,
    pub(super) length_ms: u64,
    /// Payload of each stream, where the target limits it.
    pub(super) limit_bytes: Option<u64>,
    pub(super) congestion_control: Option<String>,
}

impl Form {
    /// Reads the query of a target; what it does not say is standard.
    pub(super) fn of(target: &Url, standard_ms: u64) -> Result<Self, String> {
        let mut form = Self {
            streams: STREAMS_DEFAULT,
            length_ms: standard_ms,
            limit_bytes: None,
            congestion_control: None,
        };
        for (name, value) in target.query_pairs() {
            match &*name {
                "streams" => form.streams = streams(&value)?,
                "duration" => form.length_ms = number(&name, &value, LENGTH_MIN_MS, LENGTH_MAX_MS)?,
                "bytes" => form.limit_bytes = Some(number(&name, &value, 1, u64::MAX)?),
                "cc" if CONGESTION_CONTROLS.contains(&&*value) => {
                    form.congestion_control = Some(value.into_owned());
                }
                "cc" => {
                    return Err(format!(
                        "cc must be one of {}",
                        CONGESTION_CONTROLS.join(", ")
                    ));
                }
                _ => {
                    return Err(format!(
                        "'{name}' is no option; known are streams, duration, bytes, cc"
                    ));
                }
            }
        }
        Ok(form)
    }

    /// Length of a direction, microseconds.
    pub(super) fn length_us(&self) -> i64 {
        i64::try_from(self.length_ms * 1000).unwrap_or(i64::MAX)
    }

    /// Whether its results may be pooled with those of other runs.
    pub(super) fn is_standard(&self, standard_ms: u64) -> bool {
        self.streams == STREAMS_DEFAULT
            && self.length_ms == standard_ms
            && self.limit_bytes.is_none()
            && self.congestion_control.is_none()
    }
}

fn streams(value: &str) -> Result<u32, String> {
    let streams = number("streams", value, 1, STREAMS_MAX.into())?;
    Ok(u32::try_from(streams).expect("at most STREAMS_MAX"))
}

fn number(name: &str, value: &str, min: u64, max: u64) -> Result<u64, String> {
    let number = value
        .parse()
        .ok()
        .filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("{name} must be an integer from {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(query: &str) -> Result<Form, String> {
        Form::of(&Url::parse(&format!("ws://x/?{query}")).unwrap(), 5_000)
    }

    #[test]
    fn a_target_without_a_query_is_of_the_standard_form() {
        let standard = Form::of(&Url::parse("ws://x/").unwrap(), 5_000).unwrap();
        assert_eq!((standard.streams, standard.length_us()), (2, 5_000_000));
        assert!(standard.is_standard(5_000));
    }

    #[test]
    fn a_query_changes_the_form_and_then_it_is_not_standard() {
        let other = form("streams=4&duration=2000&bytes=100000&cc=bbr").unwrap();
        assert_eq!(
            (other.streams, other.length_ms, other.limit_bytes),
            (4, 2_000, Some(100_000))
        );
        for query in ["streams=3", "duration=4999", "bytes=1", "cc=reno"] {
            assert!(!form(query).unwrap().is_standard(5_000), "{query}");
        }
    }

    #[test]
    fn what_no_test_can_be_is_refused() {
        for query in [
            "streams=0",
            "streams=5",
            "duration=20001",
            "bytes=0",
            "cc=vegas",
            "stream=2",
            "duration=1s",
        ] {
            assert!(form(query).is_err(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in any::<String>()) {
            let mut url = Url::parse("ws://x/").unwrap();
            url.set_query(Some(&query));
            let _ = Form::of(&url, 5_000);
        }
    }
}
