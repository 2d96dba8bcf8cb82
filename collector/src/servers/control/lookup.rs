//! The lookup: what the resolvers of the control server say of a name.
use super::Outside;
use super::names;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_net::dns::{Patience, Resolved, resolve_host};
use tonle_net::meter::Meter;
use tonle_net::resolv_conf;
use tonle_net::settings::NetSettings;
use tonle_wire::ooni::ControlDns;

/// Longest time of a lookup, all resolvers together (as stock helpers have it).
const LOOKUP_MAX: Duration = Duration::from_secs(4);
/// Most addresses of a name that are told and contacted.
const ADDRESSES_MAX: usize = 32;
/// The resolvers of the machine.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Every address, special ones too.
    pub(super) addresses: Vec<IpAddr>,
    /// Why there is none.
    pub(super) failure: Option<Failure>,
}

impl Found {
    /// As it is told.
    pub(super) fn told(&self) -> ControlDns {
        let failure = self.failure.as_ref().and_then(names::of_lookup);
        ControlDns {
            failure: failure.map(str::to_owned),
            addrs: self.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Looks `host` up; a literal is its own address.
pub(super) async fn look_up(outside: &Outside, host: &str) -> Found {
    let resolvers = resolvers_now(&outside.resolvers);
    let each = u32::try_from(resolvers.len().max(1)).unwrap_or(1);
    let patience = Patience {
        answer: LOOKUP_MAX / each,
        listen: Duration::ZERO,
        ends_refused: true,
    };
    // Special addresses are told as well; the guard keeps us from contacting them.
    let settings = NetSettings {
        resolvers,
        allow_loopback: true,
        ..outside.settings.clone()
    };
    let resolved = resolve_host(&settings, &outside.clock, &Meter::default(), host, patience).await;
    let failure = why_none(&resolved);
    let mut addresses = resolved.addresses;
    addresses.truncate(ADDRESSES_MAX);
    Found { addresses, failure }
}

/// The configured ones, else those that the machine has now.
fn resolvers_now(configured: &[SocketAddr]) -> Vec<SocketAddr> {
    if !configured.is_empty() {
        return configured.to_vec();
    }
    resolv_conf::read(Path::new(RESOLV_CONF)).unwrap_or_else(|error| {
        tracing::warn!(%error, "control: {error}");
        Vec::new()
    })
}

/// Both families were asked. That a name does not exist is the strongest thing that either answer
/// says; that it has no address of one family says nothing of the other.
fn why_none(resolved: &Resolved) -> Option<Failure> {
    if !resolved.addresses.is_empty() {
        return None;
    }
    let failures = || {
        resolved
            .observations
            .iter()
            .filter_map(|seen| seen.failure.as_ref())
    };
    let strength = |failure: &&Failure| match failure {
        Failure::DnsNxdomain => 2,
        Failure::DnsNoAnswer => 0,
        _ => 1,
    };
    failures().max_by_key(strength).cloned()
}
