//! One packet as the truth has it.
use crate::hub::{Ended, Fate, Origin};
use crate::packet::{Packet, Transport};
use crate::rules::Way;
use std::collections::VecDeque;

/// One packet, from the hub's getting it to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When the hub got it, microseconds since the Unix epoch.
    pub in_us: u64,
    /// When it was handed to its receiver, or dropped.
    pub out_us: u64,
    /// Who made it.
    pub from: Origin,
    /// The host that has its destination address.
    pub to: Option<usize>,
    /// On whose link it was at its end.
    pub on: usize,
    /// Which way it went there.
    pub way: Way,
    /// The whole IP packet, bytes.
    pub bytes: u32,
    /// What TCP, UDP or ICMP carry in it, bytes.
    pub payload_bytes: u32,
    /// IANA number of its transport protocol.
    pub protocol: u8,
    /// Ports of sender and receiver, of TCP and UDP.
    pub ports: Option<(u16, u16)>,
    /// How long it stood in queues.
    pub queue_us: u64,
    /// How much later than planned it was handed over: the hub's own delay.
    pub late_us: u64,
    /// What became of it.
    pub fate: Fate,
    /// The last middlebox that acted on it.
    pub rule: Option<usize>,
    /// It is the second of two.
    pub copy: bool,
}

/// What the hub saw in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Truth {
    /// The scenario, in its own words.
    pub scenario: String,
    /// Names of its hosts; events name hosts by their place here.
    pub hosts: Vec<String>,
    /// When the scenario began, microseconds since the Unix epoch.
    pub begun_us: u64,
    /// Events, in the order in which they ended.
    pub events: VecDeque<Event>,
    /// Events before them that were forgotten for want of room.
    pub forgotten: u64,
}

impl Event {
    /// Of a packet that came to its end; `at_ns` is when it was handed over, on the hub's clock.
    pub(super) fn of(one: &Ended, at_ns: u64, wall_offset_us: u64) -> Self {
        let (ports, payload_bytes) = transport(&one.packet);
        Self {
            in_us: wall_offset_us + one.entered_ns / 1000,
            out_us: wall_offset_us + at_ns / 1000,
            from: one.origin,
            to: one.to,
            on: one.on,
            way: one.way,
            bytes: length(one.packet.bytes()),
            payload_bytes,
            protocol: one.packet.protocol(),
            ports,
            queue_us: one.queued_ns / 1000,
            late_us: at_ns.saturating_sub(one.ended_ns) / 1000,
            fate: one.fate,
            rule: one.rule,
            copy: one.copy,
        }
    }
}

fn transport(packet: &Packet) -> (Option<(u16, u16)>, u32) {
    match packet.transport() {
        Transport::Tcp(tcp) => (
            Some((tcp.source_port, tcp.destination_port)),
            length(tcp.payload),
        ),
        Transport::Udp(udp) => (
            Some((udp.source_port, udp.destination_port)),
            length(udp.payload),
        ),
        Transport::Icmp(icmp) => (None, length(icmp.body)),
        Transport::Other(_) => (None, 0),
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
