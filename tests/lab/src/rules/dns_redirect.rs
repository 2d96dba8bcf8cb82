//! Sends DNS questions, over UDP and TCP, to another resolver. Its answers come back under the address
//! that was asked. A question to a resolver of the other family passes: no address fits it.
use super::chain::PacketRule;
use super::{Cx, Outcome};
use crate::packet::{Packet, Transport, dns};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// How many questions are remembered.
const ASKED_MAX: usize = 4096;

/// What ties an answer to its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asker {
    from: SocketAddr,
    protocol: u8,
    /// One socket may ask several resolvers: over UDP the id of the message tells them apart.
    id: u16,
}

pub(super) struct DnsRedirect {
    to: IpAddr,
    resolvers: Vec<IpAddr>,
    /// (who asked, which resolver), the latest first.
    asked: VecDeque<(Asker, IpAddr)>,
}

impl DnsRedirect {
    pub(super) fn new(to: IpAddr, resolvers: &[IpAddr]) -> Self {
        Self {
            to,
            resolvers: resolvers.to_vec(),
            asked: VecDeque::new(),
        }
    }

    /// A question, to the other resolver.
    fn divert(&mut self, packet: &Packet, id: u16) -> Option<Packet> {
        let flow = packet.flow();
        let resolver = flow.to().ip();
        let wanted = self.resolvers.is_empty() || self.resolvers.contains(&resolver);
        if !wanted || resolver == self.to {
            return None;
        }
        let diverted = packet.clone().with_destination(self.to).ok()?;
        let asker = Asker {
            from: flow.from(),
            protocol: flow.protocol(),
            id,
        };
        self.remember(asker, resolver);
        Some(diverted)
    }

    /// An answer, from the resolver that was asked.
    fn disguise(&self, packet: &Packet, id: u16) -> Option<Packet> {
        let flow = packet.flow();
        if flow.from().ip() != self.to {
            return None;
        }
        let asker = Asker {
            from: flow.to(),
            protocol: flow.protocol(),
            id,
        };
        let (_, resolver) = self.asked.iter().find(|(known, _)| *known == asker)?;
        packet.clone().with_source(*resolver).ok()
    }

    fn remember(&mut self, asker: Asker, resolver: IpAddr) {
        if self.asked.front() == Some(&(asker, resolver)) {
            return;
        }
        self.asked.push_front((asker, resolver));
        self.asked.truncate(ASKED_MAX);
    }
}

impl PacketRule for DnsRedirect {
    fn meet(&mut self, packet: &Packet, _cx: &mut Cx<'_>) -> Option<Outcome> {
        let (from, to, id) = match packet.transport() {
            Transport::Udp(udp) => {
                let id = dns::id(udp.payload)?;
                (udp.source_port, udp.destination_port, id)
            }
            Transport::Tcp(tcp) => (tcp.source_port, tcp.destination_port, 0),
            Transport::Icmp(_) | Transport::Other(_) => return None,
        };
        let changed = if to == dns::PORT {
            self.divert(packet, id)
        } else if from == dns::PORT {
            self.disguise(packet, id)
        } else {
            None
        };
        changed.map(Outcome::pass)
    }
}
