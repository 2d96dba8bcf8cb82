//! The query string of a throughput1 request: how long, how many bytes, and who asks.
//!
//! Rules, those of m-lab/msak; each broken one is answered with 400:
//! 1. It is read as every query is ([`crate::query`]).
//! 2. `streams` is there and not empty; what it says is not looked at, because the server does not
//!    group streams.
//! 3. `mid` is there and not empty, or the access token has a name of its own, which counts more:
//!    see [`Query::name`].
//! 4. `duration` (milliseconds) and `bytes` are integers. No `bytes`, or none above zero, is no
//!    limit.
//! 5. `cc` is empty, `reno`, `cubic` or `bbr`.
//! 6. Every other key is the client's description of itself: name of at most 50 characters, value
//!    of at most 512.
use super::spec::{CONGESTION_CONTROLS, DURATION_DEFAULT_MS, HARD_LIMIT_MS};
use crate::query::{AccessToken, Pairs, Unreadable, value_of};

/// Longest name of a metadata key, characters.
const NAME_MAX_CHARS: usize = 50;
/// Longest metadata value, characters.
const VALUE_MAX_CHARS: usize = 512;
/// Keys that are options, not metadata.
const OPTIONS: [&str; 6] = ["streams", "mid", "duration", "bytes", "cc", "delay"];

/// What a client asks for on one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// How many streams the client says it opens.
    pub streams: String,
    /// What the streams of one measurement have in common, as the client says.
    pub measurement_id: Option<String>,
    /// Length of the test, milliseconds; at most [`HARD_LIMIT_MS`].
    pub duration_ms: u64,
    /// Application bytes after which this stream ends.
    pub limit_bytes: Option<u64>,
    /// Congestion control asked for.
    pub congestion_control: Option<&'static str>,
    /// (name, value) as the client described itself, in its order.
    pub metadata: Vec<(String, String)>,
    /// What the client shows to be let in.
    pub access_token: Option<AccessToken>,
}

/// Why a query is answered with 400.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadQuery {
    /// Rule 1.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Rules 2 and 3.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Rule 4.
    #[error("{0} must be an integer")]
    NoInteger(&'static str),
    /// Rule 5.
    #[error("cc must be reno, cubic or bbr")]
    CongestionControl,
    /// Rule 6.
    #[error("a key or value of the client's metadata is too long")]
    Metadata,
}

impl Query {
    /// Reads a raw query string (what follows `?`, or nothing).
    pub fn parse(raw: &str) -> Result<Self, BadQuery> {
        let pairs = Pairs::parse(raw)?;
        let value = |name: &str| pairs.get(name).filter(|value| !value.is_empty());
        let integer = |name: &'static str| match value(name) {
            None => Ok(None),
            Some(text) => text
                .parse::<i64>()
                .map(Some)
                .map_err(|_| BadQuery::NoInteger(name)),
        };
        let limit_bytes = integer("bytes")?.and_then(|bytes| u64::try_from(bytes).ok());
        let duration_ms = integer("duration")?.map_or(DURATION_DEFAULT_MS, |duration_ms| {
            u64::try_from(duration_ms).unwrap_or(0)
        });
        let streams = value("streams").ok_or(BadQuery::Missing("streams"))?;
        let streams = streams.to_owned();
        let measurement_id = value("mid").map(str::to_owned);
        let congestion_control = value("cc").map(congestion_control).transpose()?;
        let (values, access_token) = pairs.into_parts();
        Ok(Self {
            streams,
            measurement_id,
            duration_ms: duration_ms.min(HARD_LIMIT_MS),
            limit_bytes: limit_bytes.filter(|bytes| *bytes > 0),
            congestion_control,
            metadata: metadata(values)?,
            access_token,
        })
    }

    /// What names the measurement (rule 3): the id of a token that let the client in, or else what
    /// the client says.
    pub fn name<'a>(&'a self, token_id: Option<&'a str>) -> Result<&'a str, BadQuery> {
        let token_id = token_id.filter(|id| !id.is_empty());
        let name = token_id.or(self.measurement_id.as_deref());
        name.ok_or(BadQuery::Missing("mid"))
    }

    /// The value of a metadata key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        value_of(&self.metadata, name)
    }
}

fn congestion_control(asked: &str) -> Result<&'static str, BadQuery> {
    let known = CONGESTION_CONTROLS.into_iter().find(|name| *name == asked);
    known.ok_or(BadQuery::CongestionControl)
}

fn metadata(mut values: Vec<(String, String)>) -> Result<Vec<(String, String)>, BadQuery> {
    values.retain(|(name, _)| !OPTIONS.contains(&name.as_str()));
    let fits = |(name, value): &(String, String)| {
        name.chars().count() <= NAME_MAX_CHARS && value.chars().count() <= VALUE_MAX_CHARS
    };
    if values.iter().all(fits) {
        Ok(values)
    } else {
        Err(BadQuery::Metadata)
    }
}

