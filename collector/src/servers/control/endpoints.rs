//! The endpoints: whether the addresses of a page can be connected to, and have its certificate.
//!
//! 1. Addresses are those that the probe found and those that we found; ports are those of the URL,
//!    never of the probe's list: the URL's own port if it has one, else 443, and 80 before it for
//!    `http`.
//! 2. TLS is spoken on port 443 only, and so is QUIC, where it is asked for.
//! 3. Special addresses are told as such, and not contacted.
use super::Outside;
use super::asked::Asked;
use super::counters::ControlCounters;
use super::guard::is_web_port;
use super::names;
use super::quic;
use super::quota::{Standing, TooMuch};
use futures_util::future::{join, join_all};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_net::tcp;
use tonle_net::tls::{self, ALPN_HTTP2, Handshake};
use tonle_wire::ooni::{ControlTcp, ControlTls, IpInfo};

/// Longest time of one endpoint (as stock helpers have it).
const ENDPOINT_MAX: Duration = Duration::from_secs(15);
/// Most addresses of a request; those that we found come first.
const ADDRESSES_MAX: usize = 32;
const HTTP_PORT: u16 = 80;
pub(super) const TLS_PORT: u16 = 443;

/// The addresses of a request with what is known of them, in the order of their texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Addresses(BTreeMap<IpAddr, i64>);

impl Addresses {
    /// The addresses that we found, then those of the probe's endpoints, up to the limit.
    pub(super) fn of(outside: &Outside, asked: &Asked, found: &[IpAddr]) -> Self {
        let probes = asked.addresses.iter().copied();
        let ours = found
            .iter()
            .copied()
            .zip(std::iter::repeat(IpInfo::RESOLVED_BY_HELPER));
        let theirs = probes.zip(std::iter::repeat(IpInfo::RESOLVED_BY_PROBE));
        let mut flags = BTreeMap::new();
        for (address, by) in ours.chain(theirs) {
            if flags.len() >= ADDRESSES_MAX && !flags.contains_key(&address) {
                continue;
            }
            *flags.entry(address).or_insert(0) |= by;
        }
        for (address, flags) in &mut flags {
            if outside.guard.is_bogon(*address) {
                *flags |= IpInfo::BOGON;
            }
        }
        Self(flags)
    }

    /// As they are told, with those in `valid` marked as having a valid certificate for the name.
    pub(super) fn told(
        &self,
        outside: &Outside,
        valid: &BTreeSet<IpAddr>,
    ) -> BTreeMap<String, IpInfo> {
        let told = self.0.iter().map(|(address, flags)| {
            let asn = outside.network.lookup(*address).asn.unwrap_or(0);
            let valid = if valid.contains(address) {
                IpInfo::VALID_FOR_NAME
            } else {
                0
            };
            let info = IpInfo {
                asn: Some(i64::from(asn)),
                flags: Some(flags | valid),
            };
            (address.to_string(), info)
        });
        told.collect()
    }

    /// What is connected to.
    fn endpoints(&self, outside: &Outside, asked: &Asked) -> Vec<SocketAddr> {
        let ports = ports_of(asked);
        let mut endpoints = Vec::new();
        for address in self.0.keys() {
            for port in &ports {
                if outside.guard.may_contact(*address) && is_web_port(*port) {
                    endpoints.push(SocketAddr::new(*address, *port));
                } else {
                    ControlCounters::count(&outside.counters.forbidden);
                }
            }
        }
        endpoints
    }
}

/// Rule 1.
fn ports_of(asked: &Asked) -> Vec<u16> {
    match (asked.port, asked.url.scheme()) {
        (Some(port), _) => vec![port],
        (None, "http") => vec![HTTP_PORT, TLS_PORT],
        (None, _) => vec![TLS_PORT],
    }
}

/// What was seen of all endpoints.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) tcp: BTreeMap<String, ControlTcp>,
    pub(super) tls: BTreeMap<String, ControlTls>,
    pub(super) quic: BTreeMap<String, ControlTls>,
    /// Addresses with a valid certificate.
    pub(super) valid: BTreeSet<IpAddr>,
}

/// Tries all endpoints at once.
pub(super) async fn try_all(
    outside: &Outside,
    who: Standing,
    asked: &Asked,
    addresses: &Addresses,
) -> Result<Seen, TooMuch> {
    let endpoints = addresses.endpoints(outside, asked);
    let distinct: BTreeSet<IpAddr> = endpoints.iter().map(SocketAddr::ip).collect();
    for address in distinct {
        outside.quota.note_contact(who, address)?;
    }
    let tried = endpoints
        .iter()
        .map(|endpoint| try_one(outside, *endpoint, asked.host()));
    let (tried, quic) = join(join_all(tried), quic::try_all(outside, asked, &endpoints)).await;
    let mut seen = Seen {
        quic,
        ..Seen::default()
    };
    for (endpoint, (tcp, tls)) in endpoints.iter().zip(tried) {
        seen.tcp.insert(endpoint.to_string(), tcp);
        let Some(tls) = tls else {
            continue;
        };
        if tls.status == Some(true) {
            seen.valid.insert(endpoint.ip());
        }
        seen.tls.insert(endpoint.to_string(), tls);
    }
    Ok(seen)
}

/// Connects, and shakes hands on port 443. The two share their time.
async fn try_one(
    outside: &Outside,
    endpoint: SocketAddr,
    name: &str,
) -> (ControlTcp, Option<ControlTls>) {
    let place = outside.connects.acquire().await;
    let _place = place.expect("the semaphore is never closed");
    ControlCounters::count(&outside.counters.endpoints);
    let deadline = Instant::now() + ENDPOINT_MAX;
    let (seen, stream) =
        tcp::connect(&outside.settings, &outside.clock, endpoint, ENDPOINT_MAX).await;
    let tcp = ControlTcp {
        status: Some(stream.is_some()),
        failure: seen.failure.as_ref().map(names::of_connection),
    };
    let Some(stream) = stream.filter(|_| endpoint.port() == TLS_PORT) else {
        return (tcp, None);
    };
    let wanted = Handshake {
        peer: endpoint,
        server_name: name,
        alpn: ALPN_HTTP2,
        timeout: ENDPOINT_MAX,
    };
    let shaking = tls::handshake(&outside.settings, &outside.clock, stream, wanted);
    let failure = match timeout_at(deadline, shaking).await {
        Ok((seen, _)) => seen.failure,
        Err(_) => Some(Failure::GenericTimeout),
    };
    let tls = ControlTls {
        server_name: Some(bare(name).to_owned()),
        status: Some(failure.is_none()),
        failure: failure.as_ref().map(names::of_handshake),
    };
    (tcp, Some(tls))
}

/// A host without the brackets of an IPv6 literal.
pub(super) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}
