//! Between whom a packet goes: the 5-tuple, with and without its direction.
use super::{Packet, Transport, protocol};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Both ends of a flow: always of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Pair {
    V4(SocketAddrV4, SocketAddrV4),
    V6(SocketAddrV6, SocketAddrV6),
}

impl Pair {
    fn reversed(self) -> Self {
        match self {
            Self::V4(from, to) => Self::V4(to, from),
            Self::V6(from, to) => Self::V6(to, from),
        }
    }
}

/// One direction of a flow. Ports are 0 where there are none; of an ICMP echo both are its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    pub(super) pair: Pair,
    protocol: u8,
}

/// A flow without its direction: equal for the packets of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowKey {
    pair: Pair,
    protocol: u8,
}

impl Flow {
    /// A flow between two ends. None: they are of different families.
    #[must_use]
    pub fn new(from: SocketAddr, to: SocketAddr, protocol: u8) -> Option<Self> {
        let pair = match (from, to) {
            (SocketAddr::V4(from), SocketAddr::V4(to)) => Pair::V4(from, to),
            (SocketAddr::V6(from), SocketAddr::V6(to)) => Pair::V6(from, to),
            _ => return None,
        };
        Some(Self { pair, protocol })
    }

    pub(super) fn of(packet: &Packet) -> Self {
        let (from_port, to_port) = ports(packet);
        let pair = match (packet.source(), packet.destination()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => Pair::V4(
                SocketAddrV4::new(from, from_port),
                SocketAddrV4::new(to, to_port),
            ),
            (from, to) => Pair::V6(
                SocketAddrV6::new(v6(from), from_port, 0, 0),
                SocketAddrV6::new(v6(to), to_port, 0, 0),
            ),
        };
        Self {
            pair,
            protocol: packet.protocol(),
        }
    }

    /// Who sends.
    #[must_use]
    pub fn from(&self) -> SocketAddr {
        match self.pair {
            Pair::V4(from, _) => from.into(),
            Pair::V6(from, _) => from.into(),
        }
    }

    /// Who receives.
    #[must_use]
    pub fn to(&self) -> SocketAddr {
        self.reversed().from()
    }

    /// The transport protocol (IANA number).
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// The other direction.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            pair: self.pair.reversed(),
            protocol: self.protocol,
        }
    }

    /// The same for both directions.
    #[must_use]
    pub fn key(&self) -> FlowKey {
        FlowKey {
            pair: self.pair.min(self.pair.reversed()),
            protocol: self.protocol,
        }
    }
}

/// (source, destination) port of a packet.
fn ports(packet: &Packet) -> (u16, u16) {
    match packet.transport() {
        Transport::Tcp(segment) => (segment.source_port, segment.destination_port),
        Transport::Udp(datagram) => (datagram.source_port, datagram.destination_port),
        Transport::Icmp(message) if is_echo(packet.protocol(), message.kind) => {
            let identifier = u16::from_be_bytes([message.rest[0], message.rest[1]]);
            (identifier, identifier)
        }
        Transport::Icmp(_) | Transport::Other(_) => (0, 0),
    }
}

/// Echo request and reply: RFC 792, RFC 4443 section 4.
fn is_echo(number: u8, kind: u8) -> bool {
    match number {
        protocol::ICMP => kind == 8 || kind == 0,
        _ => kind == 128 || kind == 129,
    }
}

/// The address of an IPv6 packet, whose addresses are never IPv4.
fn v6(address: IpAddr) -> std::net::Ipv6Addr {
    match address {
        IpAddr::V6(address) => address,
        IpAddr::V4(address) => address.to_ipv6_mapped(),
    }
}
