//! What an OONI test helper is asked and what it answers (oohelperd, Web Connectivity 0.4 and 0.5).
//!
//! Written as stock programs write it, null where there is nothing; read with the tolerance of
//! [`super`]. Source: <https://github.com/ooni/spec/blob/master/nettests/ts-017-web-connectivity.md>
//! and the behaviour of oohelperd 3.30.
use super::{BadMeasurement, lenient};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest request that is read, bytes: a URL, three headers and a few hundred endpoints.
pub const CONTROL_REQUEST_MAX_BYTES: usize = 64 << 10;
/// Longest answer that is read or written, bytes.
pub const CONTROL_ANSWER_MAX_BYTES: usize = 64 << 10;
/// Length and status of a page that could not be had.
pub const NO_RESPONSE: i64 = -1;

/// What the probe asked of the helper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRequest {
    /// The page.
    #[serde(default, deserialize_with = "lenient::text")]
    pub http_request: Option<String>,
    /// Headers to ask for it with: `Accept`, `Accept-Language` and `User-Agent`; others are passed
    /// over.
    #[serde(default, deserialize_with = "lenient::map_of_texts")]
    pub http_request_headers: BTreeMap<String, Vec<String>>,
    /// `address:port` of every endpoint that the probe knew.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tcp_connect: Vec<String>,
    /// Whether QUIC is wanted too. Stock helpers do not offer it by default.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub x_quic_enabled: Option<bool>,
}

impl ControlRequest {
    /// Reads a request.
    pub fn parse(json: &[u8]) -> Result<Self, BadMeasurement> {
        parse(json, CONTROL_REQUEST_MAX_BYTES)
    }
}

impl ControlResponse {
    /// Reads an answer.
    pub fn parse(json: &[u8]) -> Result<Self, BadMeasurement> {
        parse(json, CONTROL_ANSWER_MAX_BYTES)
    }
}

/// Reads one object of at most `max_bytes`.
fn parse<T: DeserializeOwned>(json: &[u8], max_bytes: usize) -> Result<T, BadMeasurement> {
    if json.len() > max_bytes {
        return Err(BadMeasurement::TooLarge(json.len(), max_bytes));
    }
    super::object(json)
}

/// What the helper saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlResponse {
    /// Connections, by `address:port`.
    #[serde(default, deserialize_with = "lenient::map")]
    pub tcp_connect: BTreeMap<String, ControlTcp>,
    /// Handshakes, by `address:port`; port 443 only.
    #[serde(default, deserialize_with = "lenient::map")]
    pub tls_handshake: BTreeMap<String, ControlTls>,
    /// Handshakes over QUIC by `address:port`, port 443 only, where they were asked for. Ours sends an
    /// Initial and takes any answer for success.
    #[serde(default, deserialize_with = "lenient::map")]
    pub quic_handshake: BTreeMap<String, ControlTls>,
    /// The final response, after redirects.
    #[serde(default, deserialize_with = "lenient::object")]
    pub http_request: Option<ControlHttp>,
    /// The same over QUIC; our helper asks for none.
    #[serde(default, deserialize_with = "lenient::object")]
    pub http3_request: Option<ControlHttp>,
    /// The lookup of the page's name.
    #[serde(default, deserialize_with = "lenient::object")]
    pub dns: Option<ControlDns>,
    /// What it knows of addresses, by address.
    #[serde(default, deserialize_with = "lenient::map")]
    pub ip_info: BTreeMap<String, IpInfo>,
}

/// A connection of the helper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTcp {
    /// True when it connected.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub status: Option<bool>,
    /// Why not, in the helper's own words.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
}

/// A handshake of the helper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTls {
    /// The name it asked for.
    #[serde(default, deserialize_with = "lenient::text")]
    pub server_name: Option<String>,
    /// True when the handshake succeeded and the certificate was valid.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub status: Option<bool>,
    /// Why not.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
}

/// The helper's final response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlHttp {
    /// Bytes of the body; −1 when there is no response.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub body_length: Option<i64>,
    /// `host:port` where the site says that it speaks HTTP/3; empty for nowhere.
    #[serde(default, deserialize_with = "lenient::text")]
    pub discovered_h3_endpoint: Option<String>,
    /// Why there is none.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
    /// Title of the page.
    #[serde(default, deserialize_with = "lenient::text")]
    pub title: Option<String>,
    /// Headers of the response.
    #[serde(default, deserialize_with = "lenient::text_map")]
    pub headers: BTreeMap<String, String>,
    /// Status; −1 when there is none.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub status_code: Option<i64>,
}

/// The helper's lookup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlDns {
    /// Why it failed; none with no address when the name has no address.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
    /// The addresses.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub addrs: Vec<String>,
}

impl IpInfo {
    /// The probe resolved the name to it.
    pub const RESOLVED_BY_PROBE: i64 = 1;
    /// The helper resolved the name to it.
    pub const RESOLVED_BY_HELPER: i64 = 2;
    /// It is no address of the Internet.
    pub const BOGON: i64 = 4;
    /// It has a valid certificate for the name.
    pub const VALID_FOR_NAME: i64 = 8;
}

/// What the helper knows of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpInfo {
    /// Its autonomous system; 0 when unknown.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub asn: Option<i64>,
    /// A sum of the constants of this type.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub flags: Option<i64>,
}

#[cfg(test)]
mod tests;
