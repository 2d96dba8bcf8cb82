//! QUIC: the initial vanishes and its flow with it; other datagrams to the port pass.
use super::{Rig, datagram};
use crate::packet::Flow;
use crate::packet::protocol::UDP;
use crate::packet::tests::flow;
use crate::scenario::model::Rule;

const INITIAL: [u8; 8] = [0xc3, 0, 0, 0, 1, 8, 0x83, 0x94];

fn to_port(port: u16) -> Flow {
    flow("10.1.0.2:40000", &format!("198.51.100.1:{port}"), UDP)
}

fn rig(addresses: &[&str]) -> Rig {
    let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
    Rig::new(&[Rule::QuicDrop {
        addresses,
        names: Vec::new(),
    }])
}

#[test]
fn an_initial_and_everything_after_it_vanish() {
    let mut rig = rig(&[]);
    let there = to_port(443);
    assert!(rig.assert_ends(&datagram(&there, &INITIAL)).is_empty());
    rig.assert_ends(&datagram(&there, b"short header"));
    rig.assert_ends(&datagram(&there.reversed(), b"back"));
}

#[test]
fn what_is_no_initial_or_to_another_port_passes_byte_for_byte() {
    let mut rig = rig(&[]);
    rig.assert_passes(&datagram(&to_port(443), b"dtls or whatever"));
    rig.assert_passes(&datagram(&to_port(444), &INITIAL));
}

#[test]
fn only_the_addresses_of_the_rule_are_meant() {
    let packet = datagram(&to_port(443), &INITIAL);
    rig(&["198.51.100.2"]).assert_passes(&packet);
    rig(&["198.51.100.1"]).assert_ends(&packet);
}

#[test]
fn a_name_that_cannot_be_read_is_not_meant_by_a_rule_of_names() {
    let rule = Rule::QuicDrop {
        addresses: Vec::new(),
        names: vec!["blocked.test".to_owned()],
    };
    Rig::new(&[rule]).assert_passes(&datagram(&to_port(443), &INITIAL));
}
