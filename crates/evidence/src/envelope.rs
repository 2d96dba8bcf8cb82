//! How a record travels: one JSON object per line, every value base64 but the type.
//!
//! `{"type": …, "public": …, "private": …, "key": …, "sig": …}`; `type` names the signed type and
//! is [`types::RECORD`] when absent, so that a newer version can be verified and kept unread.
use crate::dsse::{self, types};
use crate::hash::{Hash, Hex, sha256};
use crate::record::{Private, Public, SealedRecord, body_of};
use crate::strict_json::{self, NotStrict};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

/// Longest line of a batch, bytes without the newline.
pub const LINE_MAX_BYTES: usize = 1 << 20;
/// Most lines of a batch.
pub const BATCH_MAX_LINES: usize = 500;
/// Longest signed type, bytes.
const TYPE_MAX_BYTES: usize = 80;

/// A record as received: exact bytes with the type they were signed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The signed type.
    pub payload_type: String,
    /// Halves, key and signature.
    pub record: SealedRecord,
}

/// Both halves of a record of this version, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The public half.
    pub public: Public,
    /// The private half.
    pub private: Private,
}

/// Why a line is not an acceptable envelope. Each is a permanent refusal of that line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EnvelopeError {
    /// Longer than [`LINE_MAX_BYTES`].
    #[error("line of {0} bytes is longer than {LINE_MAX_BYTES}")]
    TooLong(usize),
    /// Not a JSON object of the right fields.
    #[error("line is not an envelope: {0}")]
    NotJson(String),
    /// A field is not base64 of the right length.
    #[error("field '{0}' is not base64 of the right length")]
    Field(&'static str),
    /// The type is not of the record family.
    #[error("type '{0}' is not a record type")]
    Type(String),
    /// The key is not a point of the curve.
    #[error("key is not an Ed25519 public key")]
    Key,
    /// The signature is not the key's over these halves.
    #[error("signature does not verify")]
    Signature,
    /// A half is not JSON as records allow it, or lacks a field.
    #[error("{half} half: {source}")]
    Half {
        /// `public` or `private`.
        half: &'static str,
        /// The rule it breaks.
        source: NotStrict,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "type", default = "current_type")]
    payload_type: String,
    public: String,
    private: String,
    key: String,
    sig: String,
}

fn current_type() -> String {
    types::RECORD.to_owned()
}

impl Envelope {
    /// Wraps a record sealed by this version.
    #[must_use]
    pub fn new(record: SealedRecord) -> Self {
        Self {
            payload_type: current_type(),
            record,
        }
    }

    /// The line, without its newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        let line = Line {
            payload_type: self.payload_type.clone(),
            public: BASE64.encode(&self.record.public),
            private: BASE64.encode(&self.record.private),
            key: BASE64.encode(self.record.key.0),
            sig: BASE64.encode(self.record.signature),
        };
        serde_json::to_string(&line).expect("an object of strings is always JSON")
    }

    /// Reads a line. Says nothing of the signature: see [`Envelope::verify`].
    pub fn from_line(line: &[u8]) -> Result<Self, EnvelopeError> {
        if line.len() > LINE_MAX_BYTES {
            return Err(EnvelopeError::TooLong(line.len()));
        }
        let line: Line = serde_json::from_slice(line)
            .map_err(|error| EnvelopeError::NotJson(error.to_string()))?;
        if !line.payload_type.starts_with(types::RECORD_FAMILY)
            || line.payload_type.len() > TYPE_MAX_BYTES
        {
            return Err(EnvelopeError::Type(
                line.payload_type.chars().take(TYPE_MAX_BYTES).collect(),
            ));
        }
        let record = SealedRecord {
            public: decode("public", &line.public)?,
            private: decode("private", &line.private)?,
            key: Hex::from_slice(&decode("key", &line.key)?)
                .map_err(|_| EnvelopeError::Field("key"))?,
            signature: decode("sig", &line.sig)?
                .try_into()
                .map_err(|_| EnvelopeError::Field("sig"))?,
        };
        Ok(Self {
            payload_type: line.payload_type,
            record,
        })
    }

    /// The record's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.record.hash()
    }

    /// True when the type is the one this version reads.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.payload_type == types::RECORD
    }

    /// Checks the signature over both halves.
    pub fn verify(&self) -> Result<(), EnvelopeError> {
        let key = VerifyingKey::from_bytes(&self.record.key.0).map_err(|_| EnvelopeError::Key)?;
        let body = body_of(&sha256(&self.record.public), &sha256(&self.record.private));
        if dsse::verify(&key, &self.payload_type, &body, &self.record.signature) {
            Ok(())
        } else {
            Err(EnvelopeError::Signature)
        }
    }

    /// Reads both halves of a current record.
    pub fn open(&self) -> Result<Opened, EnvelopeError> {
        let half = |half| move |source| EnvelopeError::Half { half, source };
        Ok(Opened {
            public: strict_json::parse_as(&self.record.public).map_err(half("public"))?,
            private: strict_json::parse_as(&self.record.private).map_err(half("private"))?,
        })
    }
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    BASE64.decode(text).map_err(|_| EnvelopeError::Field(field))
}
