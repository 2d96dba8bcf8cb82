//! Redirected questions: answered by another resolver under the address that was asked.
use super::{Rig, datagram};
use crate::packet::tests::dns::query;
use crate::packet::tests::{assert_sums_are_right, flow};
use crate::packet::{Flags, Packet, craft, protocol};
use crate::rules::Way;
use crate::scenario::model::Rule;
use hickory_proto::rr::RecordType;

const CLIENT: &str = "10.1.0.2:40000";
const OTHER: &str = "203.0.113.53";

fn rig(resolvers: &[&str]) -> Rig {
    Rig::new(&[Rule::DnsRedirect {
        to: OTHER.parse().unwrap(),
        resolvers: resolvers.iter().map(|a| a.parse().unwrap()).collect(),
    }])
}

fn question(to: &str, id: u16) -> Packet {
    let mut payload = query("any.test.", RecordType::A);
    payload[..2].copy_from_slice(&id.to_be_bytes());
    datagram(&flow(CLIENT, to, protocol::UDP), &payload)
}

fn answer(from: &str, id: u16) -> Packet {
    let asked = question(from, id);
    let payload = asked.bytes()[28..].to_vec();
    datagram(&asked.flow().reversed(), &payload)
}

/// The packet that goes on, changed by the rule.
fn changed(rig: &mut Rig, packet: Packet, way: Way) -> Packet {
    let outcome = rig.cross(packet, way);
    assert_eq!(outcome.rule, Some(10));
    assert!(outcome.inject.is_empty());
    let packet = outcome.forward.unwrap();
    assert_sums_are_right(&packet);
    packet
}

#[test]
fn a_question_goes_to_the_other_resolver_and_its_answer_seems_to_be_from_the_one_asked() {
    let mut rig = rig(&[]);
    let there = changed(&mut rig, question("8.8.8.8:53", 7), Way::Up);
    assert_eq!(there, question("203.0.113.53:53", 7));
    let back = changed(&mut rig, answer("203.0.113.53:53", 7), Way::Down);
    assert_eq!(back, answer("8.8.8.8:53", 7));
}

#[test]
fn one_socket_that_asks_two_resolvers_gets_each_answer_under_its_own() {
    let mut rig = rig(&[]);
    changed(&mut rig, question("8.8.8.8:53", 7), Way::Up);
    changed(&mut rig, question("1.1.1.1:53", 8), Way::Up);
    let first = changed(&mut rig, answer("203.0.113.53:53", 7), Way::Down);
    assert_eq!(first.source().to_string(), "8.8.8.8");
    let second = changed(&mut rig, answer("203.0.113.53:53", 8), Way::Down);
    assert_eq!(second.source().to_string(), "1.1.1.1");
}

#[test]
fn a_connection_to_a_resolver_is_redirected_too() {
    let mut rig = rig(&[]);
    let asked = flow(CLIENT, "8.8.8.8:53", protocol::TCP);
    let other = flow(CLIENT, "203.0.113.53:53", protocol::TCP);
    let segment = craft::Segment {
        seq: 1,
        ack: 0,
        flags: Flags::SYN,
        window: 1000,
        payload: &[],
    };
    let there = changed(&mut rig, craft::tcp(&asked, &segment).unwrap(), Way::Up);
    assert_eq!(there, craft::tcp(&other, &segment).unwrap());
    let answer = craft::tcp(&other.reversed(), &segment).unwrap();
    let back = changed(&mut rig, answer, Way::Down);
    assert_eq!(back, craft::tcp(&asked.reversed(), &segment).unwrap());
}

#[test]
fn what_is_not_meant_passes_byte_for_byte() {
    let mut rig = rig(&["8.8.8.8"]);
    rig.assert_passes(&question("1.1.1.1:53", 7));
    rig.assert_passes(&question("203.0.113.53:53", 7));
    rig.assert_passes(&answer("203.0.113.53:53", 7));
    rig.assert_passes(&question("8.8.8.8:5353", 7));
    let v6 = flow("[fd00::2]:9", "[2001:4860:4860::8888]:53", protocol::UDP);
    rig.assert_passes(&datagram(&v6, &query("any.test.", RecordType::A)));
}
