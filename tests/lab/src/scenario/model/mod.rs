//! What a scenario file says: hosts, links, services, names, middleboxes. Types only.
//!
//! Every quantity has its unit in its name. Unknown keys are errors. Times of changes count from the
//! start of the scenario. Everything random follows from `seed`.
mod link;
mod middlebox;
mod service;

pub use link::{Change, Directions, Every, Link, Loss, Reorder};
pub use middlebox::{Ends, FlowAction, Middlebox, Place, Protocol, Rule};
pub use service::{
    Certificate, Dnssec, Flaw, NamedCertificate, Page, Service, ServiceKind, TcpDoes,
};

use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;

/// One scenario: one TOML file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One line for a person.
    pub description: String,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: u64,
    /// A file with more hosts, services, names and middleboxes, which stand behind this file's own.
    pub include: Option<String>,
    /// The computers. One is called `client`: commands run there.
    #[serde(rename = "host")]
    pub hosts: Vec<Host>,
    /// What runs on them.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
    /// What the built-in DNS services know beside the hosts' own names.
    #[serde(default, rename = "name")]
    pub names: Vec<Name>,
    /// What stands on a host's link and meddles, in order: the first that acts on a packet wins.
    #[serde(default, rename = "middlebox")]
    pub middleboxes: Vec<Middlebox>,
    /// The folder that the file is in: `{scenario}` in commands. Not a key of the file.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// One computer: a network namespace with one interface to the network between them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its name in this file: letters, digits, `-`.
    pub name: String,
    /// Its addresses, IPv4 and IPv6. Any may be impersonated: nothing leaves the lab.
    pub addresses: Vec<IpAddr>,
    /// Names that resolve to its addresses.
    #[serde(default)]
    pub names: Vec<String>,
    /// What its resolv.conf names. Without it the file is empty.
    #[serde(default)]
    pub resolvers: Vec<IpAddr>,
    /// Routers between its link and the core, nearest first: they answer when a packet's TTL ends.
    #[serde(default)]
    pub routers: Vec<Router>,
    /// From the host into the network.
    #[serde(default)]
    pub up: Link,
    /// From the network to the host.
    #[serde(default)]
    pub down: Link,
    /// How the link changes over time, in any order.
    #[serde(default, rename = "change")]
    pub changes: Vec<Change>,
    /// `net.ipv4.ping_group_range` open, so that ICMP needs no privilege. Closed by default.
    #[serde(default)]
    pub unprivileged_icmp: bool,
    /// How its TCP senders keep off congestion; without it, as the machine's.
    pub congestion_control: Option<CongestionControl>,
    /// Programs see its interface as the tunnel that it is, as behind a VPN. Otherwise they see none.
    #[serde(default)]
    pub vpn: bool,
}

/// Congestion control that every kernel has, and every namespace may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CongestionControl {
    /// RFC 5681.
    Reno,
}

/// A router on a path.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// The addresses it answers from, at most one of each family.
    pub addresses: Vec<IpAddr>,
    /// Forwards but does not answer when a TTL ends.
    #[serde(default)]
    pub silent: bool,
}

/// A name of the built-in DNS services that is not a host's, or that answers otherwise.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// The name, without a final dot.
    pub name: String,
    /// Its addresses; none: the name exists and has no address (NODATA).
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// Another name that it stands for.
    pub cname: Option<String>,
    /// `nxdomain`, `servfail`, `refused` or `silence` in place of an answer.
    pub failure: Option<DnsFailure>,
    /// Whether its records are signed (DNSSEC), and how; without it they are not. Nobody in the lab
    /// checks the signatures: what a resolver that does would say follows from this word.
    pub signatures: Option<Signatures>,
    /// Only for the DNS services on this host; without it, for all of them.
    pub on: Option<String>,
}

/// What signatures are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signatures {
    /// A resolver that checks them is content.
    Good,
    /// A resolver that checks them fails.
    Bad,
}

/// How a DNS service fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsFailure {
    /// No such name.
    Nxdomain,
    /// Server failure.
    Servfail,
    /// Refused.
    Refused,
    /// No answer at all.
    Silence,
}
