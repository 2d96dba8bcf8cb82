//! The JSON messages of ndt7: what is emitted strictly, what is accepted loosely.
//!
//! Clients written in Go decode every field into a fixed-width integer, and one value that does
//! not fit fails the whole message. So:
//! 1. Only integers are emitted, each within its Go type; 64-bit ones also within ±(2^53 − 1), which
//!    JavaScript readers need.
//! 2. When reading, unknown fields are ignored and every field may be missing. A whole number out
//!    of its type's range is clamped to it; anything else that is no integer counts as missing.
mod connection;
pub(crate) mod integer;
mod tcp_info;

pub use connection::ConnectionInfo;
pub use integer::MAX_INTEGER;
pub use tcp_info::{BbrInfo, TcpInfo};

use integer::integers_in_json;
use serde::{Deserialize, Serialize};

integers_in_json! {
    /// What the sending program itself counted.
    AppInfo {
        /// Microseconds since the start of the test.
        elapsed_us: i64 = "ElapsedTime",
        /// Payload bytes of data messages, without WebSocket, TLS and TCP overhead.
        num_bytes: i64 = "NumBytes",
    }
}

integers_in_json! {
    /// What a server of this project adds of itself. Stock clients pass over keys they do not know.
    TonleInfo {
        /// Busiest of the server's resources (its cores, its interface) since the test began, parts
        /// per million: a server near 1 000 000 was itself the bottleneck.
        server_busy_ppm: i64 = "ServerBusyPpm",
    }
}

/// One JSON message. All parts are optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Measurement {
    /// Counters of the sending program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_info: Option<AppInfo>,
    /// The two ends of the connection as the server sees them. Holds the client's public address:
    /// sent to that client only, never kept by either side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_info: Option<ConnectionInfo>,
    /// Internals of BBR, when it is in use.
    #[serde(rename = "BBRInfo", skip_serializing_if = "Option::is_none")]
    pub bbr_info: Option<BbrInfo>,
    /// Counters of the sending side's kernel.
    #[serde(rename = "TCPInfo", skip_serializing_if = "Option::is_none")]
    pub tcp_info: Option<TcpInfo>,
    /// `client` or `server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// `download` or `upload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// What a server of this project says of its own load; no other server has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tonle: Option<TonleInfo>,
}

/// Bytes that are no ndt7 measurement.
#[derive(Debug, thiserror::Error)]
#[error("not an ndt7 measurement: {0}")]
pub struct BadMessage(#[from] serde_json::Error);

impl Measurement {
    /// Reads a text message.
    pub fn parse(text: &[u8]) -> Result<Self, BadMessage> {
        Ok(serde_json::from_slice(text)?)
    }

    /// Writes a text message.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("integers and strings always serialise")
    }
}

#[cfg(test)]
mod tests;
