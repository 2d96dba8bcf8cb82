//! What a scenario file says: hosts, links, services, names, middleboxes. Types only.
//!
//! Every quantity has its unit in its name. Unknown keys are errors. Times of changes count from the
//! start of the scenario. Everything random follows from `seed`.
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One scenario: one TOML file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One line for a person.
    pub description: String,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: u64,
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

/// One direction of a link. Without settings it is as fast as this machine.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// Propagation delay, milliseconds; fractions allowed.
    pub delay_ms: f64,
    /// Added to each packet's delay, uniform from 0 to this, milliseconds; packets keep their order.
    pub delay_variation_ms: f64,
    /// Rate, kbit/s of IP packets. Without it there is no queue.
    pub rate_kbit: Option<u64>,
    /// Drop-tail queue before the rate, bytes. Default: 250 ms at the rate, at least 16,384.
    pub queue_bytes: Option<u64>,
    /// Loss by an explicit pattern, applied before the queue.
    pub loss: Option<Loss>,
    /// Packets that overtake the ones before them.
    pub reorder: Option<Reorder>,
    /// Packets that arrive twice.
    pub duplicate: Option<Every>,
    /// Largest packet, bytes; larger ones are answered with ICMP (fragmentation needed, packet too big).
    pub mtu: Option<u16>,
    /// With `mtu`: larger packets vanish without an answer.
    pub mtu_silent: bool,
}

/// Which packets of a direction are lost, counted from 1.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Loss {
    /// Every n-th packet.
    Every(u64),
    /// Exactly these.
    Packets(Vec<u64>),
    /// Each with this probability, from the scenario's seed, per mille.
    RandomPermille(u16),
    /// Bursts (Gilbert–Elliott): chances per packet, per mille.
    Bursts {
        /// From the good state to the bad one.
        enter_permille: u16,
        /// From the bad state to the good one.
        leave_permille: u16,
        /// Loss in the bad state.
        loss_permille: u16,
    },
}

/// Every n-th packet, counted from 1.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Every {
    /// n.
    pub every: u64,
}

/// Every n-th packet is held back, so that later ones overtake it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reorder {
    /// n.
    pub every: u64,
    /// How long it is held back, milliseconds.
    pub by_ms: f64,
}

/// A change of a host's link at a time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When, milliseconds after the start of the scenario.
    pub at_ms: u64,
    /// Which directions.
    #[serde(default)]
    pub direction: Directions,
    /// The new rate.
    pub rate_kbit: Option<u64>,
    /// The new delay.
    pub delay_ms: Option<f64>,
    /// `true`: nothing passes from now on; `false`: it passes again.
    pub outage: Option<bool>,
}

/// Directions of a link, as its host sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Directions {
    /// Both.
    #[default]
    Both,
    /// From the host.
    Up,
    /// To the host.
    Down,
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
    /// Only for the DNS services on this host; without it, for all of them.
    pub on: Option<String>,
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

/// Something that runs on a host.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The host's name.
    pub host: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: ServiceKind,
}

/// Kinds of service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ServiceKind {
    /// DNS over UDP and TCP, on every address of the host.
    Dns {
        /// Default 53.
        port: Option<u16>,
        /// Waits so long before each answer.
        #[serde(default)]
        delay_ms: u64,
    },
    /// DNS over HTTPS (RFC 8484) at `/dns-query`, GET and POST, HTTP/1.1 and HTTP/2.
    Doh {
        /// Default 443.
        port: Option<u16>,
        /// Its certificate.
        #[serde(default)]
        certificate: Certificate,
    },
    /// DNS over TLS (RFC 7858).
    Dot {
        /// Default 853.
        port: Option<u16>,
        /// Its certificate.
        #[serde(default)]
        certificate: Certificate,
    },
    /// HTTP/1.1.
    Http {
        /// Default 80.
        port: Option<u16>,
        /// What it answers.
        #[serde(default)]
        page: Vec<Page>,
    },
    /// HTTP/1.1 and HTTP/2 over TLS.
    Https {
        /// Default 443.
        port: Option<u16>,
        /// Its certificate.
        #[serde(default)]
        certificate: Certificate,
        /// What it answers.
        #[serde(default)]
        page: Vec<Page>,
    },
    /// A TCP port that accepts and does as told: `echo`, `discard`, `silent` (never answers) or
    /// `reset` (resets after accepting).
    Tcp {
        /// The port.
        port: u16,
        /// What it does.
        does: TcpDoes,
    },
    /// A UDP port that sends each packet back.
    UdpEcho {
        /// The port.
        port: u16,
    },
    /// Any program, started on the host.
    Command {
        /// The program and its arguments. `{dir}` is a fresh directory of its own, `{scenario}` the
        /// folder of the scenario file, `{ca}` the lab's certificate authority (PEM), `{cert}` and
        /// `{key}` a certificate for the host's names and addresses (PEM), `{address}` its first
        /// address.
        command: Vec<String>,
        /// More environment, with the same placeholders.
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// Ready when this TCP port accepts.
        ready_port: Option<u16>,
        /// Ready when a line of its output contains this.
        ready_line: Option<String>,
        /// Ready within this time, else the scenario fails.
        #[serde(default = "default_ready_within_ms")]
        ready_within_ms: u64,
    },
}

