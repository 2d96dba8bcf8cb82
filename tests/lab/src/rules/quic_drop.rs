//! Picks QUIC flows by their first packet: UDP to port 443 that begins as an Initial, and, where names are
//! given, by the server name in it.
use super::chain::FlowRule;
use super::flows::Seen;
use super::names::Names;
use crate::packet::{Packet, protocol, quic};
use std::net::IpAddr;

/// The port of HTTP/3.
const PORT: u16 = 443;

pub(super) struct QuicDrop {
    addresses: Vec<IpAddr>,
    /// None: whatever the name, be it readable or not.
    names: Option<Names>,
}

impl QuicDrop {
    pub(super) fn new(addresses: &[IpAddr], names: &[String]) -> Self {
        Self {
            addresses: addresses.to_vec(),
            names: (!names.is_empty()).then(|| Names::new(names)),
        }
    }

    fn minds(&self, payload: &[u8]) -> bool {
        let Some(names) = &self.names else {
            return true;
        };
        quic::server_name(payload).is_some_and(|name| names.cover(&name))
    }
}

impl FlowRule for QuicDrop {
    fn picks(&self, packet: &Packet, seen: &Seen<'_>) -> bool {
        let to = packet.flow().to();
        packet.protocol() == protocol::UDP
            && to.port() == PORT
            && (self.addresses.is_empty() || self.addresses.contains(&to.ip()))
            && quic::is_initial(seen.stream)
            && self.minds(seen.stream)
    }
}
