//! Turning two halves into signed bytes.
use super::{Private, Public};
use crate::dsse;
use crate::hash::{Hash, PublicKey, sha256};
use crate::strict_json::{self, NotStrict};
use ed25519_dalek::SigningKey;
use serde::Serialize;

/// A record as bytes, ready to be kept and sent. Nothing in it is ever serialised again.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// Exact bytes of the public half.
    pub public: Vec<u8>,
    /// Exact bytes of the private half.
    pub private: Vec<u8>,
    /// The agent's public key.
    pub key: PublicKey,
    /// Its signature over the body.
    pub signature: [u8; 64],
}

/// Why two halves could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A half could not be written as canonical JSON.
    #[error("write {half} half as JSON: {reason}")]
    Json {
        /// `public` or `private`.
        half: &'static str,
        /// What the serialiser said.
        reason: String,
    },
    /// A half breaks the number rule.
    #[error("{half} half breaks the record format: {source}")]
    Format {
        /// `public` or `private`.
        half: &'static str,
        /// The rule it breaks.
        source: NotStrict,
    },
}

impl SealedRecord {
    /// SHA-256 of the signed body: the record's name everywhere.
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_of(&sha256(&self.public), &sha256(&self.private))
    }
}

impl std::fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedRecord")
            .field("hash", &self.hash())
            .finish_non_exhaustive()
    }
}

/// The 64 bytes that are signed.
#[must_use]
pub fn body_of(public_hash: &Hash, private_hash: &Hash) -> [u8; 64] {
    let mut body = [0; 64];
    body[..32].copy_from_slice(&public_hash.0);
    body[32..].copy_from_slice(&private_hash.0);
    body
}

/// The record hash from the hashes of its halves.
#[must_use]
pub fn hash_of(public_hash: &Hash, private_hash: &Hash) -> Hash {
    sha256(&body_of(public_hash, private_hash))
}

/// Writes both halves in canonical form and signs them.
pub fn seal(
    public: &Public,
    private: &Private,
    key: &SigningKey,
) -> Result<SealedRecord, SealError> {
    let public = canonical("public", public)?;
    let private = canonical("private", private)?;
    let body = body_of(&sha256(&public), &sha256(&private));
    Ok(SealedRecord {
        signature: dsse::sign(key, dsse::types::RECORD, &body),
        key: crate::hash::Hex(key.verifying_key().to_bytes()),
        public,
        private,
    })
}

fn canonical<T: Serialize>(half: &'static str, value: &T) -> Result<Vec<u8>, SealError> {
    let bytes = serde_json_canonicalizer::to_vec(value).map_err(|error| SealError::Json {
        half,
        reason: error.to_string(),
    })?;
    strict_json::parse(&bytes).map_err(|source| SealError::Format { half, source })?;
    Ok(bytes)
}
