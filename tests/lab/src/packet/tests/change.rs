//! Changed packets: sums are mended, and nothing else moves.
use super::super::{OtherFamily, Packet, craft};
use super::{assert_sums_are_right, tcp_flows, udp_flows};
use craft::Complaint;

fn samples() -> Vec<Packet> {
    let segment = craft::Segment {
        seq: 1,
        ack: 2,
        flags: super::super::Flags::ACK,
        window: 1000,
        payload: b"hello",
    };
    let tcp = tcp_flows().map(|flow| craft::tcp(&flow, &segment).unwrap());
    let udp = udp_flows().map(|flow| craft::udp(&flow, b"question").unwrap());
    let icmp = udp
        .clone()
        .map(|about| craft::complain(&about, about.destination(), Complaint::Prohibited).unwrap());
    [tcp, udp, icmp].into_iter().flatten().collect()
}

#[test]
fn a_hop_takes_one_off_and_mends_the_sum() {
    for mut packet in samples() {
        assert!(packet.decrement_ttl());
        assert_eq!(packet.ttl(), 63);
        assert_sums_are_right(&packet);
    }
}

#[test]
fn the_last_hop_leaves_the_packet_as_it_was() {
    for mut packet in samples() {
        while packet.decrement_ttl() {}
        assert_eq!(packet.ttl(), 1);
        assert_sums_are_right(&packet);
    }
}

#[test]
fn other_addresses_come_with_right_sums_and_go_back_byte_for_byte() {
    for packet in samples() {
        let (from, to) = (packet.source(), packet.destination());
        let other = if from.is_ipv4() {
            "203.0.113.77"
        } else {
            "2001:db8:ffff::77"
        };
        let other = other.parse().unwrap();
        let there = packet.clone().with_destination(other).unwrap();
        assert_eq!(there.destination(), other);
        assert_sums_are_right(&there);
        assert_eq!(there.with_destination(to).unwrap(), packet);
        let there = packet.clone().with_source(other).unwrap();
        assert_eq!(there.source(), other);
        assert_sums_are_right(&there);
        assert_eq!(there.with_source(from).unwrap(), packet);
    }
}

#[test]
fn an_address_of_the_other_family_is_refused() {
    let [v4, v6] = udp_flows().map(|flow| craft::udp(&flow, b"question").unwrap());
    assert_eq!(v4.clone().with_destination(v6.source()), Err(OtherFamily));
    assert_eq!(v6.with_source(v4.source()), Err(OtherFamily));
}

#[test]
fn a_datagram_without_a_sum_stays_without() {
    let mut bytes = craft::udp(&udp_flows()[0], b"question")
        .unwrap()
        .bytes()
        .to_vec();
    bytes[26..28].fill(0);
    let packet = Packet::parse(bytes).unwrap();
    let there = packet.with_destination("1.1.1.1".parse().unwrap()).unwrap();
    assert_eq!(there.bytes()[26..28], [0, 0]);
}

#[test]
fn a_wrong_sum_stays_wrong() {
    let right = craft::udp(&udp_flows()[0], b"question").unwrap();
    let mut bytes = right.bytes().to_vec();
    bytes[26] ^= 0x55;
    let wrong = Packet::parse(bytes).unwrap();
    let to = "1.1.1.1".parse().unwrap();
    assert_ne!(
        wrong.with_destination(to).unwrap(),
        right.with_destination(to).unwrap()
    );
}
