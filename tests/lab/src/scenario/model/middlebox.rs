//! What meddles on a host's link: where it stands, what it looks for, what it does. Types only.
use super::DnsFailure;
use serde::Deserialize;
use std::net::IpAddr;

/// Something on a host's link that meddles. Its keys depend on its action: reading a file checks
/// them, as serde cannot in a flattened table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
    /// Of a rule that picks flows: so many bytes of payload pass, both ways together, before it acts.
    #[serde(default)]
    pub after_bytes: u64,
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
        /// Only so many questions in a thousand, by chance; without it, all.
        chance_permille: Option<u16>,
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
    /// Sends TCP connections to another host, whose answers seem to come from the one called.
    Divert {
        /// To this address.
        to: IpAddr,
        /// Only connections to these addresses; none: all.
        #[serde(default)]
        addresses: Vec<IpAddr>,
        /// Only connections to this port.
        port: Option<u16>,
    },
    /// Acts on the server name in a TLS `ClientHello`.
    Sni {
        /// For these names.
        names: Vec<String>,
        /// What it does with the flow.
        does: FlowAction,
    },
    /// Acts on a TLS `ClientHello` that brings an encrypted one (ECH).
    Ech {
        /// Only under these names, outside.
        #[serde(default)]
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
        /// Only Initials of version 1 under these names; none: all.
        #[serde(default)]
        names: Vec<String>,
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
    /// A forged answer of exactly this text, then FIN, to the client.
    Response(String),
    /// Each packet of both directions is late, and some are lost.
    Degrade {
        /// Late by this, milliseconds.
        #[serde(default)]
        delay_ms: u64,
        /// Lost by this chance, in a thousand.
        #[serde(default)]
        loss_permille: u16,
    },
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
