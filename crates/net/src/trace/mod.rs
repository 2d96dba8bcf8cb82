//! The way of packets to a target, hop by hop, without privilege: by UDP, by TCP, or by ICMP echo
//! where the system permits its socket.
//!
//! 1. All probes of a trace are one flow: the same addresses and ports, and for ICMP the same
//!    identifier and checksum, so that routers which share their load send them the same way (Paris
//!    traceroute). Probes are told apart by a number in their payload, not by a port.
//! 2. Each TTL has three probes: sent together for UDP and ICMP; one after the other for TCP, where a
//!    flow has one connection at a time, and only the first where that gets no answer.
//! 3. A hop is over when every probe is answered, or a second after they were sent.
//! 4. A trace ends at the target, where a router refuses to go on, after four silent hops in a row,
//!    or at hop 30.
//! 5. Routers' answers come from the socket's error queue ([`crate::error_queue`]) and are timed by
//!    the kernel.
//!
//! This file says what was heard. What of it may be written is the experiment's to decide: the
//! first hops are the volunteer's.
mod icmp;
mod network;
mod packets;
mod tcp;
mod udp;
mod walk;

pub(crate) use network::set_ttl;
pub use network::{Network, own_networks, range_of};
pub use walk::{End, HOPS_MAX};

use crate::clock::Stopwatch;
use crate::error_queue::Message;
use crate::settings::NetSettings;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Probes of a hop.
pub const PROBES: u8 = 3;
/// Longest wait for the answers of a hop. Below the first repetition of a SYN (RFC 6298), so that
/// each answer belongs to one packet.
pub const HOP_TIMEOUT: Duration = Duration::from_millis(950);
/// Bytes on the line of one probe and its answer, at most: a router quotes what it pleases, as a
/// rule up to 128 bytes.
pub const PROBE_BYTES: u64 = 104 + 184;

/// What kind of packets a trace sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Datagrams to the first port of traceroute, where nothing listens.
    Udp,
    /// SYNs to the port of the service.
    Tcp,
    /// ICMP echo requests.
    Icmp,
}

impl Method {
    /// The word of records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Icmp => "icmp",
        }
    }
}

/// What was heard of one TTL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// TTL of the probes.
    pub ttl: u8,
    /// When the first was sent, microseconds of the stopwatch.
    pub sent_us: i64,
    /// Probes sent.
    pub probes: u8,
    /// Answers, in the order of their arrival.
    pub answers: Vec<Answer>,
}

/// The answer to one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Who answered.
    pub from: IpAddr,
    /// From the send to the arrival, microseconds.
    pub rtt_us: i64,
    /// Whether the kernel timed the arrival.
    pub by_kernel: bool,
    /// What it says.
    pub verdict: Verdict,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The TTL ended at a router.
    TtlEnd,
    /// The target itself answered.
    Target,
    /// Somebody on the way refuses to go on.
    Refused(Message),
}

impl Verdict {
    /// Of an ICMP message from `from` about a probe to `target`. Whatever the target says about a
    /// packet reached it.
    fn of(message: Message, from: IpAddr, target: IpAddr) -> Self {
        match message {
            _ if from == target => Self::Target,
            ended if ended.is_ttl_end() => Self::TtlEnd,
            other => Self::Refused(other),
        }
    }
}

/// Traces the way to `target` by `method`; its port is that of TCP. `may_send` is asked before each
/// hop; `saw` is told of each hop as soon as it is over.
pub async fn trace(
    settings: &NetSettings,
    clock: &Stopwatch,
    method: Method,
    target: SocketAddr,
    may_send: impl FnMut() -> bool + Send,
    saw: impl FnMut(Hop) + Send,
) -> End {
    let opened = match method {
        _ if !settings.may_contact(target.ip()) => Err(io::ErrorKind::PermissionDenied.into()),
        Method::Udp => udp::Datagrams::open(clock, target.ip()).map(Tracer::Udp),
        Method::Tcp => tcp::Connections::open(clock, target).map(Tracer::Tcp),
        Method::Icmp => icmp::Echoes::open(settings, clock, target.ip()).map(Tracer::Icmp),
    };
    match opened {
        Err(error) => End::NotSent(error),
        Ok(Tracer::Udp(packets)) => walk::walk(packets, may_send, saw).await,
        Ok(Tracer::Icmp(packets)) => walk::walk(packets, may_send, saw).await,
        Ok(Tracer::Tcp(connections)) => walk::walk(connections, may_send, saw).await,
    }
}

enum Tracer<'a> {
    Udp(packets::Batches<udp::Datagrams<'a>>),
    Tcp(tcp::Connections<'a>),
    Icmp(packets::Batches<icmp::Echoes<'a>>),
}

#[cfg(test)]
mod tests;
