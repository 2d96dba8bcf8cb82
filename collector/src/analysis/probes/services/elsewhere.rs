//! What controls say of a service's places: whether they are reached from elsewhere, and in which networks
//! addresses lie.
use super::part::bare;
use crate::analysis::probes::attempts::{self, Outcome, at};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_wire::ooni::{ControlRequest, ControlResponse, ControlTls};
use url::Url;

/// Every control that answered.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(Vec<There>);

/// What one control says of one host.
#[derive(Debug)]
pub(super) struct There {
    host: String,
    /// Whether a place is reached from there; none where none could be tried.
    pub(super) works: Option<bool>,
    /// Networks of addresses.
    asns: BTreeMap<String, u64>,
    /// Networks of the addresses that the control found for the host.
    pub(super) found_asns: BTreeSet<u64>,
    /// Where its answer stands.
    pub(super) at: String,
}

impl Elsewhere {
    pub(super) fn read(observations: &[Observation]) -> Self {
        let answered = observations.iter().enumerate();
        let answered =
            answered.filter(|(_, seen)| seen.operation == "control" && seen.failure.is_none());
        let read = answered.filter_map(|(index, seen)| There::read(index, seen));
        Self(read.collect())
    }

    /// What controls say of these hosts.
    pub(super) fn of(&self, hosts: &BTreeSet<String>) -> Vec<&There> {
        let known = self.0.iter();
        known.filter(|there| hosts.contains(&there.host)).collect()
    }
}

impl There {
    fn read(index: usize, seen: &Observation) -> Option<Self> {
        let text = |key: &str| seen.detail.get(key).and_then(Value::as_str);
        let request = ControlRequest::parse(text("request")?.as_bytes()).ok()?;
        let answer = ControlResponse::parse(text("answer")?.as_bytes()).ok()?;
        let page = Url::parse(request.http_request.as_deref()?).ok()?;
        let networks = answer.ip_info.iter().filter_map(|(address, info)| {
            let asn = u64::try_from(info.asn?).ok().filter(|asn| *asn > 0);
            Some((address.clone(), asn?))
        });
        let asns: BTreeMap<String, u64> = networks.collect();
        let found = answer.dns.iter().flat_map(|dns| &dns.addrs);
        Some(Self {
            host: bare(page.host_str()?).to_owned(),
            works: works(&answer),
            found_asns: found.filter_map(|one| asns.get(one).copied()).collect(),
            asns,
            at: format!("{}/detail/answer", at(index)),
        })
    }

    /// The networks of those addresses that are known to it.
    pub(super) fn asns_of(&self, addresses: &BTreeSet<String>) -> Vec<u64> {
        let known = addresses.iter();
        known
            .filter_map(|one| self.asns.get(one).copied())
            .collect()
    }
}

/// An endpoint is reached where it connects and, where a handshake was tried, somebody spoke TLS: whether the
/// certificate is good is not asked of a control, which does not know the roots of the service's programs.
fn works(answer: &ControlResponse) -> Option<bool> {
    let mut tried = answer.tcp_connect.iter().map(|(peer, connected)| {
        let shaken = answer.tls_handshake.get(peer);
        connected.status == Some(true) && shaken.is_none_or(speaks)
    });
    let has_tried = !answer.tcp_connect.is_empty();
    has_tried.then(|| tried.any(|is_reached| is_reached))
}

fn speaks(shaken: &ControlTls) -> bool {
    let Some(failure) = shaken.failure.as_deref().map(Failure::from_name) else {
        return shaken.status == Some(true);
    };
    let outcome = attempts::came_to(Some(&failure), true);
    matches!(outcome, Outcome::Foreign | Outcome::Refused)
}
