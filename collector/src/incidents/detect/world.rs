//! Invented networks for the tests: agents that visit and send, quiet or with trouble. Seeded.
use super::{Contact, Hour, HourValue, Inputs, JUDGED_H, LINE_HISTORY_H, LineCell, Visit};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use tonle_evidence::verdict::State;

/// The hour that runs: noon of a day of a later year, in no way round.
pub(super) const NOW: Hour = 500_004;

/// Networks with agents, each with its province, release and habits.
pub(super) struct World {
    pub(super) agents: Vec<Agent>,
    pub(super) targets: Vec<Arc<str>>,
    random: ChaCha8Rng,
}

#[derive(Clone)]
pub(super) struct Agent {
    pub(super) unit: u32,
    pub(super) network: Arc<str>,
    pub(super) province: Arc<str>,
    pub(super) software: Arc<str>,
    /// How likely it is there in an hour.
    pub(super) presence: f64,
}

/// What a visit comes to, and how it is done.
pub(super) type Said = (State, &'static str);

/// A quiet visit: as good as always well, with the odd failure that looks like interference.
pub(super) fn quiet(random: &mut ChaCha8Rng) -> Said {
    match random.random_range(0..1_000) {
        0..10 => (State::LikelyBlocked, "tcp.timeout"),
        10..40 => (State::Down, ""),
        40..140 => (State::Insufficient, ""),
        _ => (State::Ok, ""),
    }
}

impl World {
    /// `each` agents in each network, spread over two provinces, always on.
    pub(super) fn new(seed: u64, networks: &[&str], each: u32, targets: &[&str]) -> Self {
        let mut agents = Vec::new();
        for network in networks {
            for number in 0..each {
                agents.push(Agent {
                    unit: u32::try_from(agents.len()).unwrap(),
                    network: Arc::from(*network),
                    province: Arc::from(if number % 2 == 0 { "KH-12" } else { "KH-17" }),
                    software: Arc::from("tonle-agent/0.1.0"),
                    presence: 0.98,
                });
            }
        }
        Self {
            agents,
            targets: targets.iter().map(|target| Arc::from(*target)).collect(),
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Each agent that is there visits each target about every four hours.
    pub(super) fn visits(
        &mut self,
        hours: std::ops::Range<Hour>,
        mut said: impl FnMut(&mut ChaCha8Rng, &Agent, &str, Hour) -> Said,
    ) -> Vec<Visit> {
        let mut visits = Vec::new();
        for hour in hours {
            for agent in &self.agents {
                for target in &self.targets {
                    if !self.random.random_bool(agent.presence / 4.0) {
                        continue;
                    }
                    let (state, print) = said(&mut self.random, agent, target, hour);
                    visits.push(Visit {
                        target: Arc::clone(target),
                        network: Arc::clone(&agent.network),
                        hour,
                        unit: agent.unit,
                        province: Arc::clone(&agent.province),
                        state,
                        fingerprint: Arc::from(print),
                        software: Arc::clone(&agent.software),
                        entry_index: visits.len() as u64,
                    });
                }
            }
        }
        visits
    }

    /// Who sends anything in which hour, unless `is_cut`.
    pub(super) fn contacts(
        &mut self,
        hours: std::ops::Range<Hour>,
        is_cut: impl Fn(&Agent, Hour) -> bool,
    ) -> Vec<Contact> {
        let mut contacts = Vec::new();
        for hour in hours {
            for agent in &self.agents {
                if is_cut(agent, hour) || !self.random.random_bool(agent.presence) {
                    continue;
                }
                contacts.push(Contact {
                    network: Arc::clone(&agent.network),
                    province: Arc::clone(&agent.province),
                    unit: agent.unit,
                    hour,
                });
            }
        }
        contacts
    }
}

/// The hours of a whole window.
pub(super) fn judged() -> std::ops::Range<Hour> {
    NOW - JUDGED_H..NOW
}

/// A window of nothing but visits.
pub(super) fn of_visits(visits: Vec<Visit>) -> Inputs {
    Inputs {
        now: NOW,
        visits,
        ..Inputs::default()
    }
}

/// Inputs as they were at an earlier hour.
pub(super) fn as_of(inputs: &Inputs, now: Hour) -> Inputs {
    let mut then = inputs.clone();
    then.now = now;
    then.visits
        .retain(|visit| (now - JUDGED_H..now).contains(&visit.hour));
    then.contacts.retain(|contact| contact.hour < now);
    for line in &mut then.lines {
        line.hours.retain(|hour| hour.hour < now);
    }
    then
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// A line whose evenings are slow, with a spread of 12 % by hour and 10 % by day, and the odd bad hour;
/// `factor` is what trouble does to it.
pub(super) fn line(random: &mut ChaCha8Rng, days: Hour, factor: impl Fn(Hour) -> f64) -> LineCell {
    let (first, mut day_effect) = (NOW - days * 24, 0.0);
    let agents = random.random_range(5..15);
    let hours = (first..NOW).map(|hour| {
        if hour % 24 == 0 {
            day_effect = normal(random) * 0.10;
        }
        let evening = if (19..23).contains(&(hour % 24)) {
            2.5
        } else {
            1.0
        };
        let odd = if random.random_bool(0.005) { 3.0 } else { 1.0 };
        let noise = (normal(random) * 0.12 + day_effect).exp();
        #[expect(clippy::cast_possible_truncation, reason = "some milliseconds")]
        let value = (20_000.0 * evening * odd * noise * factor(hour)) as i64;
        HourValue {
            hour,
            value,
            agents,
        }
    });
    LineCell {
        metric: "latency.rtt_median_us/icmp/domestic".into(),
        access: "fixed",
        province: Some("KH-12".into()),
        network: Some("metfone".into()),
        higher_is_better: false,
        floor: 1,
        hours: hours.collect(),
    }
}

/// Days of a whole window of a line.
pub(super) const LINE_DAYS: Hour = (JUDGED_H + LINE_HISTORY_H) / 24;
