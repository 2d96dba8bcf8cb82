//! A signed document: exact JSON bytes of a stated type under one collector's key.
use crate::dsse;
use crate::strict_json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bytes and signature as they travel; the type is known from where it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedDocument {
    /// Exact bytes, base64.
    pub body: String,
    /// Signature over type and body, base64.
    pub sig: String,
}

/// Why a signed document is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DocumentError {
    /// Not base64, or not JSON of the expected form.
    #[error("signed document cannot be read: {0}")]
    Malformed(String),
    /// Not signed by the pinned key.
    #[error("document is not signed by the pinned collector key")]
    Signature,
}

impl SignedDocument {
    /// Writes `value` in canonical form and signs it as `payload_type`.
    pub fn sign<T: Serialize>(
        key: &SigningKey,
        payload_type: &str,
        value: &T,
    ) -> Result<Self, DocumentError> {
        let body = serde_json_canonicalizer::to_vec(value)
            .map_err(|error| DocumentError::Malformed(error.to_string()))?;
        let sig = dsse::sign(key, payload_type, &body);
        Ok(Self {
            body: BASE64.encode(body),
            sig: BASE64.encode(sig),
        })
    }

    /// Checks the signature, then reads the document.
    pub fn open<T: DeserializeOwned>(
        &self,
        key: &VerifyingKey,
        payload_type: &str,
    ) -> Result<T, DocumentError> {
        let malformed = |what: &str| DocumentError::Malformed(what.to_owned());
        let body = BASE64
            .decode(&self.body)
            .map_err(|_| malformed("body is not base64"))?;
        let sig = BASE64
            .decode(&self.sig)
            .map_err(|_| malformed("sig is not base64"))?;
        let sig: [u8; 64] = sig
            .try_into()
            .map_err(|_| malformed("sig is not 64 bytes"))?;
        if !dsse::verify(key, payload_type, &body, &sig) {
            return Err(DocumentError::Signature);
        }
        strict_json::parse_as(&body).map_err(|error| DocumentError::Malformed(error.to_string()))
    }
}