/// What our client asks for, on every stream of a direction alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// How many streams are opened.
    pub streams: u32,
    /// What they have in common.
    pub measurement_id: &'a str,
    /// Length of the test, milliseconds.
    pub duration_ms: u64,
    /// Application bytes after which a stream ends.
    pub limit_bytes: Option<u64>,
    /// Congestion control asked for; absent: the server's choice.
    pub congestion_control: Option<&'a str>,
    /// Name and version of the program; nothing of the device.
    pub client: (&'a str, &'a str),
}

impl Request<'_> {
    /// The query string, without `?`.
    #[must_use]
    pub fn to_query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("streams", &self.streams.to_string())
            .append_pair("mid", self.measurement_id)
            .append_pair("duration", &self.duration_ms.to_string());
        if let Some(bytes) = self.limit_bytes {
            query.append_pair("bytes", &bytes.to_string());
        }
        if let Some(name) = self.congestion_control {
            query.append_pair("cc", name);
        }
        let (name, version) = self.client;
        query
            .append_pair("client_name", name)
            .append_pair("client_version", version)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn streams_and_mid_are_required_and_the_rest_has_defaults() {
        let query = Query::parse("streams=2&mid=abc").unwrap();
        assert_eq!(query.duration_ms, 5_000);
        assert_eq!(query.limit_bytes, None);
        assert_eq!(query.congestion_control, None);
        assert_eq!(Query::parse("mid=abc"), Err(BadQuery::Missing("streams")));
        assert_eq!(
            Query::parse("streams=&mid=a"),
            Err(BadQuery::Missing("streams"))
        );
        let unnamed = Query::parse("streams=2&mid=").unwrap();
        assert_eq!(unnamed.name(None), Err(BadQuery::Missing("mid")));
        assert_eq!(unnamed.name(Some("")), Err(BadQuery::Missing("mid")));
        assert_eq!(unnamed.name(Some("t")), Ok("t"));
        assert_eq!(
            (query.name(None), query.name(Some("t"))),
            (Ok("abc"), Ok("t"))
        );
    }

    #[test]
    fn what_is_no_integer_or_no_known_algorithm_is_refused() {
        for raw in [
            "duration=5s",
            "bytes=1e6",
            "bytes=1.0",
            "duration=99999999999999999999",
        ] {
            let refused = Query::parse(&format!("streams=1&mid=a&{raw}")).unwrap_err();
            assert!(matches!(refused, BadQuery::NoInteger(_)), "{raw}");
        }
        let refused = Query::parse("streams=1&mid=a&cc=vegas");
        assert_eq!(refused, Err(BadQuery::CongestionControl));
        let empty = Query::parse("streams=1&mid=a&cc=&bytes=&duration=").unwrap();
        assert_eq!(empty.congestion_control, None);
    }

    #[test]
    fn no_byte_limit_is_zero_or_less_and_no_test_is_longer_than_the_deadline() {
        let query = Query::parse("streams=1&mid=a&bytes=0&duration=600000").unwrap();
        assert_eq!((query.limit_bytes, query.duration_ms), (None, 25_000));
        let negative = Query::parse("streams=1&mid=a&bytes=-5&duration=-5").unwrap();
        assert_eq!((negative.limit_bytes, negative.duration_ms), (None, 0));
    }

    #[test]
    fn metadata_is_what_is_no_option_and_has_bounds() {
        let query = Query::parse("streams=1&mid=a&delay=3&client_os=linux&access_token=t").unwrap();
        assert_eq!(
            query.metadata,
            [("client_os".to_owned(), "linux".to_owned())]
        );
        let long_name = format!("streams=1&mid=a&{}=b", "n".repeat(51));
        assert_eq!(Query::parse(&long_name), Err(BadQuery::Metadata));
        let long_value = format!("streams=1&mid=a&n={}", "v".repeat(513));
        assert_eq!(Query::parse(&long_value), Err(BadQuery::Metadata));
        assert!(Query::parse(&long_value[..long_value.len() - 1]).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(raw in any::<String>()) {
            let _ = Query::parse(&raw);
        }

        #[test]
        fn what_our_client_asks_for_is_understood(
            streams in 1_u32..=4, mid in "[0-9a-f]{1,32}", duration_ms in 0_u64..=25_000,
            limit_bytes in proptest::option::of(1_u64..1 << 40),
            congestion_control in proptest::option::of(prop::sample::select(&CONGESTION_CONTROLS)),
        ) {
            let request = Request {
                streams,
                measurement_id: &mid,
                duration_ms,
                limit_bytes,
                congestion_control,
                client: ("tonle-agent", "0 & 1"),
            };
            let query = Query::parse(&request.to_query()).unwrap();
            prop_assert_eq!(&query.streams, &streams.to_string());
            prop_assert_eq!(query.measurement_id.as_deref(), Some(mid.as_str()));
            prop_assert_eq!(query.duration_ms, duration_ms);
            prop_assert_eq!(query.limit_bytes, limit_bytes);
            prop_assert_eq!(query.congestion_control, congestion_control);
            prop_assert_eq!(query.get("client_version"), Some("0 & 1"));
        }
    }
}
