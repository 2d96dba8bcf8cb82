//! A packet on its way through the hub, and what became of it.
use crate::packet::Packet;
use crate::rules::Way;
use serde::{Deserialize, Serialize};

/// Who made a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The host of this index.
    Host(usize),
    /// The middlebox of this index.
    Middlebox(usize),
    /// A router, or a link that cannot carry so large a packet.
    Router,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Its receiver has it.
    Delivered,
    /// Lost by the link's pattern.
    Lost,
    /// The queue was full.
    QueueFull,
    /// The link was down.
    Outage,
    /// Larger than the link carries.
    TooBig,
    /// Its TTL ended at a router.
    TtlEnded,
    /// No host has its destination address.
    NoRoute,
    /// Dropped by the middlebox that the event names.
    Middlebox,
}

/// A packet and where it is: at a gap of its present host's path (see `path`).
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    pub(crate) packet: Packet,
    pub(crate) origin: Origin,
    /// When the hub got it.
    pub(crate) entered_ns: u64,
    /// How long it stood in queues.
    pub(crate) queued_ns: u64,
    /// The last middlebox that acted on it.
    pub(crate) rule: Option<usize>,
    /// The second of two.
    pub(crate) copy: bool,
    /// On whose path it is.
    pub(crate) host: usize,
    /// Which way.
    pub(crate) way: Way,
    /// Elements of the path between it and the host.
    pub(crate) gap: usize,
}

/// A packet that has come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The packet as it was at its end.
    pub packet: Packet,
    /// Who made it.
    pub origin: Origin,
    /// The host that has its destination address.
    pub to: Option<usize>,
    /// On whose link it was at its end.
    pub on: usize,
    /// Which way it went there.
    pub way: Way,
    /// When the hub got it, nanoseconds since its start.
    pub entered_ns: u64,
    /// When it ended, by plan.
    pub ended_ns: u64,
    /// How long it stood in queues.
    pub queued_ns: u64,
    /// What became of it.
    pub fate: Fate,
    /// The last middlebox that acted on it.
    pub rule: Option<usize>,
    /// It is the second of two.
    pub copy: bool,
}

impl Flight {
    /// A packet that enters the network from a host.
    pub(crate) fn from_host(packet: Packet, host: usize, now_ns: u64) -> Self {
        Self {
            packet,
            origin: Origin::Host(host),
            entered_ns: now_ns,
            queued_ns: 0,
            rule: None,
            copy: false,
            host,
            way: Way::Up,
            gap: 0,
        }
    }

    /// The end of the journey.
    pub(crate) fn end(self, to: Option<usize>, fate: Fate, now_ns: u64) -> Ended {
        Ended {
            to,
            on: self.host,
            way: self.way,
            packet: self.packet,
            origin: self.origin,
            entered_ns: self.entered_ns,
            ended_ns: now_ns,
            queued_ns: self.queued_ns,
            fate,
            rule: self.rule,
            copy: self.copy,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.packet.bytes().len() as u64
    }
}
