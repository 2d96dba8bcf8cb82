//! What the device knows of itself when a run begins: interface, families, counters, clock, network.
//!
//! Everything is read from `/proc` and `/sys` by pure parsers. What leaves this room for a record is
//! kinds and numbers; addresses stay in memory, to be scrubbed from what is written.
mod addresses;
mod clock;
mod interface;
mod line;
pub mod network;
mod route;

pub use clock::state as clock_state;
pub use interface::Counters;
pub use line::{Glance, Line};

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use tonle_evidence::record::{ClockState, Technology};

/// What the device knows of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Kind of the interface that the default route uses, in the words of the record format.
    pub interface: &'static str,
    /// Families with a default route, in the words of the record format.
    pub ip_family: &'static str,
    /// Wi-Fi signal, dBm.
    pub wifi_signal_dbm: Option<i64>,
    /// Rate of the interface's link, bit/s, where it is known.
    pub link_rate_bps: Option<i64>,
    /// Technology, where the interface gives it away.
    pub technology: Option<Technology>,
    /// Whether the wall clock can be believed.
    pub clock: ClockState,
    /// Which network this is, without saying which; none when offline.
    pub network: Option<network::Fingerprint>,
    /// Addresses of the volunteer's side: to be scrubbed, never to be written.
    pub own_addresses: Vec<IpAddr>,
    /// Bytes that the interface has moved since it came up.
    pub counters: Option<Counters>,
}

impl std::fmt::Debug for Surroundings {
    /// Leaves out addresses and the network.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("interface", &self.interface)
            .field("ip_family", &self.ip_family)
            .finish_non_exhaustive()
    }
}

/// Where the system tells about itself; tests give folders of their own.
#[derive(Debug, Clone)]
pub struct System {
    /// `/proc`.
    pub proc: PathBuf,
    /// `/sys`.
    pub sys: PathBuf,
}

impl Default for System {
    fn default() -> Self {
        Self {
            proc: "/proc".into(),
            sys: "/sys".into(),
        }
    }
}

impl System {
    /// Looks around. What the system does not tell is absent, never guessed.
    #[must_use]
    pub fn look(&self, salt: &network::Salt) -> Surroundings {
        let v4 = route::parse_v4(&read(&self.proc.join("net/route")));
        let v6 = route::parse_v6(&read(&self.proc.join("net/ipv6_route")));
        let default = route::default_of(&v4).or_else(|| route::default_of(&v6));
        let name = default.map(|route| route.interface.clone());
        let kind = name.as_deref().map_or(interface::Kind::None, |name| {
            interface::kind(&self.sys, name)
        });
        let arp = read(&self.proc.join("net/arp"));
        let all: Vec<route::Route> = v4.iter().chain(&v6).cloned().collect();
        Surroundings {
            interface: kind.as_str(),
            ip_family: route::families(&v4, &v6),
            wifi_signal_dbm: name.as_deref().and_then(|name| {
                interface::wifi_signal_dbm(&read(&self.proc.join("net/wireless")), name)
            }),
            link_rate_bps: name
                .as_deref()
                .and_then(|name| interface::link_rate_bps(&self.sys, name)),
            technology: (kind == interface::Kind::Cellular).then_some(Technology::Mobile),
            clock: clock_state(),
            network: default.map(|route| network::fingerprint(salt, route, &all, &arp)),
            own_addresses: addresses::own(
                &read(&self.proc.join("net/fib_trie")),
                &read(&self.proc.join("net/if_inet6")),
                &all,
            ),
            counters: name
                .as_deref()
                .and_then(|name| interface::counters(&self.sys, name)),
        }
    }
}

/// A file of `/proc` as text; empty where this kernel does not have it.
fn read(path: &Path) -> String {
    fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

#[cfg(test)]
mod tests;
