//! Events of a measurement: lookups (df-002), connections (df-005), handshakes (df-006), requests
//! (df-001) and what sockets did (df-008). Times are seconds since the measurement began.
use super::binary::{Binary, pair_map, pairs};
use super::lenient;
use serde::{Deserialize, Serialize};

/// One lookup.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Query {
    /// What came back.
    #[serde(default, deserialize_with = "lenient::list")]
    pub answers: Vec<Answer>,
    /// Who was asked: `getaddrinfo`, `udp`, `doh`, …
    #[serde(default, deserialize_with = "lenient::text")]
    pub engine: Option<String>,
    /// Why there is no answer.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
    /// The name asked for.
    #[serde(default, deserialize_with = "lenient::text")]
    pub hostname: Option<String>,
    /// `A`, `AAAA`; `ANY` for `getaddrinfo`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub query_type: Option<String>,
    /// `address:port`, or the URL for DNS over HTTPS.
    #[serde(default, deserialize_with = "lenient::text")]
    pub resolver_address: Option<String>,
    /// When it began.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t0: Option<f64>,
    /// When its end was known.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t: Option<f64>,
    /// Labels such as `depth=0`.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tags: Vec<String>,
    /// Ties events together; 0 or absent is unknown.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub transaction_id: Option<i64>,
}

/// One answer of a lookup.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Answer {
    /// Autonomous system of the address; 0 or absent is unknown.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub asn: Option<i64>,
    /// `A`, `AAAA`, `CNAME`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub answer_type: Option<String>,
    /// The address of an `A`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub ipv4: Option<String>,
    /// The address of an `AAAA`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub ipv6: Option<String>,
    /// The name of a `CNAME`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub hostname: Option<String>,
}

/// One TCP connection.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct TcpConnect {
    /// Address.
    #[serde(default, deserialize_with = "lenient::text")]
    pub ip: Option<String>,
    /// Port.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub port: Option<i64>,
    /// What came of it; absent when the event cannot be read.
    #[serde(default, deserialize_with = "lenient::object")]
    pub status: Option<TcpStatus>,
    /// When it began.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t0: Option<f64>,
    /// When its end was known.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t: Option<f64>,
    /// Labels.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tags: Vec<String>,
    /// Ties events together.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub transaction_id: Option<i64>,
}

/// What came of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TcpStatus {
    /// Why it failed.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
    /// Whether it succeeded.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub success: Option<bool>,
}

/// One TLS (or QUIC) handshake.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct TlsHandshake {
    /// `tcp`, or `udp` for QUIC.
    #[serde(default, deserialize_with = "lenient::text")]
    pub network: Option<String>,
    /// `address:port`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub address: Option<String>,
    /// Why it failed.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
    /// The name sent in clear.
    #[serde(default, deserialize_with = "lenient::text")]
    pub server_name: Option<String>,
    /// Whether the certificate was taken unchecked.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub no_tls_verify: Option<bool>,
    /// The chain as received, leaf first, DER.
    #[serde(default, deserialize_with = "certificates")]
    pub peer_certificates: Vec<Binary>,
    /// What the leaf says of itself where the chain is not part of the measurement; written by
    /// Tonle's export.
    #[serde(default, deserialize_with = "lenient::object")]
    pub x_leaf: Option<Leaf>,
    /// When it began.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t0: Option<f64>,
    /// When its end was known.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t: Option<f64>,
    /// Labels.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tags: Vec<String>,
    /// Ties events together.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub transaction_id: Option<i64>,
}

/// What a leaf certificate says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// DNS names that it is for.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub names: Vec<String>,
    /// Whether it is signed by itself.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub self_issued: Option<bool>,
    /// First second of its validity, since the Unix epoch.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub not_before_s: Option<i64>,
    /// Last second of its validity.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub not_after_s: Option<i64>,
}

fn certificates<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Binary>, D::Error> {
    lenient::list(from)
}

/// One HTTP request and its response.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct HttpTransaction {
    /// `address:port` of the server; absent in old measurements.
    #[serde(default, deserialize_with = "lenient::text")]
    pub address: Option<String>,
    /// Why it failed.
    #[serde(default, deserialize_with = "lenient::text")]
    pub failure: Option<String>,
    /// What was asked.
    #[serde(default, deserialize_with = "lenient::object")]
    pub request: Option<Request>,
    /// What came back.
    #[serde(default, deserialize_with = "lenient::object")]
    pub response: Option<Response>,
    /// When it began.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t0: Option<f64>,
    /// When its end was known.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t: Option<f64>,
    /// Labels.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tags: Vec<String>,
    /// Ties events together.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub transaction_id: Option<i64>,
}

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// The page.
    #[serde(default, deserialize_with = "lenient::text")]
    pub url: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Response {
    /// The body as far as it was read.
    #[serde(default)]
    pub body: Binary,
    /// Whether it was longer than what was read.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub body_is_truncated: Option<bool>,
    /// Status.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub code: Option<i64>,
    /// Bytes of a body that is not part of the measurement; written by Tonle's export.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub x_body_bytes: Option<i64>,
    /// Title of a page whose body is not part of the measurement; written by Tonle's export.
    #[serde(default, deserialize_with = "lenient::text")]
    pub x_title: Option<String>,
    #[serde(default, deserialize_with = "pair_map")]
    headers: Vec<(String, String)>,
    #[serde(default, deserialize_with = "pairs")]
    headers_list: Vec<(String, String)>,
}

impl Response {
    /// Every header line; the map of first values where the list is missing.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        if self.headers_list.is_empty() {
            &self.headers
        } else {
            &self.headers_list
        }
    }
}

/// What a socket did.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct NetworkEvent {
    /// `address:port` of the far end.
    #[serde(default, deserialize_with = "lenient::text")]
    pub address: Option<String>,
    /// Bytes of this event.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub num_bytes: Option<i64>,
    /// `read`, `write`, `bytes_received_cumulative`, …
    #[serde(default, deserialize_with = "lenient::text")]
    pub operation: Option<String>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient::number")]
    pub t: Option<f64>,
    /// Ties events together.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub transaction_id: Option<i64>,
}

/// Events that carry labels.
pub trait Tagged {
    /// Labels.
    fn tags(&self) -> &[String];

    /// The redirect that led here: 0 for the page itself; none where it is not said.
    fn depth(&self) -> Option<u32> {
        let value = |tag: &String| tag.strip_prefix("depth=")?.parse().ok();
        self.tags().iter().find_map(value)
    }

    /// Whether the connection was to fetch the page; none where it is not said.
    fn fetches_body(&self) -> Option<bool> {
        let value = |tag: &String| tag.strip_prefix("fetch_body=")?.parse().ok();
        self.tags().iter().find_map(value)
    }
}

impl Tagged for Query {
    fn tags(&self) -> &[String] {
        &self.tags
    }
}

impl Tagged for TcpConnect {
    fn tags(&self) -> &[String] {
        &self.tags
    }
}

impl Tagged for HttpTransaction {
    fn tags(&self) -> &[String] {
        &self.tags
    }
}
