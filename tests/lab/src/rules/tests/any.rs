//! Any packets at all across chains of every rule: nothing panics, and what comes out are packets.
use super::{Rig, names};
use crate::packet::Packet;
use crate::packet::tests::parse::nearly_a_packet;
use crate::rules::Way;
use crate::scenario::model::{Ends, FlowAction, Rule};
use proptest::prelude::*;

/// Every rule that decides on single packets, for every name.
fn packet_rules() -> Vec<Rule> {
    vec![
        Rule::DnsRedirect {
            to: "203.0.113.53".parse().unwrap(),
            resolvers: vec![],
        },
        Rule::DnsSpoof {
            names: vec![],
            addresses: vec![],
            failure: None,
            race: true,
            chance_permille: None,
        },
        Rule::DnsDrop { names: vec![] },
        Rule::Divert {
            to: "203.0.113.80".parse().unwrap(),
            addresses: vec![],
            port: None,
        },
        Rule::QuicDrop {
            addresses: vec![],
            names: vec![],
        },
        Rule::QuicDrop {
            addresses: vec![],
            names: names(&["blocked.test"]),
        },
        Rule::Ech {
            names: vec![],
            does: FlowAction::Drop,
        },
    ]
}

/// Rules with every action, picked by common bytes.
fn flow_rules() -> Vec<Rule> {
    let actions = [
        FlowAction::Fin,
        FlowAction::BlockPage("blocked".to_owned()),
        FlowAction::Reset(Ends::Both),
        FlowAction::Reject,
        FlowAction::Response("blocked".to_owned()),
        FlowAction::Degrade {
            delay_ms: 1,
            loss_permille: 1,
        },
        FlowAction::Throttle {
            rate_kbit: 1,
            burst_bytes: 1,
        },
    ];
    let keyword = |(index, does)| Rule::Keyword {
        keyword: char::from(b'a' + index).to_string(),
        port: None,
        does,
    };
    (0..).zip(actions).map(keyword).collect()
}

/// Carries these bytes across, those that are packets. False: something that came out is none.
fn carry(rules: &[Rule], all: Vec<Vec<u8>>) -> bool {
    let mut rig = Rig::new(rules);
    let packets = all
        .into_iter()
        .filter_map(|bytes| Packet::parse(bytes).ok());
    packets.into_iter().all(|packet| {
        // Twice, so that the second meets what was decided about the first.
        let outcomes = [
            rig.cross(packet.clone(), Way::Up),
            rig.cross(packet, Way::Down),
        ];
        outcomes.into_iter().all(|outcome| {
            let out = outcome.inject.into_iter().chain(outcome.forward);
            out.into_iter()
                .all(|made| Packet::parse(made.bytes().to_vec()) == Ok(made))
        })
    })
}

proptest! {
    #[test]
    fn packets_come_out_of_rules_on_packets(all in prop::collection::vec(nearly_a_packet(), 1..20)) {
        prop_assert!(carry(&packet_rules(), all));
    }

    #[test]
    fn packets_come_out_of_rules_on_flows(all in prop::collection::vec(nearly_a_packet(), 1..20)) {
        prop_assert!(carry(&flow_rules(), all));
    }

    #[test]
    fn what_no_rule_is_for_passes_byte_for_byte(bytes in nearly_a_packet()) {
        let rule = Rule::Sni { names: names(&["blocked.test"]), does: FlowAction::Drop };
        if let Ok(packet) = Packet::parse(bytes) {
            Rig::new(&[rule]).assert_passes(&packet);
        }
    }
}
