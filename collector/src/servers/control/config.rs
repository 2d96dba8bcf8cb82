//! What an operator decides about the control server: the table `[servers.control]` of the
//! configuration.
use super::guard::Guard;
use crate::ingest::source::{Cidr, NotACidr};
use rustls::RootCertStore;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tonle_evidence::special::is_special;
use tonle_net::roots::{self, RootsError};

/// Requests at the same time, as stock helpers have it.
const MAX_IN_FLIGHT: usize = 25;
/// More requests at the same time than any such server could serve within its times.
const MAX_IN_FLIGHT_LIMIT: usize = 1_000;
/// Requests at the same time from one source: a probe asks for one page after the other.
const MAX_PER_SOURCE: usize = 4;
/// Requests a minute from one source: a probe needs seconds for each page.
const PER_SOURCE_PER_MIN: u32 = 30;
/// Requests a minute of all strangers together: what twenty sources may make.
const OF_STRANGERS_PER_MIN: u32 = 600;
/// Requests a minute of one agent, as many as two sources may make.
const PER_AGENT_PER_MIN: u32 = 60;
/// Contacts a minute with one address, whoever asks for them.
const CONTACTS_PER_DESTINATION_PER_MIN: u32 = 120;
/// Most resolvers, asked one after the other.
const RESOLVERS_MAX: usize = 3;
/// Port of DNS.
const DNS_PORT: u16 = 53;

/// Settings of the control server; see `configs/collector.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControlConfig {
    /// Whether there is a control server.
    pub enabled: bool,
    /// Whether it also answers at `/`, where stock probes ask.
    pub at_root: bool,
    /// Resolvers it asks, `address` or `address:port`; none: those of the machine. They should be
    /// ones that nobody censors.
    pub resolvers: Vec<String>,
    /// Requests at the same time; more get 503.
    pub max_in_flight: usize,
    /// Requests at the same time from one IPv4 address or IPv6 /64; more get 429.
    pub max_per_source: usize,
    /// Requests a minute from one IPv4 address or IPv6 /64, as many at once; more get 429.
    pub requests_per_source_per_min: u32,
    /// Requests a minute of everybody but enrolled agents, as many at once; more get 503.
    pub requests_of_strangers_per_min: u32,
    /// Requests a minute of one enrolled agent that shows a pass, wherever it asks from; as many at
    /// once. More get 429.
    pub requests_per_agent_per_min: u32,
    /// Contacts a minute with one IPv4 address or IPv6 /64, for everybody together, as many at once:
    /// a request tries an address once, and asks it for the page, and again for each redirect. More
    /// get 429, so that a crowd of askers is no weapon.
    pub contacts_per_destination_per_min: u32,
    /// Networks (CIDR) of the operator's that are never contacted, beside all special ones.
    pub deny_networks: Vec<String>,
    /// Special networks (CIDR) that may be contacted: for laboratories, whose Internet has such
    /// addresses. Refused when the servers listen on anything but such an address.
    pub allow_networks: Vec<String>,
    /// A PEM file of roots beside the built-in ones, for laboratories.
    pub extra_roots: Option<PathBuf>,
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            at_root: false,
            resolvers: Vec::new(),
            max_in_flight: MAX_IN_FLIGHT,
            max_per_source: MAX_PER_SOURCE,
            requests_per_source_per_min: PER_SOURCE_PER_MIN,
            requests_of_strangers_per_min: OF_STRANGERS_PER_MIN,
            requests_per_agent_per_min: PER_AGENT_PER_MIN,
            contacts_per_destination_per_min: CONTACTS_PER_DESTINATION_PER_MIN,
            deny_networks: Vec::new(),
            allow_networks: Vec::new(),
            extra_roots: None,
        }
    }
}

