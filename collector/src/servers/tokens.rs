//! Who may test: access tokens, where the operator asks for them. Every door asks here.
//!
//! 1. Without keys no token is looked at.
//! 2. With keys a token that is shown must be good, even where none is required.
//! 3. Where one is required, a request without is refused. Both directions alike.
//! 4. A token is for one protocol: its subject, as Locate calls the protocol.
use super::config::ServersConfig;
use std::path::Path;
use tonle_net::clock::wall_us;
use tonle_wire::query::AccessToken;
use tonle_wire::token::{BadToken, Expected, VerifyKey, verify};

/// Who issues tokens: M-Lab's Locate, and whoever speaks like it.
const ISSUER: &str = "locate";

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

    /// Lets in, or says why not. Gives the name of the token that let in, if it has one.
    pub(super) fn check(
        &self,
        subject: &str,
        shown: Option<&AccessToken>,
    ) -> Result<Option<String>, NoEntry> {
        self.check_at(subject, shown, wall_us() / 1_000_000)
    }

    fn check_at(
        &self,
        subject: &str,
        shown: Option<&AccessToken>,
        now_s: i64,
    ) -> Result<Option<String>, NoEntry> {
        let Some(token) = shown else {
            return if self.is_required {
                Err(NoEntry::Missing)
            } else {
                Ok(None)
            };
        };
        if self.keys.is_empty() && !self.is_required {
            return Ok(None);
        }
        let expected = Expected {
            issuer: ISSUER,
            subject,
            audience: &self.machine,
            now_s,
        };
        Ok(verify(token.reveal(), &self.keys, &expected)?)
    }
}

/// Reads a key, or says what is wrong with the file.
pub(super) fn read_key(path: &Path) -> Result<VerifyKey, String> {
    let wrong = |reason: String| format!("servers.token_verify_keys: {}: {reason}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    VerifyKey::from_jwk(&text).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_wire::query::Pairs;

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
        let pairs = Pairs::parse("access_token=a.b.c").unwrap();
        pairs.access_token().cloned()
    }

    fn check(tokens: &Tokens, shown: Option<&AccessToken>) -> Result<Option<String>, NoEntry> {
        tokens.check_at("ndt", shown, 0)
    }

    #[test]
    fn without_keys_no_token_is_looked_at() {
        assert_eq!(check(&tokens(false, false), shown().as_ref()), Ok(None));
        assert_eq!(check(&tokens(false, false), None), Ok(None));
    }

    #[test]
    fn with_keys_a_bad_token_is_refused_even_where_none_is_required() {
        let refused = check(&tokens(false, true), shown().as_ref());
        assert!(matches!(refused, Err(NoEntry::Bad(_))));
        assert_eq!(check(&tokens(false, true), None), Ok(None));
    }

    #[test]
    fn where_one_is_required_nobody_comes_in_without() {
        assert_eq!(check(&tokens(true, true), None), Err(NoEntry::Missing));
        let refused = check(&tokens(true, false), shown().as_ref());
        assert!(matches!(refused, Err(NoEntry::Bad(_))));
    }
}
