//! What the device knows of itself when a run begins: interface, families, counters, clock, network.
//!
//! Everything is read from `/proc` and `/sys` by pure parsers; what the system's daemons say beside it
//! comes from `daemons`. What leaves this room for a record is kinds and numbers; addresses stay in
//! memory, to be scrubbed from what is written.
mod addresses;
pub mod daemons;
mod interface;
mod line;
pub mod network;
mod route;

pub use interface::Counters;
pub use line::{Glance, Line};

use daemons::Told;
use interface::Kind;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use tonle_evidence::record::{ClockState, Radio, Technology};
use tonle_net::clock_state;

/// What the device knows of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Surroundings {
    kind: Kind,
    /// Families with a default route, in the words of the record format.
    pub ip_family: &'static str,
    /// Wi-Fi signal, dBm.
    pub wifi_signal_dbm: Option<i64>,
    /// Rate of the interface's link, bit/s, where it is known.
    pub link_rate_bps: Option<i64>,
    /// Technology, where the interface gives it away.
    pub technology: Option<Technology>,
    /// The cellular radio, where there is one and it tells.
    pub radio: Option<Radio>,
    /// Whether the wall clock can be believed.
    pub clock: ClockState,
    /// Which network this is, without saying which; none when offline.
    pub network: Option<network::Fingerprint>,
    /// Addresses of the volunteer's side: to be scrubbed, never to be written.
    pub own_addresses: Vec<IpAddr>,
    /// What the device calls itself; empty where the system does not tell. To be scrubbed, never to be written.
    pub host_name: String,
    /// Bytes that the interface has moved since it came up.
    pub counters: Option<Counters>,
}

impl std::fmt::Debug for Surroundings {
    /// Leaves out addresses, the name and the network.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("kind", &self.kind)
            .field("ip_family", &self.ip_family)
            .finish_non_exhaustive()
    }
}

impl Surroundings {
    /// Kind of the interface that the default route uses, in the words of the record format.
    #[must_use]
    pub fn interface(&self) -> &'static str {
        self.kind.as_str()
    }

    /// The same with what the system's daemons say. The kernel's own word stands where both have one,
    /// but for a modem, which may look like a cable to it.
    #[must_use]
    pub fn with(self, told: &Told) -> Self {
        let kind = told.kind_of(self.kind);
        let modem = told.modem.as_ref();
        let technology = modem.map(|modem| modem.technology);
        let is_cellular = kind == Kind::Cellular;
        Self {
            kind,
            wifi_signal_dbm: self.wifi_signal_dbm.or(told.wifi_signal_dbm()),
            link_rate_bps: self.link_rate_bps.or(told.wifi_rate_bps()),
            technology: is_cellular.then(|| technology.unwrap_or(Technology::Mobile)),
            radio: modem.map(|modem| modem.radio.clone()),
            ..self
        }
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
    /// Name of the interface that the default route uses. For asking the system about it, never for
    /// a record.
    #[must_use]
    pub fn default_interface(&self) -> Option<String> {
        let v4 = route::parse_v4(&read(&self.proc.join("net/route")));
        let v6 = route::parse_v6(&read(&self.proc.join("net/ipv6_route")));
        let default = route::default_of(&v4).or_else(|| route::default_of(&v6));
        default.map(|route| route.interface.clone())
    }

    /// Bytes that the interface of the default route has moved since it came up.
    #[must_use]
    pub fn counters(&self) -> Option<Counters> {
        interface::counters(&self.sys, &self.default_interface()?)
    }

    /// Looks around. What the system does not tell is absent, never guessed.
    #[must_use]
    pub fn look(&self, salt: &network::Salt) -> Surroundings {
        let v4 = route::parse_v4(&read(&self.proc.join("net/route")));
        let v6 = route::parse_v6(&read(&self.proc.join("net/ipv6_route")));
        let default = route::default_of(&v4).or_else(|| route::default_of(&v6));
        let name = default.map(|route| route.interface.clone());
        let kind = name
            .as_deref()
            .map_or(Kind::None, |name| interface::kind(&self.sys, name));
        let arp = read(&self.proc.join("net/arp"));
        let all: Vec<route::Route> = v4.iter().chain(&v6).cloned().collect();
        Surroundings {
            kind,
            ip_family: route::families(&v4, &v6),
            wifi_signal_dbm: name.as_deref().and_then(|name| {
                interface::wifi_signal_dbm(&read(&self.proc.join("net/wireless")), name)
            }),
            link_rate_bps: name
                .as_deref()
                .and_then(|name| interface::link_rate_bps(&self.sys, name)),
            technology: (kind == Kind::Cellular).then_some(Technology::Mobile),
            radio: None,
            clock: clock_state::state(),
            network: default.map(|route| network::fingerprint(salt, route, &all, &arp)),
            own_addresses: addresses::own(
                &read(&self.proc.join("net/fib_trie")),
                &read(&self.proc.join("net/if_inet6")),
                &all,
            ),
            host_name: read(&self.proc.join("sys/kernel/hostname"))
                .trim()
                .to_owned(),
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
