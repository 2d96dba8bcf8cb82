//! The middleboxes that stand at one place of a host's path, in the order of the scenario.
use super::action::Action;
use super::divert::Divert;
use super::dns_drop::DnsDrop;
use super::dns_redirect::DnsRedirect;
use super::dns_spoof::DnsSpoof;
use super::ech::Ech;
use super::endpoint::Endpoint;
use super::flows::{Decided, Entry, Flows, Seen};
use super::keyword::Keyword;
use super::quic_drop::QuicDrop;
use super::sni::Sni;
use super::{Cx, Outcome};
use crate::packet::Packet;
use crate::scenario::model::{FlowAction, Host, Middlebox, Rule};
use std::net::IpAddr;

/// Rules that decide on every packet by itself.
pub(super) trait PacketRule: Send {
    /// What becomes of the packet; none: not this rule's.
    fn meet(&mut self, packet: &Packet, cx: &mut Cx<'_>) -> Option<Outcome>;
}

/// Rules that pick a flow.
pub(super) trait FlowRule: Send {
    /// Whether this packet shows that its flow is one of theirs.
    fn picks(&self, packet: &Packet, seen: &Seen<'_>) -> bool;
}

/// One middlebox in the chain.
struct Link {
    /// Its index in the scenario's list.
    index: usize,
    kind: Kind,
}

enum Kind {
    Packets(Box<dyn PacketRule>),
    Flows {
        rule: Box<dyn FlowRule>,
        does: FlowAction,
        /// Bytes of payload that pass before it acts.
        after_bytes: u64,
        /// Addresses that its own packets come from: those of the router before it.
        own: Vec<IpAddr>,
    },
}

/// Middleboxes at one place. Both directions of the host's packets cross the same chain.
pub struct Chain {
    links: Vec<Link>,
    flows: Flows,
}

impl Chain {
    /// The chain of these middleboxes, each with its index in the scenario's list, on this host's link.
    #[must_use]
    pub fn new(boxes: &[(usize, Middlebox)], host: &Host) -> Self {
        let links = boxes
            .iter()
            .map(|(index, middlebox)| Link {
                index: *index,
                kind: kind(middlebox, host),
            })
            .collect();
        Self {
            links,
            flows: Flows::default(),
        }
    }

    /// Whether nothing stands here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// A packet crosses.
    pub fn cross(&mut self, packet: Packet, cx: &mut Cx<'_>) -> Outcome {
        if self.links.is_empty() {
            return Outcome::pass(packet);
        }
        let entry = self.flows.of(&packet);
        entry.state.note(&packet);
        let acted = self
            .links
            .iter_mut()
            .enumerate()
            .find_map(|(place, link)| meet(link, place, &packet, entry, cx));
        let Some(outcome) = acted else {
            entry.state.let_through(&packet);
            return Outcome::pass(packet);
        };
        if let Some(forward) = &outcome.forward {
            entry.state.let_through(forward);
        }
        outcome
    }
}

/// One middlebox meets a packet; none: it lets it pass.
fn meet(
    link: &mut Link,
    place: usize,
    packet: &Packet,
    entry: &mut Entry,
    cx: &mut Cx<'_>,
) -> Option<Outcome> {
    let outcome = match &mut link.kind {
        Kind::Packets(rule) => rule.meet(packet, cx),
        Kind::Flows {
            rule,
            does,
            after_bytes,
            own,
        } => {
            let seen = entry.state.seen(packet);
            if entry.decided.is_none() && rule.picks(packet, &seen) {
                entry.decided = Some(Decided::new(place, Action::new(does, own), *after_bytes));
            }
            match &mut entry.decided {
                Some(decided) if decided.owner == place => decided.meet(packet, &seen, cx),
                _ => None,
            }
        }
    };
    outcome.map(|outcome| Outcome {
        rule: Some(link.index),
        ..outcome
    })
}

fn kind(middlebox: &Middlebox, host: &Host) -> Kind {
    let flows = |rule: Box<dyn FlowRule>, does: FlowAction| Kind::Flows {
        rule,
        does,
        after_bytes: middlebox.after_bytes,
        own: own_addresses(middlebox, host),
    };
    match &middlebox.rule {
        Rule::DnsSpoof {
            names,
            addresses,
            failure,
            race,
            chance_permille,
        } => {
            let spoof = DnsSpoof::new(names, addresses, *failure, *race);
            Kind::Packets(Box::new(spoof.by_chance(*chance_permille)))
        }
        Rule::DnsDrop { names } => Kind::Packets(Box::new(DnsDrop::new(names))),
        Rule::DnsRedirect { to, resolvers } => {
            Kind::Packets(Box::new(DnsRedirect::new(*to, resolvers)))
        }
        Rule::Divert {
            to,
            addresses,
            port,
        } => Kind::Packets(Box::new(Divert::new(*to, addresses, *port))),
        Rule::Ech { names, does } => flows(Box::new(Ech::new(names)), does.clone()),
        Rule::Sni { names, does } => flows(Box::new(Sni::new(names)), does.clone()),
        Rule::Keyword {
            keyword,
            port,
            does,
        } => flows(Box::new(Keyword::new(keyword, *port)), does.clone()),
        Rule::Endpoint {
            addresses,
            port,
            protocol,
            does,
        } => flows(
            Box::new(Endpoint::new(addresses, *port, *protocol)),
            does.clone(),
        ),
        Rule::QuicDrop { addresses, names } => {
            flows(Box::new(QuicDrop::new(addresses, names)), FlowAction::Drop)
        }
    }
}

/// The addresses of the last router before a middlebox; none: there is no router before it.
fn own_addresses(middlebox: &Middlebox, host: &Host) -> Vec<IpAddr> {
    usize::from(middlebox.after_routers)
        .checked_sub(1)
        .and_then(|last| host.routers.get(last))
        .map_or_else(Vec::new, |router| router.addresses.clone())
}
