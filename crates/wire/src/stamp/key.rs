//! The shared key of an authenticated session: HMAC-SHA-256, cut to 16 bytes (RFC 8762, section
//! 4.4).
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// Length of an HMAC in a packet.
pub const HMAC_BYTES: usize = 16;
/// Shortest key.
pub const KEY_MIN_BYTES: usize = 16;

/// A key; never shown.
#[derive(Clone)]
pub struct Key(Vec<u8>);

/// A key that is too short.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a STAMP key has at least {KEY_MIN_BYTES} bytes, not {0}")]
pub struct ShortKey(pub usize);

impl Key {
    /// Takes a key of at least [`KEY_MIN_BYTES`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, ShortKey> {
        if bytes.len() < KEY_MIN_BYTES {
            return Err(ShortKey(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// The HMAC over these parts, one after the other.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; HMAC_BYTES] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(part);
        }
        let whole = mac.finalize().into_bytes();
        *whole.first_chunk().expect("SHA-256 has 32 bytes")
    }

    /// Whether `hmac` is the one over these parts; takes the same time for any that is not.
    #[must_use]
    pub fn verifies(&self, parts: &[&[u8]], hmac: &[u8]) -> bool {
        self.sign(parts).ct_eq(hmac).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
