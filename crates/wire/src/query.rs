//! Query strings, as the servers of every protocol over HTTP read them.
//!
//! 1. At most [`QUERY_MAX_BYTES`] of valid URL-encoded UTF-8.
//! 2. Only the first value of a key counts; a key without a value has an empty one.
//! 3. `access_token` is a secret: it is never printed, and no part of what a client says of itself.

/// Longest query string, bytes (specification of ndt7).
pub const QUERY_MAX_BYTES: usize = 4096;
/// The key of the secret.
const ACCESS_TOKEN: &str = "access_token";

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

/// Why a query string cannot be read.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    /// Rule 1, length.
    #[error("query of {0} bytes is longer than {QUERY_MAX_BYTES}")]
    TooLong(usize),
    /// Rule 1, encoding.
    #[error("query is not url-encoded utf-8")]
    Encoding,
}

/// The pairs of a query, the first one of each key, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs {
    values: Vec<(String, String)>,
    access_token: Option<AccessToken>,
}

impl Pairs {
    /// Reads a raw query string (what follows `?`, or nothing).
    pub fn parse(raw: &str) -> Result<Self, Unreadable> {
        if raw.len() > QUERY_MAX_BYTES {
            return Err(Unreadable::TooLong(raw.len()));
        }
        let mut values: Vec<(String, String)> = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !values.iter().any(|(known, _)| *known == name) {
                values.push((name, value));
            }
        }
        let shown = values.iter().position(|(name, _)| name == ACCESS_TOKEN);
        let access_token = shown.map(|at| AccessToken(values.remove(at).1));
        Ok(Self {
            values,
            access_token,
        })
    }

    /// The value of a key; empty where the key stands without one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        value_of(&self.values, name)
    }

    /// What the client shows to be let in.
    #[must_use]
    pub fn access_token(&self) -> Option<&AccessToken> {
        self.access_token.as_ref()
    }

    /// The pairs but for the secret, and the secret.
    #[must_use]
    pub fn into_parts(self) -> (Vec<(String, String)>, Option<AccessToken>) {
        (self.values, self.access_token)
    }
}

/// The value of a key among pairs.
pub(crate) fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(known, _)| known == name)?;
    Some(&found.1)
}

/// Undoes URL encoding. Stricter than browsers are: a stray `%` or anything but UTF-8 is an error.
fn decode(text: &str) -> Result<String, Unreadable> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next())? << 4 | hex_digit(rest.next())?,
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Unreadable::Encoding)
}

fn hex_digit(byte: Option<u8>) -> Result<u8, Unreadable> {
    let digit = byte.and_then(|byte| char::from(byte).to_digit(16));
    let value = digit.ok_or(Unreadable::Encoding)?;
    Ok(u8::try_from(value).expect("a hexadecimal digit is below 16"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn first_value_of_a_repeated_key_counts() {
        let pairs = Pairs::parse("a=1&a=2&empty&&b+b=%c3%a9").unwrap();
        assert_eq!(pairs.get("a"), Some("1"));
        assert_eq!(pairs.get("empty"), Some(""));
        assert_eq!(pairs.get("b b"), Some("é"));
        assert_eq!(pairs.get("c"), None);
    }

    #[test]
    fn a_token_is_no_pair_and_never_printed() {
        let pairs = Pairs::parse("a=1&access_token=secret&access_token=other").unwrap();
        assert_eq!(pairs.access_token().unwrap().reveal(), "secret");
        assert!(!format!("{pairs:?}").contains("secret"));
        let (values, _) = pairs.into_parts();
        assert_eq!(values, [("a".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn bad_encoding_and_length_are_refused() {
        for raw in ["a=%", "a=%f", "a=%zz", "a=%ff", "%c3=1"] {
            assert_eq!(Pairs::parse(raw), Err(Unreadable::Encoding), "{raw}");
        }
        let long = format!("a={}", "x".repeat(QUERY_MAX_BYTES));
        assert!(matches!(Pairs::parse(&long), Err(Unreadable::TooLong(_))));
        assert!(Pairs::parse(&long[..QUERY_MAX_BYTES]).is_ok());
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_as_it_was(name in ".{1,20}", value in ".{0,50}") {
            prop_assume!(name != ACCESS_TOKEN);
            let raw = url::form_urlencoded::Serializer::new(String::new())
                .append_pair(&name, &value)
                .finish();
            let pairs = Pairs::parse(&raw).unwrap();
            prop_assert_eq!(pairs.get(&name), Some(value.as_str()));
        }
    }
}
