//! What routers answer, and when they say nothing.
use super::{datagram, router};
use crate::packet::tests::{assert_sums_are_right, udp_flows};
use crate::packet::{Packet, Transport};
use crate::rules::routers::{packet_too_big, time_exceeded};

fn message(answer: &Packet) -> (u8, u8, [u8; 4]) {
    assert_sums_are_right(answer);
    let Transport::Icmp(message) = answer.transport() else {
        panic!("not icmp");
    };
    (message.kind, message.code, message.rest)
}

#[test]
fn a_router_answers_from_its_address_of_the_packets_family() {
    let router = router(&["10.9.0.1", "fd00:9::1"], false);
    for (there, (from, kind)) in udp_flows().iter().zip([("10.9.0.1", 11), ("fd00:9::1", 3)]) {
        let ended = datagram(there, b"x");
        let answer = time_exceeded(&ended, &router).unwrap();
        assert_eq!(answer.source().to_string(), from);
        assert_eq!(answer.destination(), ended.source());
        assert_eq!(message(&answer), (kind, 0, [0; 4]));
    }
}

#[test]
fn a_silent_router_and_one_without_such_an_address_say_nothing() {
    let [v4, v6] = udp_flows().map(|flow| datagram(&flow, b"x"));
    assert_eq!(time_exceeded(&v4, &router(&["10.9.0.1"], true)), None);
    assert_eq!(time_exceeded(&v6, &router(&["10.9.0.1"], false)), None);
}

#[test]
fn a_packet_that_is_too_big_is_answered_with_the_mtu() {
    let [v4, v6] = udp_flows().map(|flow| datagram(&flow, &[0; 1400]));
    let answer = packet_too_big(&v4, 1300, "10.9.0.1".parse().unwrap()).unwrap();
    assert_eq!(message(&answer), (3, 4, [0, 0, 0x05, 0x14]));
    let answer = packet_too_big(&v6, 1300, "fd00:9::1".parse().unwrap()).unwrap();
    assert_eq!(message(&answer), (2, 0, [0, 0, 0x05, 0x14]));
}

#[test]
fn an_ipv4_packet_that_may_be_cut_is_not_answered() {
    let mut bytes = datagram(&udp_flows()[0], &[0; 1400]).bytes().to_vec();
    bytes[6] = 0;
    let packet = Packet::parse(bytes).unwrap();
    assert_eq!(
        packet_too_big(&packet, 1300, "10.9.0.1".parse().unwrap()),
        None
    );
}
