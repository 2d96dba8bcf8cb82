//! Diverted connections: another host answers them under the address that was called.
use super::{Rig, datagram};
use crate::packet::tests::{assert_sums_are_right, flow};
use crate::packet::{Flags, Packet, craft, protocol};
use crate::rules::Way;
use crate::scenario::model::Rule;

const CLIENT: &str = "10.1.0.2:40000";
const CALLED: &str = "198.51.100.1:80";
const OTHER: &str = "203.0.113.80:80";

fn rig(addresses: &[&str], port: Option<u16>) -> Rig {
    Rig::new(&[Rule::Divert {
        to: "203.0.113.80".parse().unwrap(),
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        port,
    }])
}

fn segment(from: &str, to: &str) -> Packet {
    let segment = craft::Segment {
        seq: 1,
        ack: 0,
        flags: Flags::SYN,
        window: 1000,
        payload: &[],
    };
    craft::tcp(&flow(from, to, protocol::TCP), &segment).unwrap()
}

/// The packet that goes on, changed by the rule.
fn changed(rig: &mut Rig, packet: Packet, way: Way) -> Packet {
    let outcome = rig.cross(packet, way);
    assert_eq!(outcome.rule, Some(10));
    let packet = outcome.forward.unwrap();
    assert_sums_are_right(&packet);
    packet
}

#[test]
fn a_connection_goes_to_the_other_host_and_its_answers_seem_to_be_from_the_one_called() {
    let mut rig = rig(&[], Some(80));
    let there = changed(&mut rig, segment(CLIENT, CALLED), Way::Up);
    assert_eq!(there, segment(CLIENT, OTHER));
    let back = changed(&mut rig, segment(OTHER, CLIENT), Way::Down);
    assert_eq!(back, segment(CALLED, CLIENT));
}

#[test]
fn a_port_that_calls_somebody_else_gets_the_answers_of_the_one_called_last() {
    let mut rig = rig(&[], None);
    changed(&mut rig, segment(CLIENT, CALLED), Way::Up);
    changed(&mut rig, segment(CLIENT, "198.51.100.2:80"), Way::Up);
    let back = changed(&mut rig, segment(OTHER, CLIENT), Way::Down);
    assert_eq!(back.source().to_string(), "198.51.100.2");
}

#[test]
fn what_is_not_meant_passes_byte_for_byte() {
    let mut rig = rig(&["198.51.100.1"], Some(80));
    rig.assert_passes(&segment(CLIENT, "198.51.100.2:80"));
    rig.assert_passes(&segment(CLIENT, "198.51.100.1:443"));
    rig.assert_passes(&segment(CLIENT, OTHER));
    rig.assert_passes(&segment(OTHER, CLIENT));
    rig.assert_passes(&datagram(&flow(CLIENT, CALLED, protocol::UDP), b"not tcp"));
}
