//! Picks QUIC flows by their first packet: UDP to port 443 that begins as an initial.
use super::chain::FlowRule;
use super::flows::Seen;
use crate::packet::{Packet, protocol, quic};
use std::net::IpAddr;

/// The port of HTTP/3.
const PORT: u16 = 443;

pub(super) struct QuicDrop {
    addresses: Vec<IpAddr>,
}

impl QuicDrop {
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        Self {
            addresses: addresses.to_vec(),
        }
    }
}

impl FlowRule for QuicDrop {
    fn picks(&self, packet: &Packet, seen: &Seen<'_>) -> bool {
        let to = packet.flow().to();
        packet.protocol() == protocol::UDP
            && to.port() == PORT
            && (self.addresses.is_empty() || self.addresses.contains(&to.ip()))
            && quic::is_initial(seen.stream)
    }
}
