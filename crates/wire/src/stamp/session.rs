//! How an agent gets a session of a reflector: `GET /stamp/v1/session` on the measurement server,
//! answered by JSON. STAMP itself leaves this to the operator (RFC 8762, section 3).
use super::key::Key;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// Path of the request.
pub const SESSION_PATH: &str = "/stamp/v1/session";
/// Longest answer, bytes.
pub const GRANT_MAX_BYTES: usize = 4096;

/// What the reflector grants, to the address that asked and nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// UDP port of the reflector, on the host that was asked.
    pub port: u16,
    /// Identifier of the session, in every packet.
    pub ssid: u16,
    /// Key of the session, base64.
    pub key: String,
    /// Seconds until the session ends.
    pub expires_s: u32,
    /// Packets that are reflected at most.
    pub packets_max: u32,
    /// Packets per second that are reflected at most.
    pub rate_max_pps: u32,
}

/// Why an answer is no grant.
#[derive(Debug, thiserror::Error)]
pub enum BadGrant {
    /// It is not the JSON that it should be.
    #[error("the session is not in the expected JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Its key cannot be used.
    #[error("the session's key is not base64 of at least 16 bytes")]
    Key,
    /// It permits nothing.
    #[error("the session permits no packet, or names no port")]
    Empty,
}

impl Grant {
    /// Reads an answer and its key.
    pub fn read(json: &[u8]) -> Result<(Self, Key), BadGrant> {
        let grant: Self = serde_json::from_slice(json)?;
        if [grant.expires_s, grant.packets_max, grant.rate_max_pps].contains(&0) || grant.port == 0
        {
            return Err(BadGrant::Empty);
        }
        let bytes = BASE64_STANDARD
            .decode(&grant.key)
            .map_err(|_| BadGrant::Key)?;
        let key = Key::new(bytes).map_err(|_| BadGrant::Key)?;
        Ok((grant, key))
    }

    /// The key as it stands in the answer.
    #[must_use]
    pub fn key_text(key: &[u8]) -> String {
        BASE64_STANDARD.encode(key)
    }

    /// The answer.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).expect("numbers and a string are JSON")
    }
}