fn default_ready_within_ms() -> u64 {
    20_000
}

/// What a TCP service does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TcpDoes {
    /// Sends back what it gets.
    Echo,
    /// Reads and forgets.
    Discard,
    /// Accepts and never sends.
    Silent,
    /// Accepts and resets.
    Reset,
}

/// The certificate that a TLS service shows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificate {
    /// What is wrong with it, if anything.
    pub flaw: Option<Flaw>,
    /// Names in it in place of the host's names and addresses.
    pub names: Vec<String>,
}

/// What can be wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Its time is over.
    Expired,
    /// Signed by itself.
    SelfSigned,
    /// Signed by an authority nobody trusts.
    UnknownAuthority,
    /// For another name.
    WrongName,
}

/// What an HTTP service answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Only for this `Host`; without it, for any.
    pub host: Option<String>,
    /// Only for this path; without it, for any.
    pub path: Option<String>,
    /// Status code.
    #[serde(default = "default_status")]
    pub status: u16,
    /// Header lines.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// A body of this many bytes, made up, in place of `body`.
    pub body_bytes: Option<u64>,
    /// Waits so long before answering.
    #[serde(default)]
    pub delay_ms: u64,
    /// Ends the connection after so many bytes of the body.
    pub cut_after_bytes: Option<u64>,
}

fn default_status() -> u16 {
    200
}

/// Something on a host's link that meddles.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Middlebox {
    /// On whose link.
    #[serde(default = "default_client")]
    pub on: String,
    /// Before the link's delay (`near`, as a home router) or behind it (`far`, as at the operator).
    #[serde(default)]
    pub place: Place,
    /// After how many of the host's routers it stands; its own packets travel that far.
    #[serde(default)]
    pub after_routers: u8,
    /// What it does.
    #[serde(flatten)]
    pub rule: Rule,
}

fn default_client() -> String {
    "client".to_owned()
}

/// Where a middlebox stands on a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Before the link's delay and rate.
    Near,
    /// Behind them.
    #[default]
    Far,
}

/// What a middlebox does. Names match exactly and with subdomains; none: every name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Rule {
    /// Answers DNS questions with a forgery.
    DnsSpoof {
        /// For these names.
        #[serde(default)]
        names: Vec<String>,
        /// With these addresses (those of the family asked for).
        #[serde(default)]
        addresses: Vec<IpAddr>,
        /// With this failure in place of addresses.
        failure: Option<DnsFailure>,
        /// The question goes on to its resolver as well, whose answer comes later.
        #[serde(default)]
        race: bool,
    },
    /// Drops DNS questions.
    DnsDrop {
        /// For these names.
        #[serde(default)]
        names: Vec<String>,
    },
    /// Sends DNS questions to another resolver, whose answers seem to come from the one asked.
    DnsRedirect {
        /// To this address.
        to: IpAddr,
        /// Only questions to these resolvers; none: all.
        #[serde(default)]
        resolvers: Vec<IpAddr>,
    },
    /// Acts on the server name in a TLS `ClientHello`.
    Sni {
        /// For these names.
        names: Vec<String>,
        /// What it does with the flow.
        does: FlowAction,
    },
    /// Acts on bytes in a flow's first packets.
    Keyword {
        /// The text looked for.
        keyword: String,
        /// Only to this port.
        port: Option<u16>,
        /// What it does with the flow.
        does: FlowAction,
    },
    /// Acts on an endpoint.
    Endpoint {
        /// These addresses.
        addresses: Vec<IpAddr>,
        /// Only this port.
        port: Option<u16>,
        /// Only this protocol; without it, any.
        protocol: Option<Protocol>,
        /// What it does with the flow.
        does: FlowAction,
    },
    /// Drops QUIC (UDP to port 443 that begins as an initial packet), for these addresses or all.
    QuicDrop {
        /// These addresses; none: all.
        #[serde(default)]
        addresses: Vec<IpAddr>,
    },
}

/// Transport protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP and `ICMPv6`.
    Icmp,
}

/// What is done with a flow once it matched; it sticks to the flow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum FlowAction {
    /// Its packets vanish from here on.
    Drop,
    /// A forged reset.
    Reset(Ends),
    /// A forged FIN to the client.
    Fin,
    /// A forged HTTP response with this body, then FIN, to the client.
    BlockPage(String),
    /// An ICMP answer: administratively prohibited.
    Reject,
    /// No faster than this, both directions each, kbit/s, with a burst of bytes.
    Throttle {
        /// kbit/s.
        rate_kbit: u64,
        /// Bytes that pass at full speed.
        #[serde(default)]
        burst_bytes: u64,
    },
}

/// Who gets a forged reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// The host that opened the flow.
    Client,
    /// The other end.
    Server,
    /// Both.
    Both,
}
