//! Parsing: golden packets, extension headers, fragments, and any bytes at all.
use super::super::{Flags, Fragment, NotAPacket, Packet, Transport, craft, protocol};
use super::{flow, tcp_flows};
use proptest::prelude::*;

/// Written out by hand: 192.0.2.1:1024 to 192.0.2.2:53, "ab".
const UDP_IPV4: [u8; 30] = [
    0x45, 0, 0, 30, 0, 0, 0x40, 0, 64, 17, 0xb6, 0xcb, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
    0x04, 0x00, 0x00, 0x35, 0x00, 0x0a, 0x16, 0x3f, b'a', b'b', // UDP
];

#[test]
fn a_golden_datagram_is_read_and_made_byte_for_byte() {
    let packet = Packet::parse(UDP_IPV4.to_vec()).unwrap();
    assert_eq!(packet.source().to_string(), "192.0.2.1");
    assert_eq!(packet.destination().to_string(), "192.0.2.2");
    assert_eq!(packet.ttl(), 64);
    let Transport::Udp(datagram) = packet.transport() else {
        panic!("not udp");
    };
    assert_eq!(
        (datagram.source_port, datagram.destination_port),
        (1024, 53)
    );
    assert_eq!(datagram.payload, b"ab");
    assert_eq!(craft::udp(&packet.flow(), b"ab").unwrap().bytes(), UDP_IPV4);
}

#[test]
fn bytes_behind_the_packet_are_cut_off() {
    let mut longer = UDP_IPV4.to_vec();
    longer.extend([1, 2, 3]);
    assert_eq!(Packet::parse(longer).unwrap().bytes(), UDP_IPV4);
}

#[test]
fn what_is_no_packet_says_why() {
    assert_eq!(Packet::parse(vec![]), Err(NotAPacket::Empty));
    assert_eq!(Packet::parse(vec![0x50]), Err(NotAPacket::Version(5)));
    assert_eq!(
        Packet::parse(UDP_IPV4[..29].to_vec()),
        Err(NotAPacket::Truncated { needs: 30, has: 29 })
    );
    let mut short_header = UDP_IPV4.to_vec();
    short_header[0] = 0x44;
    assert_eq!(Packet::parse(short_header), Err(NotAPacket::HeaderLength));
}

#[test]
fn the_first_ipv4_fragment_has_ports_and_a_later_one_has_none() {
    let mut first = UDP_IPV4.to_vec();
    first[6] = 0x20;
    let first = Packet::parse(first).unwrap();
    assert_eq!(first.fragment(), Fragment::First);
    assert_eq!(first.flow().to().port(), 53);

    let mut later = UDP_IPV4.to_vec();
    later[7] = 1;
    let later = Packet::parse(later).unwrap();
    assert_eq!(later.fragment(), Fragment::Later);
    assert_eq!(later.transport(), Transport::Other(protocol::UDP));
    assert_eq!(later.flow().to().port(), 0);
}

/// An IPv6 datagram with these headers between the IPv6 header and UDP.
fn ipv6_with(first: u8, extensions: &[u8]) -> Vec<u8> {
    let made = craft::udp(&flow("[fd00::1]:9", "[fd00::2]:53", protocol::UDP), b"ab").unwrap();
    let mut bytes = made.bytes().to_vec();
    bytes[6] = first;
    bytes[5] += u8::try_from(extensions.len()).unwrap();
    bytes.splice(40..40, extensions.iter().copied());
    bytes
}

#[test]
fn ipv6_extension_headers_are_passed_over() {
    let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
    let destination = [43, 0, 1, 4, 0, 0, 0, 0];
    let routing = [17, 0, 4, 0, 0, 0, 0, 0];
    let bytes = ipv6_with(0, &[hop_by_hop, destination, routing].concat());
    let packet = Packet::parse(bytes).unwrap();
    assert_eq!(packet.protocol(), protocol::UDP);
    assert_eq!(packet.flow().to().port(), 53);
}

