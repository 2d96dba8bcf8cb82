//! SHA-256 values and short random identifiers, written as lower-case hex.
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// A fixed number of bytes that reads and writes as lower-case hex.
///
/// Used for hashes and identifiers alike; the aliases below name what each length is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A SHA-256 value (32 bytes).
pub type Hash = Hex<32>;
/// An Ed25519 public key (32 bytes).
pub type PublicKey = Hex<32>;
/// A 128-bit random identifier.
pub type Id128 = Hex<16>;
/// A 64-bit random identifier.
pub type Id64 = Hex<8>;

/// Text that is not lower-case or upper-case hex of the right length.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {expected_bytes} bytes as hex")]
pub struct NotHex {
    /// How many bytes the type holds.
    pub expected_bytes: usize,
}

impl<const N: usize> Hex<N> {
    /// All bytes zero: the "previous hash" of the first record of a chain.
    pub const ZERO: Self = Self([0; N]);

    /// Copies a slice of exactly `N` bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, NotHex> {
        let array = bytes.try_into().map_err(|_| NotHex { expected_bytes: N })?;
        Ok(Self(array))
    }
}

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    Hex(Sha256::digest(bytes).into())
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotHex { expected_bytes: N })?;
        Ok(Self(bytes))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl<const N: usize> schemars::JsonSchema for Hex<N> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Hex{N}").into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": format!("^[0-9a-f]{{{}}}$", N * 2),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_reads_back_what_it_wrote() {
        let hash = sha256(b"tonle");
        assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
    }

    #[test]
    fn hex_of_another_length_is_refused() {
        assert_eq!("00ff".parse::<Hash>(), Err(NotHex { expected_bytes: 32 }));
    }

    #[test]
    fn sha256_is_the_published_function() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b"").to_string(), empty);
    }
}
