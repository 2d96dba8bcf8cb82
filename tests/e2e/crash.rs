//! SIGKILL at random points of uploads: nothing acknowledged is lost, nothing is stored twice, and
//! spool and journal always open again.
use crate::support::collector::Collector;
use crate::support::device::Device;
use crate::support::tonle::Running;
use crate::support::world::World;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::time::Duration;

/// Rounds of killing.
const ROUNDS: u32 = 50;
/// Agents that measure and upload at once.
const AGENTS: usize = 2;
/// Longest time before a kill: a whole round of an agent takes less.
const KILL_WITHIN_MS: u64 = 700;

#[test]
fn killing_agents_and_collector_loses_and_repeats_nothing_acknowledged() {
    let world = World::start();
    let home = tempfile::tempdir().unwrap();
    let mut random = StdRng::seed_from_u64(2026);
    let mut collector = Collector::start(home.path());
    let devices: Vec<Device> = (0..AGENTS)
        .map(|index| Device::join(&collector, &world, home.path(), &format!("agent-{index}")))
        .collect();

    for _ in 0..ROUNDS {
        let mut running: Vec<Running> = devices.iter().map(Device::start_round).collect();
        pause(random.random_range(0..KILL_WITHIN_MS));
        match random.random_range(0..3) {
            0 => collector.kill_and_start_again(),
            1 => running.iter_mut().for_each(Running::kill),
            _ => {
                running.iter_mut().for_each(Running::kill);
                collector.kill_and_start_again();
            }
        }
        running.iter_mut().for_each(Running::kill);
    }
    for device in &devices {
        device.round();
    }

    let receipts: Vec<(String, u64)> = devices.iter().flat_map(Device::receipts).collect();
    assert!(
        receipts.len() > AGENTS,
        "the agents hold receipts: {}",
        receipts.len()
    );
    collector.stop();
    let stored = collector.journal_records();
    for (hash, entry_index) in &receipts {
        assert_eq!(
            stored.get(hash),
            Some(entry_index),
            "acknowledged record {hash} is where its receipt says"
        );
    }
}

/// The point of this test is to strike at a random time; nothing is asserted on it.
#[expect(
    clippy::disallowed_methods,
    reason = "a random moment is what the test is about"
)]
pub(crate) fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

#[test]
fn the_journal_has_no_holes_and_no_record_twice_after_kills() {
    let world = World::start();
    let home = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(home.path());
    let device = Device::join(&collector, &world, home.path(), "agent");
    for _ in 0..3 {
        device.round();
        collector.kill_and_start_again();
    }
    collector.stop();
    let stored: HashMap<String, u64> = collector.journal_records();
    assert!(!stored.is_empty());
}
