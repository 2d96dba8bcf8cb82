//! The container (df-000) and the keys of `web_connectivity` 0.4 and 0.5.
use super::control::{ControlRequest, ControlResponse};
use super::events::{HttpTransaction, NetworkEvent, Query, TcpConnect, TlsHandshake};
use super::lenient;
use serde::Deserialize;
use std::collections::BTreeMap;
use time::PrimitiveDateTime;
use time::macros::format_description;

/// One measurement.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Measurement {
    /// Notes of the client, such as `network_type`.
    #[serde(default, deserialize_with = "lenient::text_map")]
    pub annotations: BTreeMap<String, String>,
    /// What was measured: a URL for `web_connectivity`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub input: Option<String>,
    /// `YYYY-MM-DD HH:MM:SS`, UTC, by the device's clock.
    #[serde(default, deserialize_with = "lenient::text")]
    pub measurement_start_time: Option<String>,
    /// The backend's name for it; absent before it was submitted.
    #[serde(default, deserialize_with = "lenient::text")]
    pub measurement_uid: Option<String>,
    /// `AS…`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub probe_asn: Option<String>,
    /// Two letters.
    #[serde(default, deserialize_with = "lenient::text")]
    pub probe_cc: Option<String>,
    /// The probe's address; `127.0.0.1` where it is not shared.
    #[serde(default, deserialize_with = "lenient::text")]
    pub probe_ip: Option<String>,
    /// The collector's name for the report.
    #[serde(default, deserialize_with = "lenient::text")]
    pub report_id: Option<String>,
    /// Resolver as the probe saw it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub resolver_asn: Option<String>,
    /// Keys of the experiment.
    #[serde(default, deserialize_with = "lenient::object")]
    pub test_keys: Option<TestKeys>,
    /// Such as `web_connectivity`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub test_name: Option<String>,
    /// Such as `0.5.28`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub test_version: Option<String>,
}

/// What `web_connectivity` saw.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct TestKeys {
    /// What sockets did.
    #[serde(default, deserialize_with = "lenient::list")]
    pub network_events: Vec<NetworkEvent>,
    /// Which resolver spoke for whom.
    #[serde(default, deserialize_with = "lenient::object")]
    pub x_dns_whoami: Option<Whoami>,
    /// Answers that came after the first.
    #[serde(default, deserialize_with = "lenient::list")]
    pub x_dns_duplicate_responses: Vec<Query>,
    /// Lookups.
    #[serde(default, deserialize_with = "lenient::list")]
    pub queries: Vec<Query>,
    /// Requests, newest first.
    #[serde(default, deserialize_with = "lenient::list")]
    pub requests: Vec<HttpTransaction>,
    /// Connections.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tcp_connect: Vec<TcpConnect>,
    /// Handshakes.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tls_handshakes: Vec<TlsHandshake>,
    /// What the helper was asked (0.5).
    #[serde(default, deserialize_with = "lenient::object")]
    pub x_control_request: Option<ControlRequest>,
    /// What the helper was asked, under its older name.
    #[serde(default, deserialize_with = "lenient::object")]
    pub control_request: Option<ControlRequest>,
    /// What the helper saw.
    #[serde(default, deserialize_with = "lenient::object")]
    pub control: Option<ControlResponse>,
    /// Why there is no control.
    #[serde(default, deserialize_with = "lenient::text")]
    pub control_failure: Option<String>,
}

/// Which address the resolvers ask from, by a name that answers with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Whoami {
    /// Through the system resolver.
    #[serde(default, deserialize_with = "lenient::list")]
    pub system_v4: Vec<WhoamiAnswer>,
    /// Through a public resolver, by its `address:port`.
    #[serde(default, deserialize_with = "lenient::map_of_lists")]
    pub udp_v4: BTreeMap<String, Vec<WhoamiAnswer>>,
}

/// One such address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct WhoamiAnswer {
    /// The address.
    #[serde(default, deserialize_with = "lenient::text")]
    pub address: Option<String>,
}

impl Measurement {
    /// When it began by the device's clock, seconds since the Unix epoch.
    #[must_use]
    pub fn start_s(&self) -> Option<i64> {
        let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
        let text = self.measurement_start_time.as_deref()?;
        let start = PrimitiveDateTime::parse(text, form).ok()?;
        Some(start.assume_utc().unix_timestamp())
    }
}