#[test]
fn ipv6_fragments_are_told_apart() {
    let first = Packet::parse(ipv6_with(44, &[17, 0, 0, 1, 0, 0, 0, 7])).unwrap();
    assert_eq!(first.fragment(), Fragment::First);
    assert_eq!(first.flow().to().port(), 53);
    let later = Packet::parse(ipv6_with(44, &[17, 0, 0, 9, 0, 0, 0, 7])).unwrap();
    assert_eq!(later.fragment(), Fragment::Later);
    assert_eq!(later.transport(), Transport::Other(protocol::UDP));
    let atomic = Packet::parse(ipv6_with(44, &[17, 0, 0, 0, 0, 0, 0, 7])).unwrap();
    assert_eq!(atomic.fragment(), Fragment::Whole);
}

#[test]
fn a_flow_key_is_the_same_both_ways_and_the_flow_is_not() {
    for there in tcp_flows() {
        assert_eq!(there.key(), there.reversed().key());
        assert_ne!(there, there.reversed());
        assert_eq!(there.reversed().reversed(), there);
    }
}

#[test]
fn an_echo_and_its_reply_are_one_flow() {
    let echo = |kind: u8, from: [u8; 4], to: [u8; 4]| {
        let mut bytes = Vec::new();
        etherparse::PacketBuilder::ipv4(from, to, 64)
            .icmpv4_raw(kind, 0, [0x12, 0x34, 0, 1])
            .write_to_vec(&mut bytes, b"data")
            .unwrap();
        Packet::parse(bytes).unwrap()
    };
    let request = echo(8, [10, 1, 0, 2], [192, 0, 2, 1]);
    let reply = echo(0, [192, 0, 2, 1], [10, 1, 0, 2]);
    assert_eq!(request.flow().key(), reply.flow().key());
    assert_eq!(request.flow().to().port(), 0x1234);
}

#[test]
fn a_tcp_header_that_is_cut_short_is_other() {
    let whole = craft::tcp(
        &tcp_flows()[0],
        &craft::Segment {
            seq: 1,
            ack: 2,
            flags: Flags::ACK,
            window: 3,
            payload: &[],
        },
    );
    let mut bytes = whole.unwrap().bytes().to_vec();
    bytes[3] = 39;
    let packet = Packet::parse(bytes).unwrap();
    assert_eq!(packet.transport(), Transport::Other(protocol::TCP));
}

/// Bytes that look enough like a packet to get past the first checks.
pub(crate) fn nearly_a_packet() -> impl Strategy<Value = Vec<u8>> {
    let protocols = prop_oneof![
        Just(0u8),
        Just(6),
        Just(17),
        Just(43),
        Just(44),
        Just(51),
        Just(58),
        Just(60)
    ];
    (
        any::<bool>(),
        protocols,
        prop::collection::vec(any::<u8>(), 40..200),
    )
        .prop_map(|(six, number, mut bytes)| {
            let length = u8::try_from(bytes.len()).unwrap();
            bytes[2..6].fill(0);
            if six {
                bytes[0] = 0x60;
                bytes[5] = length - 40;
                bytes[6] = number;
            } else {
                bytes[0] = 0x45;
                bytes[3] = length;
                bytes[9] = number;
            }
            bytes
        })
}

/// Everything that can be asked of a packet.
fn ask_everything(bytes: Vec<u8>) {
    let Ok(mut packet) = Packet::parse(bytes) else {
        return;
    };
    let _ = (packet.flow().key(), packet.transport(), packet.fragment());
    let _ = craft::complain(
        &packet,
        packet.destination(),
        craft::Complaint::TimeExceeded,
    );
    let _ = (
        craft::reset_to_sender(&packet),
        craft::reset_to_receiver(&packet),
    );
    packet.decrement_ttl();
    let (from, to) = (packet.source(), packet.destination());
    let changed = packet
        .clone()
        .with_destination(from)
        .unwrap()
        .with_source(to);
    assert_eq!(changed.unwrap().bytes().len(), packet.bytes().len());
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        ask_everything(bytes);
    }

    #[test]
    fn nearly_packets_never_panic(bytes in nearly_a_packet()) {
        ask_everything(bytes);
    }

    #[test]
    fn a_parsed_packet_keeps_its_bytes(bytes in nearly_a_packet()) {
        if let Ok(packet) = Packet::parse(bytes.clone()) {
            prop_assert_eq!(packet.bytes(), &bytes[..]);
        }
    }
}
