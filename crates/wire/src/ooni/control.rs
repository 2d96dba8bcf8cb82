//! What an OONI test helper is asked and what it answers (oohelperd, Web Connectivity 0.4 and 0.5).
use super::lenient;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the probe asked of the helper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ControlRequest {
    /// The page.
    #[serde(default, deserialize_with = "lenient::text")]
    pub http_request: Option<String>,
    /// `address:port` of every endpoint that the probe knew.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tcp_connect: Vec<String>,
}

/// What the helper saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ControlResponse {
    /// Connections, by `address:port`.
    #[serde(default, deserialize_with = "lenient::map")]
    pub tcp_connect: BTreeMap<String, ControlTcp>,
    /// Handshakes, by `address:port`; port 443 only.
    #[serde(default, deserialize_with = "lenient::map")]
    pub tls_handshake: BTreeMap<String, ControlTls>,
    /// The final response, after redirects.
    #[serde(default, deserialize_with = "lenient::object")]
    pub http_request: Option<ControlHttp>,
    /// The lookup of the page's name.
    #[serde(default, deserialize_with = "lenient::object")]
    pub dns: Option<ControlDns>,
    /// What it knows of addresses, by address.
    #[serde(default, deserialize_with = "lenient::map")]
    pub ip_info: BTreeMap<String, IpInfo>,
}

/// A connection of the helper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ControlTcp {
    /// True when it connected.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub status: Option<bool>,
    /// Why not, in the helper's own words.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
}

/// A handshake of the helper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ControlHttp {
    /// Bytes of the body; −1 when there is none.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub body_length: Option<i64>,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ControlDns {
    /// Why it failed; none with no address when the name has no address.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
    /// The addresses.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub addrs: Vec<String>,
}

/// What the helper knows of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct IpInfo {
    /// Its autonomous system; 0 when unknown.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub asn: Option<i64>,
    /// 1 resolved by the probe, 2 by the helper, 4 not of the Internet, 8 valid for the name by TLS.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub flags: Option<i64>,
}
