//! What a chain knows of the flows that cross it: who opened each, how it began, what was decided.
use super::action::Action;
use super::stream::Stream;
use super::{Cx, Outcome};
use crate::packet::{Flags, Flow, FlowKey, Packet, Tcp, Transport};
use std::collections::HashMap;
use std::net::SocketAddr;

/// How many flows are known at once; the one that was silent for longest is forgotten.
const FLOWS_MAX: usize = 4096;
/// How many packets with payload of a flow are looked at.
const INSPECTED_MAX: u32 = 10;

/// The ends of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Who opened it.
    Client,
    /// The other.
    Server,
}

/// All flows of a chain.
#[derive(Debug, Default)]
pub(super) struct Flows {
    known: HashMap<FlowKey, Entry>,
    packets: u64,
}

/// One flow in the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) state: State,
    pub(super) decided: Option<Decided>,
    /// Number of the last packet, in order of the chain.
    last: u64,
}

/// What is to become of a flow.
#[derive(Debug)]
pub(super) struct Decided {
    /// Place in the chain of the rule that matched.
    pub(super) owner: usize,
    action: Action,
    /// Bytes of payload that still pass before it acts.
    passes_bytes: u64,
}

impl Decided {
    pub(super) fn new(owner: usize, action: Action, passes_bytes: u64) -> Self {
        Self {
            owner,
            action,
            passes_bytes,
        }
    }

    /// What becomes of a packet of the flow; none: it passes for now.
    pub(super) fn meet(
        &mut self,
        packet: &Packet,
        seen: &Seen<'_>,
        cx: &mut Cx<'_>,
    ) -> Option<Outcome> {
        if self.passes_bytes == 0 {
            return self.action.act(packet, seen, cx);
        }
        let length = payload(packet.transport()).len() as u64;
        self.passes_bytes = self.passes_bytes.saturating_sub(length);
        None
    }
}

/// What is known of a flow.
#[derive(Debug)]
pub(super) struct State {
    /// From the one who opened it to the other.
    opened: Flow,
    /// What either end sent.
    client: Sent,
    server: Sent,
    /// Packets with payload so far, both ways.
    with_payload: u32,
}

/// What one end sent.
#[derive(Debug, Default)]
struct Sent {
    stream: Stream,
    /// The sequence number behind everything that was let through.
    passed_end: Option<u32>,
}

/// A packet in its flow, as rules and actions look at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Who sent it.
    pub(super) sender: End,
    /// Who was called when the flow was opened.
    pub(super) server: SocketAddr,
    /// The beginning of what its sender sent, in order, this packet included: of TCP the stream, of
    /// UDP this datagram alone. Empty when nothing is to be inspected any more.
    pub(super) stream: &'a [u8],
    /// TCP: the sequence number behind everything that went to its sender so far.
    pub(super) passed_to_sender: Option<u32>,
}

impl Flows {
    /// The flow of a packet: a new one, if none is known or if the packet opens one.
    pub(super) fn of(&mut self, packet: &Packet) -> &mut Entry {
        self.packets += 1;
        let flow = packet.flow();
        let key = flow.key();
        if opens(packet) || !self.known.contains_key(&key) {
            self.make_room(&key);
            self.known.insert(key, Entry::new(opener(packet)));
        }
        let entry = self.known.get_mut(&key).expect("inserted above");
        entry.last = self.packets;
        entry
    }

    fn make_room(&mut self, key: &FlowKey) {
        if self.known.len() < FLOWS_MAX || self.known.contains_key(key) {
            return;
        }
        let oldest = self.known.iter().min_by_key(|(_, entry)| entry.last);
        if let Some(oldest) = oldest.map(|(key, _)| *key) {
            self.known.remove(&oldest);
        }
    }
}

impl Entry {
    fn new(opened: Flow) -> Self {
        let state = State {
            opened,
            client: Sent::default(),
            server: Sent::default(),
            with_payload: 0,
        };
        Self {
            state,
            decided: None,
            last: 0,
        }
    }
}

impl State {
    /// Takes note of a packet before anything is decided about it.
    pub(super) fn note(&mut self, packet: &Packet) {
        let transport = packet.transport();
        if !payload(transport).is_empty() {
            self.with_payload = self.with_payload.saturating_add(1);
        }
        if !self.is_inspected() {
            self.client.stream = Stream::default();
            self.server.stream = Stream::default();
            return;
        }
        if let Transport::Tcp(segment) = transport {
            self.sent_mut(self.sender(packet)).stream.take(&segment);
        }
    }

    /// Takes note that a packet goes on.
    pub(super) fn let_through(&mut self, packet: &Packet) {
        if let Transport::Tcp(segment) = packet.transport() {
            let sent = self.sent_mut(self.sender(packet));
            sent.passed_end = Some(further(sent.passed_end, &segment));
        }
    }

    /// The packet in this flow.
    pub(super) fn seen<'a>(&'a self, packet: &'a Packet) -> Seen<'a> {
        let sender = self.sender(packet);
        let (own, other) = match sender {
            End::Client => (&self.client, &self.server),
            End::Server => (&self.server, &self.client),
        };
        let stream = match packet.transport() {
            _ if !self.is_inspected() => &[],
            Transport::Tcp(segment) if !segment.payload.is_empty() => own.stream.bytes(),
            Transport::Udp(datagram) => datagram.payload,
            _ => &[],
        };
        Seen {
            sender,
            server: self.opened.to(),
            stream,
            passed_to_sender: other.passed_end,
        }
    }

    fn is_inspected(&self) -> bool {
        self.with_payload <= INSPECTED_MAX
    }

    fn sender(&self, packet: &Packet) -> End {
        if packet.flow() == self.opened {
            End::Client
        } else {
            End::Server
        }
    }

    fn sent_mut(&mut self, end: End) -> &mut Sent {
        match end {
            End::Client => &mut self.client,
            End::Server => &mut self.server,
        }
    }
}

fn payload(transport: Transport<'_>) -> &[u8] {
    match transport {
        Transport::Tcp(segment) => segment.payload,
        Transport::Udp(datagram) => datagram.payload,
        Transport::Icmp(_) | Transport::Other(_) => &[],
    }
}

/// A SYN without ACK: whatever had this 5-tuple before is over.
fn opens(packet: &Packet) -> bool {
    match packet.transport() {
        Transport::Tcp(segment) => segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK),
        _ => false,
    }
}

/// The flow of a packet as seen by who opened it: of the first packet, unless it answers a SYN.
fn opener(packet: &Packet) -> Flow {
    let flow = packet.flow();
    match packet.transport() {
        Transport::Tcp(segment) if segment.flags.has(Flags::SYN | Flags::ACK) => flow.reversed(),
        _ => flow,
    }
}

/// The later of what was passed and what this segment ends with, in sequence numbers.
fn further(passed: Option<u32>, segment: &Tcp<'_>) -> u32 {
    let end = segment.seq_end();
    match passed {
        Some(passed) if is_before(end, passed) => passed,
        _ => end,
    }
}

/// Sequence numbers compare modulo 2^32 (RFC 9293 section 3.4).
pub(super) fn is_before(a: u32, b: u32) -> bool {
    b.wrapping_sub(a).wrapping_sub(1) < u32::MAX / 2
}
