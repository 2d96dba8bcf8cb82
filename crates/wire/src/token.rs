//! Access tokens of measurement servers: JWT (RFC 7519) signed with Ed25519 (RFC 8037), as M-Lab's
//! Locate hands them out. No other algorithm is known, so none can be confused with it.
//!
//! Rules of [`verify`], in this order:
//! 1. Three parts in unpadded base64url, at most [`TOKEN_MAX_BYTES`]; the header says `EdDSA` and
//!    asks for nothing that we do not know (`crit`).
//! 2. The signature is one of the given keys'; a header with a `kid` is checked against keys of that
//!    name, and those without a name.
//! 3. Issuer and subject are the expected ones, the audience names this machine.
//! 4. `exp` is there and not over, `nbf` (where there is one) has come; both with [`LEEWAY_S`].
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::Deserialize;

/// Longest token that is looked at, bytes: what fits a query string.
pub const TOKEN_MAX_BYTES: usize = 4096;
/// How far apart the clocks of issuer and server may be, seconds (as go-jose's default, which
/// stock servers use).
pub const LEEWAY_S: i64 = 60;
/// The only algorithm.
const ALGORITHM: &str = "EdDSA";

/// A key that tokens are checked with.
#[derive(Debug, Clone)]
pub struct VerifyKey {
    name: Option<String>,
    key: VerifyingKey,
}

/// Text that is no public key.
#[derive(Debug, thiserror::Error)]
pub enum BadKey {
    /// Not the JSON of a key.
    #[error("not a JSON Web Key: {0}")]
    Json(#[from] serde_json::Error),
    /// Another kind of key.
    #[error("not a public Ed25519 key: it must have kty OKP and crv Ed25519, and no d")]
    Kind,
    /// The point is none.
    #[error("not a public Ed25519 key: x is no point in base64url")]
    Point,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    kid: Option<String>,
    d: Option<String>,
}

impl VerifyKey {
    /// Reads a JSON Web Key (RFC 7517, RFC 8037), the form of `-token.verify-key` of stock servers.
    pub fn from_jwk(text: &str) -> Result<Self, BadKey> {
        let jwk: Jwk = serde_json::from_str(text)?;
        if jwk.kty != "OKP" || jwk.crv != "Ed25519" || jwk.d.is_some() {
            return Err(BadKey::Kind);
        }
        let bytes = URL_SAFE_NO_PAD.decode(&jwk.x).map_err(|_| BadKey::Point)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| BadKey::Point)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| BadKey::Point)?;
        Ok(Self { name: jwk.kid, key })
    }

    fn may_be(&self, wanted: Option<&str>) -> bool {
        match (self.name.as_deref(), wanted) {
            (Some(name), Some(wanted)) => name == wanted,
            _ => true,
        }
    }
}

/// What a good token says.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// What it is for, such as `ndt`.
    pub subject: &'a str,
    /// This machine, as the issuer calls it.
    pub audience: &'a str,
    /// The time now, seconds since the Unix epoch.
    pub now_s: i64,
}

/// Why a token lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Rule 1, form.
    #[error("it is no signed token")]
    Form,
    /// Rule 1, algorithm.
    #[error("it is not signed with {ALGORITHM} alone")]
    Algorithm,
    /// Rule 2.
    #[error("no known key signed it")]
    Signature,
    /// Rule 3.
    #[error("it is not for this use of this machine")]
    Purpose,
    /// Rule 4.
    #[error("it is over, or not yet good")]
    Time,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, machine: &str) -> bool {
        match self {
            Self::One(name) => name == machine,
            Self::Many(names) => names.iter().any(|name| name == machine),
        }
    }
}

/// Checks a token by the rules of this file; gives the name that its issuer gave it (`jti`), if any.
pub fn verify(
    token: &str,
    keys: &[VerifyKey],
    expected: &Expected<'_>,
) -> Result<Option<String>, BadToken> {
    if token.len() > TOKEN_MAX_BYTES {
        return Err(BadToken::Form);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(BadToken::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(BadToken::Form)?;
    let header: Header = part(header)?;
    if header.alg != ALGORITHM || header.crit.is_some() {
        return Err(BadToken::Algorithm);
    }
    let signature = decoded(signature)?;
    let signature = Signature::from_slice(&signature).map_err(|_| BadToken::Form)?;
    let wanted = header.kid.as_deref();
    let mut candidates = keys.iter().filter(|key| key.may_be(wanted));
    if !candidates.any(|key| key.key.verify_strict(signed.as_bytes(), &signature).is_ok()) {
        return Err(BadToken::Signature);
    }
    let claims: Claims = part(claims)?;
    claims.hold(expected)?;
    Ok(claims.jti)
}

impl Claims {
    fn hold(&self, expected: &Expected<'_>) -> Result<(), BadToken> {
        let for_us = self.iss == expected.issuer
            && self.sub == expected.subject
            && self
                .aud
                .as_ref()
                .is_some_and(|aud| aud.names(expected.audience));
        if !for_us {
            return Err(BadToken::Purpose);
        }
        let (now_s, leeway_s) = (expected.now_s as f64, LEEWAY_S as f64);
        let is_over = self.exp.is_none_or(|exp_s| now_s > exp_s + leeway_s);
        let is_early = self.nbf.is_some_and(|nbf_s| now_s < nbf_s - leeway_s);
        if is_over || is_early {
            return Err(BadToken::Time);
        }
        Ok(())
    }
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, BadToken> {
    serde_json::from_slice(&decoded(text)?).map_err(|_| BadToken::Form)
}

fn decoded(text: &str) -> Result<Vec<u8>, BadToken> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| BadToken::Form)
}

#[cfg(test)]
mod tests;
