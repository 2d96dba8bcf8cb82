//! Two TCP ends with a chain between them. An end accepts what a Linux kernel accepts and nothing else:
//! a reset only at exactly the next sequence number, data only in order (RFC 9293 section 3.10.7).
use super::Rig;
use crate::packet::craft::{self, Segment};
use crate::packet::{Flags, Flow, Packet, Tcp, Transport};
use crate::rules::Way;
use std::collections::VecDeque;

/// What became of an end's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// A server that waits, or a client that has sent its SYN.
    Waiting,
    Open,
    /// Reset in answer to its SYN: ECONNREFUSED.
    Refused,
    /// Reset later: ECONNRESET.
    Reset,
}

/// One end.
pub(super) struct Peer {
    /// From it to the other.
    flow: Flow,
    pub(super) is: Is,
    /// What it said, until it is acknowledged by the other's numbers.
    next: u32,
    /// Its own sequence number and what it expects.
    expects: u32,
    pub(super) heard: Vec<u8>,
    /// The other has no more to say.
    pub(super) ended: bool,
    /// Segments it got outside of what it expects, as an attacker's that guessed badly.
    pub(super) refused_segments: usize,
}

impl Peer {
    fn new(flow: Flow, first: u32) -> Self {
        Self {
            flow,
            is: Is::Waiting,
            next: first,
            expects: 0,
            heard: Vec::new(),
            ended: false,
            refused_segments: 0,
        }
    }

    /// A segment with this end's numbers.
    pub(super) fn segment(&mut self, flags: Flags, payload: &[u8]) -> Packet {
        let segment = Segment {
            seq: self.next,
            ack: if flags.has(Flags::ACK) {
                self.expects
            } else {
                0
            },
            flags,
            window: 64_000,
            payload,
        };
        let packet = craft::tcp(&self.flow, &segment).unwrap();
        let Transport::Tcp(tcp) = packet.transport() else {
            panic!("not tcp");
        };
        self.next = tcp.seq_end();
        packet
    }

    /// Takes a packet; what it answers.
    fn take(&mut self, packet: &Packet) -> Vec<Packet> {
        let Transport::Tcp(segment) = packet.transport() else {
            return vec![];
        };
        match self.is {
            Is::Waiting => self.take_first(&segment),
            Is::Open => self.take_next(&segment),
            Is::Refused | Is::Reset => vec![],
        }
    }

    fn take_first(&mut self, segment: &Tcp<'_>) -> Vec<Packet> {
        let acknowledges = segment.flags.has(Flags::ACK) && segment.ack == self.next;
        if segment.flags.has(Flags::RST) {
            if acknowledges {
                self.is = Is::Refused;
            }
            return vec![];
        }
        if !segment.flags.has(Flags::SYN) {
            return vec![];
        }
        self.is = Is::Open;
        self.expects = segment.seq.wrapping_add(1);
        if acknowledges {
            return vec![self.segment(Flags::ACK, b"")];
        }
        vec![self.segment(Flags::SYN | Flags::ACK, b"")]
    }

    fn take_next(&mut self, segment: &Tcp<'_>) -> Vec<Packet> {
        if segment.seq != self.expects {
            self.refused_segments += 1;
            return vec![];
        }
        if segment.flags.has(Flags::RST) {
            self.is = Is::Reset;
            return vec![];
        }
        self.heard.extend(segment.payload);
        self.expects = segment.seq_end();
        if segment.flags.has(Flags::FIN) {
            self.ended = true;
            return vec![self.segment(Flags::ACK | Flags::FIN, b"")];
        }
        if segment.payload.is_empty() {
            return vec![];
        }
        vec![self.segment(Flags::ACK, b"")]
    }
}

/// A connection across a chain.
pub(super) struct Talk {
    pub(super) rig: Rig,
    pub(super) client: Peer,
    pub(super) server: Peer,
}

impl Talk {
    /// Before the SYN. The client's first number is about to wrap.
    pub(super) fn new(rig: Rig, flow: Flow) -> Self {
        Self {
            rig,
            client: Peer::new(flow, u32::MAX - 2),
            server: Peer::new(flow.reversed(), 0x7fff_fff0),
        }
    }

    /// The handshake, as far as the chain lets it.
    pub(super) fn connect(&mut self) {
        let syn = self.client.segment(Flags::SYN, b"");
        self.send(syn, Way::Up);
    }

    /// The client says something.
    pub(super) fn ask(&mut self, payload: &[u8]) {
        let packet = self.client.segment(Flags::ACK | Flags::PSH, payload);
        self.send(packet, Way::Up);
    }

    /// The server says something.
    pub(super) fn reply(&mut self, payload: &[u8]) {
        let packet = self.server.segment(Flags::ACK | Flags::PSH, payload);
        self.send(packet, Way::Down);
    }

    /// Carries a packet and everything that follows from it, until nobody answers any more.
    pub(super) fn send(&mut self, packet: Packet, way: Way) {
        let mut waiting = VecDeque::from([(packet, way)]);
        for _ in 0..1000 {
            let Some((packet, way)) = waiting.pop_front() else {
                return;
            };
            let outcome = self.rig.cross(packet, way);
            let arriving = outcome.inject.into_iter().chain(outcome.forward);
            for packet in arriving {
                waiting.extend(self.deliver(&packet));
            }
        }
        panic!("the ends never come to rest");
    }

    fn deliver(&mut self, packet: &Packet) -> Vec<(Packet, Way)> {
        let (end, way) = if packet.destination() == self.client.flow.from().ip() {
            (&mut self.client, Way::Up)
        } else {
            (&mut self.server, Way::Down)
        };
        end.take(packet).into_iter().map(|p| (p, way)).collect()
    }
}
