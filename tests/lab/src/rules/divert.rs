//! Sends TCP connections to another host. Its answers come back under the address that was called. A
//! connection to an address of the other family passes: no address fits it.
use super::chain::PacketRule;
use super::{Cx, Outcome};
use crate::packet::{Packet, Transport};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// How many connections are remembered; the one that was opened first is forgotten.
const CALLS_MAX: usize = 4096;

/// A connection that was sent elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Call {
    from: SocketAddr,
    port: u16,
    /// Who was called.
    called: IpAddr,
}

pub(super) struct Divert {
    to: IpAddr,
    addresses: Vec<IpAddr>,
    port: Option<u16>,
    /// The latest first.
    calls: VecDeque<Call>,
}

impl Divert {
    pub(super) fn new(to: IpAddr, addresses: &[IpAddr], port: Option<u16>) -> Self {
        Self {
            to,
            addresses: addresses.to_vec(),
            port,
            calls: VecDeque::new(),
        }
    }

    /// A packet of a caller, to the other host.
    fn divert(&mut self, packet: &Packet) -> Option<Packet> {
        let flow = packet.flow();
        let (from, to) = (flow.from(), flow.to());
        let wanted = self.port.is_none_or(|port| port == to.port())
            && (self.addresses.is_empty() || self.addresses.contains(&to.ip()));
        // The other host's own connections go where they are for.
        if !wanted || to.ip() == self.to || from.ip() == self.to {
            return None;
        }
        let diverted = packet.clone().with_destination(self.to).ok()?;
        self.remember(Call {
            from,
            port: to.port(),
            called: to.ip(),
        });
        Some(diverted)
    }

    /// An answer, from the address that was called.
    fn disguise(&self, packet: &Packet) -> Option<Packet> {
        let flow = packet.flow();
        let (from, to) = (flow.from(), flow.to());
        let fits = |call: &&Call| call.from == to && call.port == from.port();
        let call = self.calls.iter().find(fits)?;
        packet.clone().with_source(call.called).ok()
    }

    fn remember(&mut self, call: Call) {
        if self.calls.front() == Some(&call) {
            return;
        }
        self.calls
            .retain(|known| (known.from, known.port) != (call.from, call.port));
        self.calls.push_front(call);
        self.calls.truncate(CALLS_MAX);
    }
}

impl PacketRule for Divert {
    fn meet(&mut self, packet: &Packet, _cx: &mut Cx<'_>) -> Option<Outcome> {
        if !matches!(packet.transport(), Transport::Tcp(_)) {
            return None;
        }
        let changed = if packet.source() == self.to {
            self.disguise(packet)
        } else {
            self.divert(packet)
        };
        changed.map(Outcome::pass)
    }
}
