//! Quiet cells, drawn with fixed seeds, and what a month of windows over them opens. Each day of the month
//! is judged as the service would, over its own trailing window, and every cell that ever has a finding
//! counts.
mod tests;

use super::world::{NOW, World, as_of, line, of_visits, quiet};
use super::{CONTACT_HISTORY_H, Hour, Inputs, JUDGED_H, LINE_HISTORY_H, detect};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeSet;
use tonle_evidence::verdict::State;

/// Days of a month that are judged.
const DAYS: Hour = 30;

/// Incidents that are opened over a month of windows.
fn opened(inputs: &Inputs) -> usize {
    let mut opened = BTreeSet::new();
    for day in (0..DAYS).rev() {
        let seen = detect(&as_of(inputs, NOW - day * 24));
        opened.extend(seen.findings.into_iter().map(|finding| finding.key));
    }
    opened.len()
}

/// A target in a network: three to twelve agents, one in fifty behind a filter of its own, and now and
/// then half a day in which one visit in five fails in a way that looks like interference.
fn quiet_target(seed: u64) -> Inputs {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let agents = random.random_range(3..=12);
    let mut world = World::new(seed ^ 0xfeed, &["as100"], agents, &["https://a.example/"]);
    let filtered: Vec<bool> = (0..agents).map(|_| random.random_bool(0.02)).collect();
    let bad_days: BTreeSet<Hour> = (0..4).map(|_| random.random_range(0..90)).collect();
    let first = NOW - JUDGED_H - DAYS * 24;
    let visits = world.visits(first..NOW, |random, agent, _, hour| {
        let half_day = (hour - first) / 12;
        if filtered[agent.unit as usize] {
            (State::Blocked, "dns.injection.other 10.0.0.1")
        } else if bad_days.contains(&half_day) && random.random_bool(0.2) {
            (State::LikelyBlocked, "tcp.timeout")
        } else {
            quiet(random)
        }
    });
    of_visits(visits)
}

fn quiet_line(seed: u64) -> Inputs {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let days = (JUDGED_H + LINE_HISTORY_H) / 24 + DAYS;
    Inputs {
        now: NOW,
        lines: vec![line(&mut random, days, |_| 1.0)],
        ..Inputs::default()
    }
}

/// A network in a province: three to twenty agents, some always on and some now and then.
fn quiet_network(seed: u64) -> Inputs {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let agents = random.random_range(3..=20);
    let mut world = World::new(seed ^ 0xbeef, &["as100"], agents, &[]);
    for agent in &mut world.agents {
        agent.province = std::sync::Arc::from("KH-12");
        agent.presence = random.random_range(0.3..0.99);
    }
    let first = NOW - JUDGED_H - CONTACT_HISTORY_H - DAYS * 24;
    Inputs {
        now: NOW,
        contacts: world.contacts(first..NOW, |_, _| false),
        awake: (first..NOW).collect(),
        ..Inputs::default()
    }
}
