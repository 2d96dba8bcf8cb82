//! Forged UDP datagrams.
use super::super::{Flow, Packet};
use super::{ip, packet};

/// A UDP datagram of this flow. None: it does not fit in one packet.
#[must_use]
pub fn udp(flow: &Flow, payload: &[u8]) -> Option<Packet> {
    let mut bytes = Vec::new();
    ip(flow)
        .udp(flow.from().port(), flow.to().port())
        .write_to_vec(&mut bytes, payload)
        .ok()?;
    Some(packet(bytes))
}

/// A datagram back to the sender of this one, as if from its receiver.
#[must_use]
pub fn udp_reply(to: &Packet, payload: &[u8]) -> Option<Packet> {
    udp(&to.flow().reversed(), payload)
}
