//! How an agent joins: the invitation URL, the request with its proof, and the signed answer.
use crate::dsse::{self, types};
use crate::entry::Tier;
use crate::hash::{Hex, PublicKey};
use crate::record::Stream;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use url::Url;

/// Path segment before the token of an invitation URL.
const JOIN_SEGMENT: &str = "join";

/// `http(s)://collector[:port]/join/<token>#<collector key>`: the fragment never reaches the
/// server, so a proxy that forges the page cannot change the key that the agent pins.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Where the collector listens, ending in `/`.
    pub collector: Url,
    /// One-time secret of 128 bits or more, URL-safe base64.
    pub token: String,
    /// The collector's public key.
    pub collector_key: PublicKey,
}

/// Text that is not an invitation URL.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an invitation URL: {0}; ask whoever invited you for a new one")]
pub struct NotAnInvitation(String);

impl FromStr for Invitation {
    type Err = NotAnInvitation;

    fn from_str(text: &str) -> Result<Self, NotAnInvitation> {
        let wrong = |what: &str| NotAnInvitation(what.to_owned());
        let url = Url::parse(text.trim()).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it must begin with https:// or http://"));
        }
        let fragment = url
            .fragment()
            .ok_or_else(|| wrong("the part after # is missing"))?;
        let key = URL_SAFE_NO_PAD
            .decode(fragment)
            .map_err(|_| wrong("the part after # is damaged"))?;
        let key = Hex::from_slice(&key).map_err(|_| wrong("the part after # is damaged"))?;
        VerifyingKey::from_bytes(&key.0).map_err(|_| wrong("the part after # is not a key"))?;
        let segments: Vec<&str> = url
            .path_segments()
            .map(Iterator::collect)
            .unwrap_or_default();
        let [prefix @ .., JOIN_SEGMENT, token] = segments.as_slice() else {
            return Err(wrong("the path must end in /join/ and a code"));
        };
        let token_bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| wrong("the code is damaged"))?;
        if token_bytes.len() < 16 {
            return Err(wrong("the code is too short"));
        }
        let mut collector = url.clone();
        collector.set_fragment(None);
        collector.set_query(None);
        let base = if prefix.is_empty() {
            String::new()
        } else {
            prefix.join("/") + "/"
        };
        collector.set_path(&format!("/{base}"));
        Ok(Self {
            collector,
            token: (*token).to_owned(),
            collector_key: key,
        })
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = URL_SAFE_NO_PAD.encode(self.collector_key.0);
        write!(f, "{}{JOIN_SEGMENT}/{}#{key}", self.collector, self.token)
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invitation({}, token withheld)", self.collector)
    }
}

/// What the agent posts to `/api/v1/enrolments`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRequest {
    /// The invitation's secret.
    pub token: String,
    /// The agent's new public key.
    pub key: PublicKey,
    /// Version of the consent text that the volunteer accepted for quality.
    pub consent_version: String,
    /// Signature by `key` over token, key and consent version: proof of possession, base64.
    pub proof: String,
    /// For anonymous credentials, later: carried, not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presentation: Option<String>,
}

/// The signed bytes of an enrolment request: fields joined by a newline, which none can contain.
fn claim(token: &str, key: &PublicKey, consent_version: &str) -> Vec<u8> {
    format!("{token}\n{key}\n{consent_version}").into_bytes()
}

impl EnrolmentRequest {
    /// Builds the request and proves possession of the key.
    #[must_use]
    pub fn new(token: &str, key: &SigningKey, consent_version: &str) -> Self {
        let public = Hex(key.verifying_key().to_bytes());
        let proof = dsse::sign(
            key,
            types::ENROLMENT,
            &claim(token, &public, consent_version),
        );
        Self {
            token: token.to_owned(),
            key: public,
            consent_version: consent_version.to_owned(),
            proof: BASE64.encode(proof),
            presentation: None,
        }
    }

    /// True when whoever made the request holds the key.
    #[must_use]
    pub fn proves_possession(&self) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.key.0) else {
            return false;
        };
        let Ok(proof) = BASE64.decode(&self.proof) else {
            return false;
        };
        let Ok(proof) = <[u8; 64]>::try_from(proof) else {
            return false;
        };
        dsse::verify(
            &key,
            types::ENROLMENT,
            &claim(&self.token, &self.key, &self.consent_version),
            &proof,
        )
    }
}

impl fmt::Debug for EnrolmentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrolmentRequest(key {}, token withheld)", self.key)
    }
}

/// The collector's answer, signed as [`types::ENROLLED`]: what the agent needs to run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The key this answers.
    pub key: PublicKey,
    /// Name of the key from now on.
    pub key_id: String,
    /// How well the agent is known.
    pub tier: Tier,
    /// The country whose clock and provinces apply.
    pub country: crate::country::Country,
    /// Province the invitation is tagged with, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// Secret path of the device's own page (`/device/<link>`).
    pub device_link: String,
    /// ndt7 base URL of the collector's measurement server, such as `ws://host:port/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ndt7_url: Option<String>,
    /// Streams that this collector hosts: records of others are not for it.
    #[serde(default = "every_stream")]
    pub streams: Vec<Stream>,
}

/// What a collector hosts that says nothing of it.
fn every_stream() -> Vec<Stream> {
    Stream::ALL.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn invitation() -> Invitation {
        let key = SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
        Invitation {
            collector: "https://data.example.org/tonle/".parse().unwrap(),
            token: URL_SAFE_NO_PAD.encode([5; 16]),
            collector_key: Hex(key),
        }
    }

    #[test]
    fn an_invitation_reads_back_from_its_url() {
        assert_eq!(invitation().to_string().parse(), Ok(invitation()));
    }

    #[test]
    fn an_invitation_without_a_key_is_refused() {
        let text = invitation().to_string();
        let (bare, _) = text.split_once('#').unwrap();
        assert!(bare.parse::<Invitation>().is_err());
    }

    #[test]
    fn the_secret_of_an_invitation_is_not_in_its_debug_form() {
        assert!(!format!("{:?}", invitation()).contains(&invitation().token));
    }

    #[test]
    fn a_request_proves_possession_of_its_own_key_only() {
        let mut request = EnrolmentRequest::new("token", &SigningKey::from_bytes(&[1; 32]), "1");
        assert!(request.proves_possession());
        request.key = Hex(SigningKey::from_bytes(&[2; 32]).verifying_key().to_bytes());
        assert!(!request.proves_possession());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = text.parse::<Invitation>();
        }
    }
}
