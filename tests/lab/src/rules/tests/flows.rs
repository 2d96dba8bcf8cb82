//! The flow table: bounded, and whoever was silent for longest is forgotten first.
use super::{Rig, datagram};
use crate::packet::tests::flow;
use crate::packet::{Flow, protocol};
use crate::rules::flows::is_before;
use crate::scenario::model::{FlowAction, Rule};

fn numbered(number: usize) -> Flow {
    let from = format!("10.1.{}.{}:40000", number / 256, number % 256);
    flow(&from, "198.51.100.1:9", protocol::UDP)
}

#[test]
fn of_more_flows_than_fit_the_silent_ones_are_forgotten() {
    let mut rig = Rig::new(&[Rule::Keyword {
        keyword: "blocked".to_owned(),
        port: None,
        does: FlowAction::Drop,
    }]);
    rig.assert_ends(&datagram(&numbered(0), b"blocked"));
    rig.assert_ends(&datagram(&numbered(1), b"blocked"));
    for number in 2..6000 {
        rig.assert_passes(&datagram(&numbered(number), b"open"));
        rig.assert_ends(&datagram(&numbered(0), b"still dropped"));
    }
    rig.assert_passes(&datagram(&numbered(1), b"forgotten, so judged anew"));
}

#[test]
fn sequence_numbers_compare_around_their_end() {
    assert!(is_before(1, 2) && is_before(u32::MAX, 0) && is_before(u32::MAX - 5, 5));
    assert!(!is_before(2, 2) && !is_before(2, 1) && !is_before(0, u32::MAX));
}
