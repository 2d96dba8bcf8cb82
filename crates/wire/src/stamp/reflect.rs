//! The reply to a packet that was read and let in: as long as the packet, never longer.
use super::key::Key;
use super::packet::{ReflectorPacket, SenderPacket};
use super::time::{ErrorEstimate, Timestamp};
use super::{base_bytes, tlv};

/// What the reflector adds to a packet.
#[derive(Debug, Clone, Copy)]
pub struct Reflection {
    /// Number of the reply: its own count where it keeps one, else the sender's number.
    pub sequence: u32,
    /// When the packet arrived (T2).
    pub receive: Timestamp,
    /// When the reply leaves (T3).
    pub transmit: Timestamp,
    /// Of the reflector's clock.
    pub error_estimate: ErrorEstimate,
    /// TTL or hop limit that the packet arrived with; 0 where it is not known.
    pub sender_ttl: u8,
}

/// The reply to `packet`, which read as `sender`; with a key it is authenticated by it. `None` when
/// the packet is shorter than its layout: a whole reply would be longer than what came, which is
/// worth something to whoever forges a source address.
#[must_use]
pub fn reply(
    packet: &[u8],
    sender: &SenderPacket,
    key: Option<&Key>,
    with: Reflection,
) -> Option<Vec<u8>> {
    let options = packet.get(base_bytes(key)..)?;
    let base = ReflectorPacket {
        sequence: with.sequence,
        transmit: with.transmit,
        error_estimate: with.error_estimate,
        ssid: sender.ssid,
        receive: with.receive,
        sender_sequence: sender.sequence,
        sender_timestamp: sender.timestamp,
        sender_error_estimate: sender.error_estimate,
        sender_ttl: with.sender_ttl,
    };
    let mut reply = base.write(key);
    reply.extend(tlv::reflect(options, key, sender.sequence, with.sequence));
    Some(reply)
}
