//! Server names and encrypted hellos: what is picked, what is not, and when nobody looks any more.
use super::peer::Talk;
use super::{Rig, names};
use crate::packet::tests::hello::{client_hello, hello_with_ech};
use crate::packet::tests::tcp_flows;
use crate::packet::{Flags, craft};
use crate::scenario::model::{FlowAction, Rule};

fn drop_blocked() -> Rule {
    Rule::Sni {
        names: names(&["blocked.test"]),
        does: FlowAction::Drop,
    }
}

fn connected() -> Talk {
    let mut talk = Talk::new(Rig::new(&[drop_blocked()]), tcp_flows()[0]);
    talk.connect();
    talk
}

#[test]
fn subdomains_and_capitals_are_picked_and_other_names_pass_byte_for_byte() {
    for (name, picked) in [
        ("blocked.test", true),
        ("www.Blocked.TEST", true),
        ("notblocked.test", false),
        ("blocked.test.example", false),
    ] {
        let mut talk = connected();
        let hello = client_hello(name);
        let packet = talk.client.segment(Flags::ACK | Flags::PSH, &hello);
        if picked {
            assert!(talk.rig.assert_ends(&packet).is_empty(), "{name}");
        } else {
            talk.rig.assert_passes(&packet);
        }
    }
}

#[test]
fn only_hellos_that_bring_an_encrypted_one_are_picked_by_that() {
    for (names, picked) in [
        (vec![], true),
        (vec!["blocked.test"], true),
        (vec!["other.test"], false),
    ] {
        let rule = Rule::Ech {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            does: FlowAction::Drop,
        };
        let talk = || {
            let mut talk = Talk::new(Rig::new(std::slice::from_ref(&rule)), tcp_flows()[0]);
            talk.connect();
            talk
        };
        let (mut plain, mut carrying) = (talk(), talk());
        let segment =
            |talk: &mut Talk, hello: &[u8]| talk.client.segment(Flags::ACK | Flags::PSH, hello);
        let packet = segment(&mut plain, &client_hello("blocked.test"));
        plain.rig.assert_passes(&packet);
        let packet = segment(&mut carrying, &hello_with_ech("blocked.test"));
        if picked {
            assert!(carrying.rig.assert_ends(&packet).is_empty());
        } else {
            carrying.rig.assert_passes(&packet);
        }
    }
}

#[test]
fn segments_in_the_wrong_order_are_put_right() {
    let mut talk = connected();
    let hello = client_hello("blocked.test");
    let parts: Vec<_> = hello
        .chunks(30)
        .map(|part| talk.client.segment(Flags::ACK, part))
        .collect();
    let (first, others) = parts.split_first().unwrap();
    for part in others {
        talk.rig.assert_passes(part);
    }
    assert!(talk.rig.assert_ends(first).is_empty());
}

#[test]
fn a_flow_whose_syn_was_not_seen_is_picked_too() {
    let mut rig = Rig::new(&[drop_blocked()]);
    let hello = client_hello("blocked.test");
    let segment = craft::Segment {
        seq: 77,
        ack: 1,
        flags: Flags::ACK,
        window: 1,
        payload: &hello,
    };
    rig.assert_ends(&craft::tcp(&tcp_flows()[1], &segment).unwrap());
}

#[test]
fn a_name_whose_beginning_came_with_the_syn_is_picked() {
    let mut rig = Rig::new(&[drop_blocked()]);
    let hello = client_hello("blocked.test");
    let (with_syn, rest) = hello.split_at(40);
    let segment = |seq, flags, payload| {
        let segment = craft::Segment {
            seq,
            ack: 1,
            flags,
            window: 1,
            payload,
        };
        craft::tcp(&tcp_flows()[0], &segment).unwrap()
    };
    rig.assert_passes(&segment(100, Flags::SYN, with_syn));
    rig.assert_ends(&segment(141, Flags::ACK, rest));
}

#[test]
fn a_name_behind_the_tenth_packet_with_payload_evades() {
    for (before, picked) in [(9, true), (10, false)] {
        let mut talk = connected();
        for _ in 0..before {
            talk.reply(b"x");
        }
        let hello = client_hello("blocked.test");
        let packet = talk.client.segment(Flags::ACK | Flags::PSH, &hello);
        if picked {
            talk.rig.assert_ends(&packet);
        } else {
            talk.rig.assert_passes(&packet);
        }
    }
}

#[test]
fn a_new_connection_on_the_same_ports_is_judged_anew() {
    let mut talk = connected();
    talk.ask(&client_hello("blocked.test"));
    let rig = talk.rig;
    let mut again = Talk::new(rig, tcp_flows()[0]);
    again.connect();
    again.ask(&client_hello("open.test"));
    assert_eq!(again.server.heard, client_hello("open.test"));
}
