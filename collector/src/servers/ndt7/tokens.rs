//! Who may test: access tokens, where the operator asks for them.
//!
//! 1. Without keys no token is looked at.
//! 2. With keys a token that is shown must be good, even where none is required.
//! 3. Where one is required, a request without is refused. Both directions alike.
use crate::servers::config::ServersConfig;
use std::path::Path;
use tonle_net::clock::wall_us;
use tonle_wire::ndt7::query::AccessToken;
use tonle_wire::token::{BadToken, Expected, VerifyKey, verify};

/// Who issues tokens: M-Lab's Locate, and whoever speaks like it.
const ISSUER: &str = "locate";
/// What they are for.
const SUBJECT: &str = "ndt";

/// Why a request without a good token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoEntry {
    #[error("an access_token is required")]
    Missing,
    #[error("the access_token is refused: {0}")]
    Bad(#[from] BadToken),
}

/// Checks tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    keys: Vec<VerifyKey>,
    machine: String,
    is_required: bool,
}

impl Tokens {
    /// As the operator decided. The configuration was checked: its keys can be read.
    pub(super) fn new(config: &ServersConfig) -> Self {
        let keys = config.token_verify_keys.iter();
        Self {
            keys: keys.filter_map(|path| read_key(path).ok()).collect(),
            machine: config.token_machine.clone().unwrap_or_default(),
            is_required: config.token_required,
        }
    }

    /// Lets in, or says why not.
    pub(super) fn check(&self, shown: Option<&AccessToken>) -> Result<(), NoEntry> {
        self.check_at(shown, wall_us() / 1_000_000)
    }

    fn check_at(&self, shown: Option<&AccessToken>, now_s: i64) -> Result<(), NoEntry> {
        let Some(token) = shown else {
            return if self.is_required {
                Err(NoEntry::Missing)
            } else {
                Ok(())
            };
        };
        if self.keys.is_empty() && !self.is_required {
            return Ok(());
        }
        let expected = Expected {
            issuer: ISSUER,
            subject: SUBJECT,
            audience: &self.machine,
            now_s,
        };
        Ok(verify(token.reveal(), &self.keys, &expected)?)
    }
}

/// Reads a key, or says what is wrong with the file.
pub(in crate::servers) fn read_key(path: &Path) -> Result<VerifyKey, String> {
    let wrong = |reason: String| format!("servers.token_verify_keys: {}: {reason}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    VerifyKey::from_jwk(&text).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_wire::ndt7::query::Query;

    fn tokens(is_required: bool, has_keys: bool) -> Tokens {
        let key =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let keys = has_keys.then(|| VerifyKey::from_jwk(key).unwrap());
        Tokens {
            keys: keys.into_iter().collect(),
            machine: "here".to_owned(),
            is_required,
        }
    }

    fn shown() -> Option<AccessToken> {
        Query::parse("access_token=a.b.c").unwrap().access_token
    }

    #[test]
    fn without_keys_no_token_is_looked_at() {
        assert_eq!(tokens(false, false).check_at(shown().as_ref(), 0), Ok(()));
        assert_eq!(tokens(false, false).check_at(None, 0), Ok(()));
    }

    #[test]
    fn with_keys_a_bad_token_is_refused_even_where_none_is_required() {
        let refused = tokens(false, true).check_at(shown().as_ref(), 0);
        assert!(matches!(refused, Err(NoEntry::Bad(_))));
        assert_eq!(tokens(false, true).check_at(None, 0), Ok(()));
    }

    #[test]
    fn where_one_is_required_nobody_comes_in_without() {
        assert_eq!(tokens(true, true).check_at(None, 0), Err(NoEntry::Missing));
        let refused = tokens(true, false).check_at(shown().as_ref(), 0);
        assert!(matches!(refused, Err(NoEntry::Bad(_))));
    }
}
