//! Throttled flows: the rate, the burst, the bound of the queue, and each direction by itself.
use super::{Rig, datagram};
use crate::packet::tests::flow;
use crate::packet::{Flow, Packet, protocol};
use crate::rules::Way;
use crate::scenario::model::{FlowAction, Rule};

/// A packet of 1000 bytes: 8 ms at 1 Mbit/s.
fn packet(flow: &Flow) -> Packet {
    datagram(flow, &[0; 972])
}

fn throttled() -> Flow {
    flow("10.1.0.2:40000", "198.51.100.1:443", protocol::UDP)
}

fn rig(rate_kbit: u64, burst_bytes: u64) -> Rig {
    Rig::new(&[Rule::Endpoint {
        addresses: vec!["198.51.100.1".parse().unwrap()],
        port: None,
        protocol: None,
        does: FlowAction::Throttle {
            rate_kbit,
            burst_bytes,
        },
    }])
}

/// How long a packet is held; none: dropped.
fn held_us(rig: &mut Rig, flow: &Flow) -> Option<u64> {
    let packet = packet(flow);
    let outcome = rig.cross(packet.clone(), Way::Up);
    assert!(outcome.inject.is_empty());
    let forward = outcome.forward?;
    assert_eq!(forward, packet);
    Some(outcome.hold_us)
}

#[test]
fn packets_at_once_leave_at_the_rate() {
    let mut rig = rig(1000, 0);
    let held: Vec<_> = (0..4).map(|_| held_us(&mut rig, &throttled())).collect();
    assert_eq!(held, [Some(8000), Some(16_000), Some(24_000), Some(32_000)]);
}

#[test]
fn a_burst_passes_at_full_speed_and_comes_back_with_time() {
    let mut rig = rig(1000, 3000);
    let held: Vec<_> = (0..5).map(|_| held_us(&mut rig, &throttled())).collect();
    assert_eq!(held, [Some(0), Some(0), Some(0), Some(8000), Some(16_000)]);
    rig.now_us += 1_000_000;
    let held: Vec<_> = (0..5).map(|_| held_us(&mut rig, &throttled())).collect();
    assert_eq!(held, [Some(0), Some(0), Some(0), Some(8000), Some(16_000)]);
}

#[test]
fn packets_slower_than_the_rate_take_only_their_own_time() {
    let mut rig = rig(1000, 0);
    for _ in 0..50 {
        assert_eq!(held_us(&mut rig, &throttled()), Some(8000));
        rig.now_us += 8000;
    }
}

#[test]
fn packets_too_far_behind_are_dropped_and_do_not_count() {
    let mut rig = rig(1000, 0);
    let held: Vec<_> = (0..40).map(|_| held_us(&mut rig, &throttled())).collect();
    let passed = held.iter().flatten().count();
    assert_eq!(passed, 25);
    assert_eq!(held[24], Some(200_000));
    rig.now_us += 8000;
    assert_eq!(held_us(&mut rig, &throttled()), Some(200_000));
}

#[test]
fn a_very_slow_rate_still_passes_full_packets() {
    let mut rig = rig(16, 0);
    let held: Vec<_> = (0..5).map(|_| held_us(&mut rig, &throttled())).collect();
    assert_eq!(
        held,
        [Some(500_000), Some(1_000_000), Some(1_500_000), None, None]
    );
}

#[test]
fn each_direction_and_each_flow_has_its_own_rate() {
    let mut rig = rig(1000, 0);
    let other = flow("10.1.0.2:40001", "198.51.100.1:443", protocol::UDP);
    for there in [throttled(), throttled().reversed(), other] {
        assert_eq!(held_us(&mut rig, &there), Some(8000));
        assert_eq!(held_us(&mut rig, &there), Some(16_000));
    }
}

#[test]
fn over_a_second_the_rate_is_what_the_scenario_says() {
    let mut rig = rig(1000, 0);
    let mut bytes = 0;
    for step in 0..1000 {
        rig.now_us = step * 1000;
        if let Some(hold_us) = held_us(&mut rig, &throttled())
            && rig.now_us + hold_us <= 1_000_000
        {
            bytes += 1000;
        }
    }
    assert_eq!(bytes, 125_000);
}

#[test]
fn another_endpoint_passes_byte_for_byte() {
    let other = flow("10.1.0.2:40000", "198.51.100.2:443", protocol::UDP);
    let mut rig = rig(1, 0);
    for _ in 0..20 {
        rig.assert_passes(&packet(&other));
    }
}
