//! Forged answers and dropped questions.
use super::{Rig, datagram, names};
use crate::packet::tests::dns::query;
use crate::packet::tests::{assert_sums_are_right, flow, udp_flows};
use crate::packet::{Packet, Transport, protocol};
use crate::rules::Way;
use crate::scenario::model::{DnsFailure, Rule};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

fn spoof(failure: Option<DnsFailure>, race: bool) -> Rule {
    Rule::DnsSpoof {
        names: names(&["blocked.test"]),
        addresses: vec!["10.10.34.35".parse().unwrap(), "fd00::35".parse().unwrap()],
        failure,
        race,
        chance_permille: None,
    }
}

/// The DNS message in a forged answer to a packet.
fn message(question: &Packet, answer: &Packet) -> Message {
    assert_sums_are_right(answer);
    assert_eq!(answer.flow(), question.flow().reversed());
    let Transport::Udp(datagram) = answer.transport() else {
        panic!("not udp");
    };
    Message::from_vec(datagram.payload).unwrap()
}

#[test]
fn a_question_is_answered_in_the_resolvers_place_by_the_family_asked_for() {
    for there in udp_flows() {
        for (kind, address) in [
            (RecordType::A, "10.10.34.35"),
            (RecordType::AAAA, "fd00::35"),
        ] {
            let question = datagram(&there, &query("www.Blocked.test.", kind));
            let injected = Rig::new(&[spoof(None, false)]).assert_ends(&question);
            let answer = message(&question, &injected[0]);
            assert_eq!(injected.len(), 1);
            assert_eq!(answer.answers.len(), 1);
            assert_eq!(answer.answers[0].data.to_string(), address);
        }
    }
}

#[test]
fn in_a_race_the_question_goes_on_byte_for_byte() {
    let question = datagram(&udp_flows()[0], &query("blocked.test.", RecordType::A));
    let outcome = Rig::new(&[spoof(None, true)]).cross(question.clone(), Way::Up);
    assert_eq!(outcome.forward, Some(question));
    assert_eq!(outcome.inject.len(), 1);
    assert_eq!(outcome.rule, Some(10));
}

#[test]
fn failures_take_the_place_of_addresses() {
    let question = datagram(&udp_flows()[0], &query("blocked.test.", RecordType::A));
    for (failure, code) in [
        (DnsFailure::Nxdomain, ResponseCode::NXDomain),
        (DnsFailure::Servfail, ResponseCode::ServFail),
        (DnsFailure::Refused, ResponseCode::Refused),
    ] {
        let injected = Rig::new(&[spoof(Some(failure), false)]).assert_ends(&question);
        let answer = message(&question, &injected[0]);
        assert_eq!(answer.metadata.response_code, code);
        assert!(answer.answers.is_empty());
    }
    let silent = Rig::new(&[spoof(Some(DnsFailure::Silence), false)]).assert_ends(&question);
    assert!(silent.is_empty());
}

#[test]
fn a_dropped_question_gets_no_answer() {
    let rule = Rule::DnsDrop {
        names: names(&["blocked.test"]),
    };
    let question = datagram(&udp_flows()[0], &query("blocked.test.", RecordType::A));
    assert!(Rig::new(&[rule]).assert_ends(&question).is_empty());
}

#[test]
fn other_names_ports_and_messages_pass_byte_for_byte() {
    let [there, _] = udp_flows();
    let other_port = flow("10.1.0.2:40000", "8.8.8.8:5353", protocol::UDP);
    let drop = Rule::DnsDrop {
        names: names(&["blocked.test"]),
    };
    for rule in [spoof(None, false), drop] {
        let mut rig = Rig::new(&[rule]);
        rig.assert_passes(&datagram(&there, &query("notblocked.test.", RecordType::A)));
        rig.assert_passes(&datagram(
            &other_port,
            &query("blocked.test.", RecordType::A),
        ));
        rig.assert_passes(&datagram(&there, b"not dns"));
        let answer = query("blocked.test.", RecordType::A);
        rig.assert_passes(&datagram(&there.reversed(), &answer));
    }
}

#[test]
fn a_rule_without_names_is_for_every_name() {
    let rule = Rule::DnsDrop { names: vec![] };
    let question = datagram(&udp_flows()[1], &query("anything.test.", RecordType::TXT));
    Rig::new(&[rule]).assert_ends(&question);
}

#[test]
fn every_question_of_one_socket_is_judged_by_itself() {
    let mut rig = Rig::new(&[spoof(None, false)]);
    let [there, _] = udp_flows();
    for _ in 0..20 {
        rig.assert_ends(&datagram(&there, &query("blocked.test.", RecordType::A)));
        rig.assert_passes(&datagram(&there, &query("open.test.", RecordType::A)));
    }
}

#[test]
fn a_forgery_by_chance_comes_for_some_questions_and_not_for_others() {
    let mut rule = spoof(None, false);
    let Rule::DnsSpoof {
        chance_permille, ..
    } = &mut rule
    else {
        panic!("another rule");
    };
    *chance_permille = Some(500);
    let mut rig = Rig::new(&[rule]);
    let question = datagram(&udp_flows()[0], &query("blocked.test.", RecordType::A));
    let forged = (0..1000).filter(|_| rig.cross(question.clone(), Way::Up).rule.is_some());
    assert!((400..600).contains(&forged.count()));
}
