//! Endpoints: by address, port and protocol; ICMP answers to what is rejected.
use super::{Rig, datagram};
use crate::packet::tests::{assert_sums_are_right, flow, udp_flows};
use crate::packet::{Packet, Transport, craft, protocol};
use crate::rules::Way;
use crate::scenario::model::{FlowAction, Protocol, Rule};

fn endpoint(port: Option<u16>, protocol: Option<Protocol>, does: FlowAction) -> Rule {
    Rule::Endpoint {
        addresses: vec![
            "8.8.8.8".parse().unwrap(),
            "2001:4860:4860::8888".parse().unwrap(),
        ],
        port,
        protocol,
        does,
    }
}

#[test]
fn both_directions_of_an_endpoint_vanish() {
    for there in udp_flows() {
        let mut rig = Rig::new(&[endpoint(None, None, FlowAction::Drop)]);
        assert!(rig.assert_ends(&datagram(&there, b"there")).is_empty());
        assert!(
            rig.assert_ends(&datagram(&there.reversed(), b"back"))
                .is_empty()
        );
    }
}

#[test]
fn another_address_port_or_protocol_passes_byte_for_byte() {
    let [there, _] = udp_flows();
    let packet = datagram(&there, b"x");
    Rig::new(&[endpoint(Some(54), None, FlowAction::Drop)]).assert_passes(&packet);
    Rig::new(&[endpoint(None, Some(Protocol::Tcp), FlowAction::Drop)]).assert_passes(&packet);
    Rig::new(&[endpoint(None, Some(Protocol::Icmp), FlowAction::Drop)]).assert_passes(&packet);
    let other = datagram(&flow("10.1.0.2:9", "8.8.4.4:53", protocol::UDP), b"x");
    Rig::new(&[endpoint(None, None, FlowAction::Drop)]).assert_passes(&other);
}

#[test]
fn the_port_is_that_of_the_endpoint_and_not_of_the_client() {
    let same_port = flow("10.1.0.2:53", "8.8.8.8:9999", protocol::UDP);
    Rig::new(&[endpoint(Some(53), None, FlowAction::Drop)])
        .assert_passes(&datagram(&same_port, b"x"));
}

#[test]
fn a_later_fragment_vanishes_where_the_whole_address_is_blocked() {
    let mut bytes = datagram(&udp_flows()[0], b"x").bytes().to_vec();
    bytes[7] = 1;
    let later = Packet::parse(bytes).unwrap();
    Rig::new(&[endpoint(None, None, FlowAction::Drop)]).assert_ends(&later);
    Rig::new(&[endpoint(Some(53), None, FlowAction::Drop)]).assert_passes(&later);
}

/// The only complaint in answer to a packet, as (source, type, code).
fn rejected(rig: &mut Rig, packet: &Packet) -> (String, u8, u8) {
    let injected = rig.assert_ends(packet);
    let [answer] = injected.as_slice() else {
        panic!("one answer, not {}", injected.len());
    };
    assert_sums_are_right(answer);
    assert_eq!(answer.destination(), packet.source());
    let Transport::Icmp(message) = answer.transport() else {
        panic!("not icmp");
    };
    assert_eq!(message.body, packet.bytes());
    (answer.source().to_string(), message.kind, message.code)
}

#[test]
fn a_rejected_packet_is_answered_by_the_router_before_the_middlebox() {
    let [v4, v6] = udp_flows().map(|flow| datagram(&flow, b"x"));
    let rules = [endpoint(None, None, FlowAction::Reject)];
    let mut behind_first = Rig::after_routers(&rules, 1);
    assert_eq!(
        rejected(&mut behind_first, &v4),
        ("10.1.0.1".to_owned(), 3, 13)
    );
    assert_eq!(
        rejected(&mut behind_first, &v6),
        ("fd00::1".to_owned(), 1, 1)
    );
    let mut behind_second = Rig::after_routers(&rules, 2);
    assert_eq!(
        rejected(&mut behind_second, &v4),
        ("10.2.0.1".to_owned(), 3, 13)
    );
}

#[test]
fn without_a_router_of_the_family_the_answer_is_from_the_address_itself() {
    let [v4, v6] = udp_flows().map(|flow| datagram(&flow, b"x"));
    let rules = [endpoint(None, None, FlowAction::Reject)];
    assert_eq!(
        rejected(&mut Rig::after_routers(&rules, 0), &v4).0,
        "8.8.8.8"
    );
    assert_eq!(
        rejected(&mut Rig::after_routers(&rules, 2), &v6).0,
        "2001:4860:4860::8888"
    );
}

#[test]
fn every_packet_of_a_rejected_flow_is_answered_and_the_other_end_hears_nothing() {
    let there = udp_flows()[0];
    let mut rig = Rig::new(&[endpoint(None, None, FlowAction::Reject)]);
    rejected(&mut rig, &datagram(&there, b"one"));
    rejected(&mut rig, &datagram(&there, b"two"));
    assert!(
        rig.assert_ends(&datagram(&there.reversed(), b"back"))
            .is_empty()
    );
}

#[test]
fn the_first_rule_of_the_list_wins_and_is_named() {
    let rules = [
        endpoint(Some(54), None, FlowAction::Drop),
        endpoint(None, None, FlowAction::Reject),
        endpoint(None, None, FlowAction::Drop),
    ];
    let mut rig = Rig::new(&rules);
    let outcome = rig.cross(datagram(&udp_flows()[0], b"x"), Way::Up);
    assert_eq!(outcome.rule, Some(11));
    assert_eq!(outcome.inject.len(), 1);
}

#[test]
fn a_ping_to_a_blocked_address_is_picked_as_icmp() {
    let about = datagram(&udp_flows()[0], b"x");
    let echo = craft::complain(&about, about.destination(), craft::Complaint::Prohibited);
    Rig::new(&[endpoint(None, Some(Protocol::Icmp), FlowAction::Drop)]).assert_ends(&echo.unwrap());
}
