//! The query string of an ndt7 request: who the client says it is, and what it asks for.
//!
//! Rules of [`Query::parse`], those of stock servers:
//! 1. At most 4096 bytes of valid URL-encoded UTF-8.
//! 2. Only the first value of a key counts; a key without a value has an empty one.
//! 3. `early_exit` is `250` or the request is refused, whatever the direction.
//! 4. Keys that begin with `server_` are the server's own and are no client metadata; neither is
//!    `access_token`, which is a secret.

/// Longest query string, bytes (specification).
pub const QUERY_MAX_BYTES: usize = 4096;
/// The only value of `early_exit` that stock servers know, in units of 10^6 bytes.
const EARLY_EXIT_MEGABYTES: &str = "250";
/// What `early_exit=250` means, bytes.
const EARLY_EXIT_BYTES: u64 = 250_000_000;

/// What a client asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// End a download once the client's kernel acknowledged this many bytes.
    pub early_exit_bytes: Option<u64>,
    /// (name, value) as the client described itself, in its order.
    pub metadata: Vec<(String, String)>,
    /// What the client shows to be let in.
    pub access_token: Option<AccessToken>,
}

/// A secret that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

impl AccessToken {
    /// The token itself, to be checked.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// Why a query is answered with 400.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadQuery {
    /// Rule 1, length.
    #[error("query of {0} bytes is longer than {QUERY_MAX_BYTES}")]
    TooLong(usize),
    /// Rule 1, encoding.
    #[error("query is not url-encoded utf-8")]
    Encoding,
    /// Rule 3.
    #[error("early_exit must be {EARLY_EXIT_MEGABYTES}")]
    EarlyExit,
}

impl Query {
    /// Reads a raw query string (what follows `?`, or nothing).
    pub fn parse(raw: &str) -> Result<Self, BadQuery> {
        if raw.len() > QUERY_MAX_BYTES {
            return Err(BadQuery::TooLong(raw.len()));
        }
        let mut first_values: Vec<(String, String)> = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !first_values.iter().any(|(known, _)| *known == name) {
                first_values.push((name, value));
            }
        }
        let early_exit = first_values.iter().find(|(name, _)| name == "early_exit");
        let early_exit_bytes = match early_exit {
            None => None,
            Some((_, value)) if value == EARLY_EXIT_MEGABYTES => Some(EARLY_EXIT_BYTES),
            Some(_) => return Err(BadQuery::EarlyExit),
        };
        let token = first_values.iter().find(|(name, _)| name == "access_token");
        let access_token = token.map(|(_, value)| AccessToken(value.clone()));
        first_values.retain(|(name, _)| !name.starts_with("server_") && name != "access_token");
        Ok(Self {
            early_exit_bytes,
            metadata: first_values,
            access_token,
        })
    }

    /// The value of a metadata key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.metadata.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }
}

/// Undoes URL encoding. Stricter than browsers are: a stray `%` or anything but UTF-8 is an error.
pub(crate) fn decode(text: &str) -> Result<String, BadQuery> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next())? << 4 | hex_digit(rest.next())?,
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| BadQuery::Encoding)
}

fn hex_digit(byte: Option<u8>) -> Result<u8, BadQuery> {
    let digit = byte.and_then(|byte| char::from(byte).to_digit(16));
    let value = digit.ok_or(BadQuery::Encoding)?;
    Ok(u8::try_from(value).expect("a hexadecimal digit is below 16"))
}

/// The query by which our client describes itself: the program, and nothing of the device.
#[must_use]
pub fn describe_client(name: &str, version: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_name", name)
        .append_pair("client_version", version)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn early_exit_is_250_or_the_request_is_refused() {
        assert_eq!(
            Query::parse("early_exit=250").unwrap().early_exit_bytes,
            Some(250_000_000)
        );
        for raw in [
            "early_exit=100",
            "early_exit=",
            "early_exit",
            "early_exit=250.0",
            "early_exit=0250",
        ] {
            assert_eq!(Query::parse(raw), Err(BadQuery::EarlyExit), "{raw}");
        }
        assert_eq!(Query::parse("").unwrap(), Query::default());
    }

    #[test]
    fn first_value_of_a_repeated_key_counts() {
        let query = Query::parse("client_name=a&client_name=b&empty").unwrap();
        assert_eq!(query.get("client_name"), Some("a"));
        assert_eq!(query.get("empty"), Some(""));
    }

    #[test]
    fn server_keys_and_tokens_are_no_client_metadata() {
        let query = Query::parse("server_load=1&access_token=secret&client_os=linux").unwrap();
        assert_eq!(
            query.metadata,
            [("client_os".to_owned(), "linux".to_owned())]
        );
        let token = query.access_token.unwrap();
        assert_eq!(token.reveal(), "secret");
        assert!(!format!("{token:?}").contains("secret"));
    }

    #[test]
    fn bad_encoding_and_length_are_refused() {
        for raw in ["a=%", "a=%f", "a=%zz", "a=%ff", "%c3=1"] {
            assert_eq!(Query::parse(raw), Err(BadQuery::Encoding), "{raw}");
        }
        let long = format!("a={}", "x".repeat(QUERY_MAX_BYTES));
        assert!(matches!(Query::parse(&long), Err(BadQuery::TooLong(_))));
        assert!(Query::parse(&long[..QUERY_MAX_BYTES]).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(raw in any::<String>()) {
            let _ = Query::parse(&raw);
        }

        #[test]
        fn a_client_is_understood_as_it_described_itself(name in any::<String>(), version in "[ -~]{0,20}") {
            prop_assume!(name.len() < 200);
            let query = Query::parse(&describe_client(&name, &version)).unwrap();
            prop_assert_eq!(query.get("client_name"), Some(name.as_str()));
            prop_assert_eq!(query.get("client_version"), Some(version.as_str()));
        }
    }
}
