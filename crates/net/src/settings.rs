//! What every step needs to know of its surroundings: resolvers, roots, permissions.
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tonle_evidence::special::is_special;

/// Surroundings of the steps. Tests give their own; the agent fills it from its configuration.
#[derive(Debug, Clone)]
pub struct NetSettings {
    /// Resolvers of the device, from `resolv.conf` or a file given in its place.
    pub resolvers: Vec<SocketAddr>,
    /// Public resolvers that the `dns` experiment asks beside the device's own.
    pub public_resolvers: Vec<IpAddr>,
    /// Roots that certificates must lead to: the built-in set plus `extra_roots`.
    pub roots: Arc<rustls::RootCertStore>,
    /// Whether loopback and private addresses may be measured: tests and labs only.
    pub allow_loopback: bool,
}

impl NetSettings {
    /// Whether a step may send anything to `address`. A name that leads to a private address leads
    /// into the volunteer's own network, which nobody agreed to measure.
    #[must_use]
    pub fn may_contact(&self, address: IpAddr) -> bool {
        self.allow_loopback || !is_special(address)
    }

    /// The same surroundings for a server that the volunteer named himself (his collector on this
    /// machine or in his network): it may be contacted wherever it stands.
    #[must_use]
    pub fn for_named_server(&self) -> Self {
        Self {
            allow_loopback: true,
            ..self.clone()
        }
    }
}
