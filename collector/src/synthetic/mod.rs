//! A nation that does not exist: agents, lines and visits made by a program, to try the pages and the
//! reckoning with. Pure: the same settings give the same records, byte for byte.
//!
//! 1. Agents stand in the country's real provinces, more where more people live. Their networks are those
//!    that nobody has (RFC 5398), and the sites that they visit end in `.example` (RFC 2606): no figure can be
//!    taken for one of a real operator or site.
//! 2. What a line gives is the product of its technology, network, province, agent and hour, with a spread by run,
//!    slow evenings, and now and then a value far out. Some agents are often away, and a few measure all day.
//! 3. Three things happen before the end, each where [`Events`] says: a site is blocked in three networks, lines of one
//!    network degrade, and a network falls silent in one province.
//!
//! Records are signed by keys that the seed makes, and enter the journal with provenance `synthetic`.
mod agents;
pub mod fill;
mod joining;
mod lines;
mod records;
#[cfg(test)]
mod tests;
mod visits;

use crate::journal::NewEntry;
use agents::Agent;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tonle_evidence::country::Country;
use tonle_evidence::hash::sha256;
use tonle_evidence::local_time::LocalHour;

/// Seconds of an hour.
const HOUR_S: i64 = 3_600;
/// Microseconds of an hour.
const HOUR_US: i64 = HOUR_S * 1_000_000;
/// Autonomous systems for documentation (RFC 5398), as networks of the nation; the first three are mobile.
const NETWORKS: [u32; 6] = [64_496, 64_497, 64_498, 64_499, 64_500, 64_501];
/// How many of [`NETWORKS`] are mobile.
const MOBILE: usize = 3;

/// What makes a nation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many agents there are.
    pub agents: u32,
    /// How many days they measure.
    pub days: u32,
    /// What chance is drawn from.
    pub seed: u64,
    /// The hour in which they end, hours since the Unix epoch.
    pub until_hour: i64,
}

/// What happens in the last days; hours since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// A site that is blocked, and when.
    pub blocked: (&'static str, Range<i64>),
    /// The networks that block it: three, so that a gateway before them can be guessed.
    pub blocked_in: [u32; 3],
    /// The network whose lines degrade in every province, and when.
    pub degraded: (u32, Range<i64>),
    /// The network and the province that fall silent, and when.
    pub silent: (u32, String, Range<i64>),
}

impl Settings {
    /// The first hour of measurements.
    #[must_use]
    pub fn from_hour(&self) -> i64 {
        self.until_hour - i64::from(self.days) * 24
    }

    /// The random numbers of one purpose: no draw of one moves another's.
    fn random(&self, purpose: &str, numbers: &[i64]) -> ChaCha8Rng {
        let seed = self.seed;
        ChaCha8Rng::from_seed(sha256(format!("{seed} {purpose} {numbers:?}").as_bytes()).0)
    }
}

/// The agents of a nation and what they see, hour by hour.
pub struct World {
    settings: Settings,
    utc_offset_s: i32,
    country: String,
    events: Events,
    agents: Vec<Agent>,
    lines: lines::Lines,
}

impl World {
    /// Draws the agents. A country has at least one province.
    #[must_use]
    pub fn new(settings: Settings, country: &Country) -> Self {
        let agents = agents::draw(&settings, country);
        let until = settings.until_hour;
        let largest = country.provinces.iter().max_by_key(|one| one.population);
        let silent_in = largest.map(|one| one.code.clone()).unwrap_or_default();
        Self {
            events: Events {
                blocked: (visits::BLOCKED, until - 6 * 24..until - 24),
                blocked_in: [NETWORKS[0], NETWORKS[1], NETWORKS[MOBILE]],
                degraded: (NETWORKS[1], until - 4 * 24..until),
                silent: (NETWORKS[0], silent_in, until - 40..until - 31),
            },
            lines: lines::Lines::new(&settings, country),
            utc_offset_s: country.utc_offset_s,
            country: country.code.clone(),
            settings,
            agents,
        }
    }

    /// What happens in it.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// The entries of the next hour, in the order of their receipt. Hours are asked for from
    /// [`Settings::from_hour`] on, each once: an agent's records are a chain. All join as the first hour begins.
    pub fn hour(&mut self, hour: i64) -> Vec<NewEntry> {
        let local = LocalHour::at(hour * HOUR_US, self.utc_offset_s);
        let mut made = Vec::new();
        let (events, settings) = (&self.events, self.settings);
        if hour == settings.from_hour() {
            let joining = self.agents.iter();
            made.extend(joining.map(|agent| joining::entry(agent, &settings, hour * HOUR_US)));
        }
        for agent in &mut self.agents {
            let mut random = settings.random("hour", &[i64::from(agent.number), hour]);
            let (network, province, silent) = &events.silent;
            let is_silent =
                agent.asn == *network && agent.province == *province && silent.contains(&hour);
            if is_silent || !agent.is_there(&settings, hour, &mut random) {
                continue;
            }
            for (turn, due) in (0..).zip(agent.due(&settings, hour, local.hour)) {
                let moment = records::Moment {
                    hour,
                    turn,
                    local,
                    country: &self.country,
                };
                let half = match due {
                    agents::Due::Visit(turn) => visits::see(agent, turn, hour, events, &mut random),
                    due => self.lines.measure(agent, due, &moment, events, &mut random),
                };
                made.push(records::seal(agent, half, &moment, &mut random));
            }
        }
        made.sort_by_key(|entry| entry.received_at_us);
        made
    }
}
