//! Tests of packets: what they share.
mod change;
mod craft;
pub(crate) mod dns;
pub(crate) mod hello;
pub(crate) mod parse;
mod reset;

use super::{Flow, Packet, protocol};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};

/// A flow between two ends written as `address:port`.
pub(crate) fn flow(from: &str, to: &str, number: u8) -> Flow {
    Flow::new(from.parse().unwrap(), to.parse().unwrap(), number).unwrap()
}

/// TCP in either family, from a client to a server.
pub(crate) fn tcp_flows() -> [Flow; 2] {
    [
        flow("10.1.0.2:40000", "198.51.100.1:443", protocol::TCP),
        flow("[fd00::2]:40000", "[2001:db8::1]:443", protocol::TCP),
    ]
}

/// UDP in either family, from a client to a resolver.
pub(crate) fn udp_flows() -> [Flow; 2] {
    [
        flow("10.1.0.2:40000", "8.8.8.8:53", protocol::UDP),
        flow(
            "[fd00::2]:40000",
            "[2001:4860:4860::8888]:53",
            protocol::UDP,
        ),
    ]
}

/// Asserts every checksum of a packet, as another implementation computes it.
pub(crate) fn assert_sums_are_right(packet: &Packet) {
    let sliced = SlicedPacket::from_ip(packet.bytes()).unwrap();
    let ends = match sliced.net.unwrap() {
        NetSlice::Ipv4(ip) => {
            let header = ip.header().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            Ends::V4(header.source, header.destination)
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header().to_header();
            Ends::V6(header.source, header.destination)
        }
        NetSlice::Arp(_) => panic!("no arp here"),
    };
    match (sliced.transport.unwrap(), ends) {
        (TransportSlice::Tcp(tcp), Ends::V4(from, to)) => {
            assert_eq!(tcp.calc_checksum_ipv4(from, to).unwrap(), tcp.checksum());
        }
        (TransportSlice::Tcp(tcp), Ends::V6(from, to)) => {
            assert_eq!(tcp.calc_checksum_ipv6(from, to).unwrap(), tcp.checksum());
        }
        (TransportSlice::Udp(udp), Ends::V4(from, to)) => {
            let sum = udp
                .to_header()
                .calc_checksum_ipv4_raw(from, to, udp.payload());
            assert_eq!(sum.unwrap(), udp.checksum());
        }
        (TransportSlice::Udp(udp), Ends::V6(from, to)) => {
            let sum = udp
                .to_header()
                .calc_checksum_ipv6_raw(from, to, udp.payload());
            assert_eq!(sum.unwrap(), udp.checksum());
        }
        (TransportSlice::Icmpv4(icmp), _) => {
            assert_eq!(
                icmp.icmp_type().calc_checksum(icmp.payload()),
                icmp.checksum()
            );
        }
        (TransportSlice::Icmpv6(icmp), Ends::V6(from, to)) => {
            assert!(icmp.is_checksum_valid(from, to));
        }
        (other, _) => panic!("unexpected transport {other:?}"),
    }
}

enum Ends {
    V4([u8; 4], [u8; 4]),
    V6([u8; 16], [u8; 16]),
}
