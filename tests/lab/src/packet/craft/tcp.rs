//! Forged TCP segments, and the resets that a kernel accepts.
//!
//! A kernel takes a reset only if its sequence number is exactly the next one that it expects
//! (RFC 9293 section 3.10.7.4, RFC 5961 section 3.2); in answer to its SYN, if the SYN is acknowledged
//! (section 3.10.7.3). What an end expects next is what it acknowledges in the packet it sent.
use super::super::{Flags, Flow, Packet, Transport};
use super::{ip, packet};
use etherparse::TcpHeader;

/// Window of forged segments, as a server without window scaling would open it.
pub const FORGED_WINDOW: u16 = 64_240;

/// What a segment says beside its ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Control bits.
    pub flags: Flags,
    /// Window, bytes.
    pub window: u16,
    /// Payload.
    pub payload: &'a [u8],
}

/// A TCP segment of this flow. None: it does not fit in one packet.
#[must_use]
pub fn tcp(flow: &Flow, segment: &Segment<'_>) -> Option<Packet> {
    let (from, to) = (flow.from().port(), flow.to().port());
    let mut header = TcpHeader::new(from, to, segment.seq, segment.window);
    header.acknowledgment_number = segment.ack;
    header.fin = segment.flags.has(Flags::FIN);
    header.syn = segment.flags.has(Flags::SYN);
    header.rst = segment.flags.has(Flags::RST);
    header.psh = segment.flags.has(Flags::PSH);
    header.ack = segment.flags.has(Flags::ACK);
    let mut bytes = Vec::new();
    ip(flow)
        .tcp_header(header)
        .write_to_vec(&mut bytes, segment.payload)
        .ok()?;
    Some(packet(bytes))
}

/// A reset to the sender of this segment, as if from its receiver. None: it is no TCP, or itself a
/// reset, which is never answered with another.
#[must_use]
pub fn reset_to_sender(of: &Packet) -> Option<Packet> {
    let Transport::Tcp(segment) = of.transport() else {
        return None;
    };
    let seq = if segment.flags.has(Flags::ACK) {
        segment.ack
    } else {
        0
    };
    reset_to_sender_at(of, seq)
}

/// [`reset_to_sender`] with this sequence number.
#[must_use]
pub fn reset_to_sender_at(of: &Packet, seq: u32) -> Option<Packet> {
    let Transport::Tcp(segment) = of.transport() else {
        return None;
    };
    if segment.flags.has(Flags::RST) {
        return None;
    }
    tcp(&of.flow().reversed(), &reset(seq, segment.seq_end()))
}

/// A reset to the receiver of this segment in its place, as if from its sender. None: it is no TCP, is
/// itself a reset, or opens a connection, so that the receiver has none that could be reset.
#[must_use]
pub fn reset_to_receiver(of: &Packet) -> Option<Packet> {
    let Transport::Tcp(segment) = of.transport() else {
        return None;
    };
    if segment.flags.has(Flags::RST) || !segment.flags.has(Flags::ACK) {
        return None;
    }
    tcp(&of.flow(), &reset(segment.seq, segment.ack))
}

fn reset(seq: u32, ack: u32) -> Segment<'static> {
    Segment {
        seq,
        ack,
        flags: Flags::RST | Flags::ACK,
        window: 0,
        payload: &[],
    }
}
