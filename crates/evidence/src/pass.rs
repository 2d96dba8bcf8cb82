//! A pass: what an enrolled agent shows a server of its collector with a request, to have more than
//! strangers have. It says that this key asks for exactly this, now.
//!
//! Header `Tonle-Pass`, value `<key>.<time_s>.<signature>`: the agent's public key in hexadecimal
//! digits, seconds since the Unix epoch, and in unpadded URL-safe base64 the signature as
//! [`types::PASS`] over `<time_s>` LF `<SHA-256 of the request's content, hexadecimal>`. A pass is good
//! for [`PASS_VALID_S`] either way of its time; who copies one within that can ask the same again.
//!
//! It names the agent: show it to nobody but the agent's own collector, where nobody else listens.
use crate::dsse::{self, types};
use crate::hash::{Hex, PublicKey, sha256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{SigningKey, VerifyingKey};

/// The header that carries a pass.
pub const PASS_HEADER: &str = "tonle-pass";
/// How far its time may be from the server's, seconds.
pub const PASS_VALID_S: i64 = 300;

/// A pass that was shown; not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Whose it says it is.
    pub key: PublicKey,
    time_s: i64,
    signature: [u8; 64],
}

fn claim(time_s: i64, content: &[u8]) -> Vec<u8> {
    format!("{time_s}\n{}", sha256(content)).into_bytes()
}

/// The header's value for a request with this content, at `now_s` since the Unix epoch.
#[must_use]
pub fn show(key: &SigningKey, now_s: i64, content: &[u8]) -> String {
    let public = Hex(key.verifying_key().to_bytes());
    let signature = dsse::sign(key, types::PASS, &claim(now_s, content));
    format!("{public}.{now_s}.{}", URL_SAFE_NO_PAD.encode(signature))
}

impl Pass {
    /// Reads a header's value; none for text that is no pass.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (key, time_s, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let pass = Self {
            key: key.parse().ok()?,
            time_s: time_s.parse().ok()?,
            signature: signature.try_into().ok()?,
        };
        parts.next().is_none().then_some(pass)
    }

    /// Whether its key made it for this content, and not long ago.
    #[must_use]
    pub fn is_good(&self, content: &[u8], now_s: i64) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.key.0) else {
            return false;
        };
        let is_fresh = now_s.abs_diff(self.time_s) <= PASS_VALID_S.unsigned_abs();
        let claim = claim(self.time_s, content);
        is_fresh && dsse::verify(&key, types::PASS, &claim, &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW_S: i64 = 1_795_000_000;

    fn shown() -> String {
        show(&SigningKey::from_bytes(&[7; 32]), NOW_S, b"this")
    }

    #[test]
    fn a_pass_is_good_for_its_content_and_its_time() {
        let pass = Pass::read(&shown()).unwrap();
        assert!(pass.is_good(b"this", NOW_S));
        assert!(pass.is_good(b"this", NOW_S + PASS_VALID_S));
        assert!(pass.is_good(b"this", NOW_S - PASS_VALID_S));
        assert!(!pass.is_good(b"that", NOW_S));
        assert!(!pass.is_good(b"this", NOW_S + PASS_VALID_S + 1));
        assert!(!pass.is_good(b"this", i64::MIN));
    }

    #[test]
    fn a_pass_that_was_changed_is_not_good() {
        let (key, rest) = shown()
            .split_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let other = Hex(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes());
        let of_another = Pass::read(&format!("{other}.{rest}")).unwrap();
        assert!(!of_another.is_good(b"this", NOW_S));
        let later = rest.replacen(&NOW_S.to_string(), &(NOW_S + 9).to_string(), 1);
        let later = Pass::read(&format!("{key}.{later}")).unwrap();
        assert!(!later.is_good(b"this", NOW_S + 9));
        for text in ["", "..", "a.b.c", &format!("{}.x", shown()), &shown()[1..]] {
            assert_eq!(Pass::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}", key in "[0-9a-f]{64}", time in any::<i64>()) {
            let _ = Pass::read(&text);
            let forged = format!("{key}.{time}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
            prop_assert!(!Pass::read(&forged).unwrap().is_good(b"", time));
        }
    }
}
