//! Flows made bad: late packets, some lost, in both directions, and only after what may pass first.
use super::{Rig, datagram};
use crate::packet::tests::flow;
use crate::packet::{Flow, Packet, protocol};
use crate::rules::Way;
use crate::scenario::model::{FlowAction, Rule};

fn degrade(delay_ms: u64, loss_permille: u16) -> Rule {
    Rule::Endpoint {
        addresses: vec!["198.51.100.1".parse().unwrap()],
        port: Some(443),
        protocol: None,
        does: FlowAction::Degrade {
            delay_ms,
            loss_permille,
        },
    }
}

fn there() -> Flow {
    flow("10.1.0.2:40000", "198.51.100.1:443", protocol::UDP)
}

fn packet(flow: &Flow) -> Packet {
    datagram(flow, &[0; 100])
}

#[test]
fn packets_of_both_directions_are_late_by_the_same() {
    let mut rig = Rig::new(&[degrade(300, 0)]);
    for flow in [there(), there().reversed(), there()] {
        let outcome = rig.cross(packet(&flow), Way::Up);
        assert_eq!(outcome.hold_us, 300_000);
        assert_eq!(outcome.forward, Some(packet(&flow)));
    }
}

#[test]
fn about_as_many_are_lost_as_the_scenario_says() {
    let mut rig = Rig::new(&[degrade(0, 100)]);
    let lost = (0..2000).filter(|_| rig.cross(packet(&there()), Way::Up).forward.is_none());
    assert!((140..260).contains(&lost.count()));
}

#[test]
fn a_rule_acts_only_after_so_many_bytes_of_both_directions() {
    let mut rig = Rig::after_bytes(&degrade(300, 0), 250);
    for flow in [there(), there().reversed(), there()] {
        assert_eq!(rig.cross(packet(&flow), Way::Up).rule, None);
    }
    assert_eq!(rig.cross(packet(&there()), Way::Up).rule, Some(10));
    let other = flow("10.1.0.2:40000", "198.51.100.2:443", protocol::UDP);
    rig.assert_passes(&packet(&other));
}
