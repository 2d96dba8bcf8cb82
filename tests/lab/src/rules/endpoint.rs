//! Picks flows by the address, port and protocol of either end.
use super::chain::FlowRule;
use super::flows::Seen;
use crate::packet::{Packet, protocol};
use crate::scenario::model::Protocol;
use std::net::{IpAddr, SocketAddr};

pub(super) struct Endpoint {
    addresses: Vec<IpAddr>,
    port: Option<u16>,
    protocol: Option<Protocol>,
}

impl Endpoint {
    pub(super) fn new(addresses: &[IpAddr], port: Option<u16>, protocol: Option<Protocol>) -> Self {
        Self {
            addresses: addresses.to_vec(),
            port,
            protocol,
        }
    }

    fn is(&self, end: SocketAddr) -> bool {
        self.addresses.contains(&end.ip()) && self.port.is_none_or(|port| port == end.port())
    }
}

impl FlowRule for Endpoint {
    fn picks(&self, packet: &Packet, _seen: &Seen<'_>) -> bool {
        let flow = packet.flow();
        let wanted = match self.protocol {
            None => true,
            Some(Protocol::Tcp) => flow.protocol() == protocol::TCP,
            Some(Protocol::Udp) => flow.protocol() == protocol::UDP,
            Some(Protocol::Icmp) => {
                flow.protocol() == protocol::ICMP || flow.protocol() == protocol::ICMPV6
            }
        };
        wanted && (self.is(flow.from()) || self.is(flow.to()))
    }
}