impl ControlConfig {
    /// Every value that cannot be used, with its remedy, when the servers listen on `listen`.
    pub(in crate::servers) fn problems(&self, listen: SocketAddr) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=MAX_IN_FLIGHT_LIMIT).contains(&self.max_in_flight) {
            problems.push(format!(
                "servers.control.max_in_flight must be between 1 and {MAX_IN_FLIGHT_LIMIT}"
            ));
        }
        let zeros = [
            ("max_per_source", self.max_per_source == 0),
            (
                "requests_per_source_per_min",
                self.requests_per_source_per_min == 0,
            ),
            (
                "requests_of_strangers_per_min",
                self.requests_of_strangers_per_min == 0,
            ),
            (
                "requests_per_agent_per_min",
                self.requests_per_agent_per_min == 0,
            ),
            (
                "contacts_per_destination_per_min",
                self.contacts_per_destination_per_min == 0,
            ),
        ];
        for (key, _) in zeros.iter().filter(|(_, is_zero)| *is_zero) {
            problems.push(format!("servers.control.{key} must be 1 or more"));
        }
        problems.extend(self.wrong_resolvers());
        for (key, networks) in [
            ("deny_networks", &self.deny_networks),
            ("allow_networks", &self.allow_networks),
        ] {
            if let Err(error) = networks_of(networks) {
                problems.push(format!("servers.control.{key}: {error}"));
            }
        }
        if !self.allow_networks.is_empty() && !is_laboratory(listen.ip()) {
            problems.push(format!(
                "servers.control.allow_networks is for laboratories, and servers.listen = {listen} \
                 is open to others: listen on a loopback or private address, or remove it"
            ));
        }
        if let Err(error) = self.roots() {
            problems.push(format!("servers.control.extra_roots: {error}"));
        }
        problems
    }

    fn wrong_resolvers(&self) -> Vec<String> {
        let mut problems: Vec<String> = self
            .resolvers
            .iter()
            .filter(|text| resolver(text).is_none())
            .map(|text| {
                format!("servers.control.resolvers: '{text}' is no address such as 9.9.9.9")
            })
            .collect();
        if self.resolvers.len() > RESOLVERS_MAX {
            problems.push(format!(
                "servers.control.resolvers: give {RESOLVERS_MAX} at most"
            ));
        }
        problems
    }

    /// The configured resolvers.
    pub(super) fn resolvers(&self) -> Vec<SocketAddr> {
        let texts = self.resolvers.iter();
        texts.filter_map(|text| resolver(text)).collect()
    }

    /// Which addresses may be contacted.
    pub(super) fn guard(&self) -> Result<Guard, NotACidr> {
        Ok(Guard::new(
            networks_of(&self.allow_networks)?,
            networks_of(&self.deny_networks)?,
        ))
    }

    /// The roots that certificates of pages must lead to.
    pub(super) fn roots(&self) -> Result<Arc<RootCertStore>, RootsError> {
        roots::load(self.extra_roots.as_deref())
    }
}

fn networks_of(texts: &[String]) -> Result<Vec<Cidr>, NotACidr> {
    texts.iter().map(|text| text.parse()).collect()
}

fn resolver(text: &str) -> Option<SocketAddr> {
    let with_port = text.parse::<SocketAddr>();
    let alone = || text.parse::<IpAddr>();
    with_port
        .or_else(|_| alone().map(|address| SocketAddr::new(address, DNS_PORT)))
        .ok()
}

/// Whether only a laboratory can reach a listener on `address`: all of a machine's addresses at once
/// are not one of those.
fn is_laboratory(address: IpAddr) -> bool {
    is_special(address) && !address.to_canonical().is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1:8081";

    fn problems(toml: &str, listen: &str) -> String {
        let config: ControlConfig = toml::from_str(toml).unwrap();
        config.problems(listen.parse().unwrap()).join("\n")
    }

    #[test]
    fn what_no_control_can_do_is_a_problem_with_its_key() {
        let text = "max_in_flight = 0\nmax_per_source = 0\nrequests_per_source_per_min = 0\n\
             requests_per_agent_per_min = 0\nrequests_of_strangers_per_min = 0\n\
             contacts_per_destination_per_min = 0\nresolvers = ['dns.example']\n\
             deny_networks = ['x']\nallow_networks = ['10.0.0.0/40']\n\
             extra_roots = '/nonexistent/roots.pem'";
        let problems = problems(text, HERE);
        for key in text.lines().map(|line| line.split(' ').next().unwrap()) {
            assert!(
                problems.contains(&format!("servers.control.{key}")),
                "{problems}"
            );
        }
        assert!(
            ControlConfig::default()
                .problems(HERE.parse().unwrap())
                .is_empty()
        );
    }

    #[test]
    fn special_networks_are_allowed_in_laboratories_only() {
        let lab = "allow_networks = ['127.0.0.0/8']";
        for listen in [HERE, "10.1.0.9:8081", "203.0.113.9:80", "[fd00::1]:1"] {
            assert_eq!(problems(lab, listen), "", "{listen}");
        }
        for listen in ["0.0.0.0:8081", "[::]:8081", "36.37.1.1:8081"] {
            assert!(problems(lab, listen).contains("laboratories"), "{listen}");
        }
    }

    #[test]
    fn resolvers_may_have_a_port() {
        let config: ControlConfig =
            toml::from_str("resolvers = ['9.9.9.9', '127.0.0.1:5353', '2620:fe::fe']").unwrap();
        let texts: Vec<String> = config.resolvers().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["9.9.9.9:53", "127.0.0.1:5353", "[2620:fe::fe]:53"]);
    }
}
