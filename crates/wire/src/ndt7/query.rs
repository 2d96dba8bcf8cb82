//! The query string of an ndt7 request: who the client says it is, and what it asks for.
//!
//! Rules of [`Query::parse`], those of stock servers:
//! 1. It is read as every query is ([`crate::query`]).
//! 2. `early_exit` is `250` or the request is refused, whatever the direction.
//! 3. Keys that begin with `server_` are the server's own and are no client metadata; neither is
//!    `access_token`, which is a secret.
use crate::query::{AccessToken, Pairs, Unreadable, value_of};

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

/// Why a query is answered with 400.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadQuery {
    /// Rule 1.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Rule 2.
    #[error("early_exit must be {EARLY_EXIT_MEGABYTES}")]
    EarlyExit,
}

impl Query {
    /// Reads a raw query string (what follows `?`, or nothing).
    pub fn parse(raw: &str) -> Result<Self, BadQuery> {
        let pairs = Pairs::parse(raw)?;
        let early_exit_bytes = match pairs.get("early_exit") {
            None => None,
            Some(EARLY_EXIT_MEGABYTES) => Some(EARLY_EXIT_BYTES),
            Some(_) => return Err(BadQuery::EarlyExit),
        };
        let (mut metadata, access_token) = pairs.into_parts();
        metadata.retain(|(name, _)| !name.starts_with("server_"));
        Ok(Self {
            early_exit_bytes,
            metadata,
            access_token,
        })
    }

    /// The value of a metadata key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        value_of(&self.metadata, name)
    }
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
    fn what_cannot_be_read_is_refused() {
        let refused = Query::parse("a=%ff");
        assert_eq!(refused, Err(BadQuery::Unreadable(Unreadable::Encoding)));
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
