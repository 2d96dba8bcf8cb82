//! What every program in the lab finds in its environment.
use super::CLIENT;
use crate::scenario::model::Scenario;
use std::ffi::OsString;
use std::path::Path;

/// Names that programs look for a file of trusted certificates under: OpenSSL and rustls, curl,
/// Node.js, Python's requests.
const TRUST: [&str; 4] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
];
/// Names that would lead a program out of the lab, or to other trust: they are unset.
pub(super) const UNSET: [&str; 7] = [
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "all_proxy",
];

/// The lab's certificate authority under every name, `LAB_CA`, the first address of the client as
/// `LAB_CLIENT`, and the scenario's folder as `LAB_SCENARIO`.
pub(super) fn of(scenario: &Scenario, authority: &Path) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> = TRUST
        .iter()
        .map(|name| (name.into(), authority.into()))
        .collect();
    all.push(("LAB_CA".into(), authority.into()));
    all.push(("LAB_SCENARIO".into(), scenario.folder.clone().into()));
    let client = scenario.hosts.iter().find(|host| host.name == CLIENT);
    if let Some(address) = client.and_then(|client| client.addresses.first()) {
        all.push(("LAB_CLIENT".into(), address.to_string().into()));
    }
    all
}
