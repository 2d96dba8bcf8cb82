//! How often a table like this one would find a cell that falls short of its rule by [`SHORT_PERMILLE`].
//!
//! For rules that count agents, and for percentiles, that is a binomial sum. For means it is kept (`power_of_means`).
//! For shares of samples cells are drawn, once for each number of agents. A drawn agent has a share of its own. Between agents that share varies as the correlation within
//! agents says: with that probability an agent's samples are all alike (all right or all wrong), and
//! else each is right by itself. The cell is accused where its evidence stands at the first step of
//! Holm's procedure, which is the hardest.
use super::{power_of_means, share, table::FALSE_MAX};
use crate::statements::binomial;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tonle_evidence::standard::{Op, Standard, Statistic};

/// By how much the cell falls short: thousandths of its agents, of their samples, or of the threshold of a mean.
pub const SHORT_PERMILLE: u16 = 200;
/// Correlation of the samples within an agent that is assumed, thousandths.
pub const CORRELATION_PERMILLE: u16 = 200;
/// Cells drawn: a power of 70 % is then known to about one and a half points.
const DRAWN: u32 = 1_000;
/// Samples of an agent: one on every day of a month.
const SAMPLES: u32 = 30;

/// Chances of drawn cells in rising order.
type Chances = Arc<[f64]>;

/// Answers to how often cells are found, with the drawn ones kept: of those of a share, the chance of their
/// evidence hangs on the number of agents and on what is asked, and not on the table they stand in.
#[derive(Debug, Default)]
pub struct Powers {
    /// By agents and thousandths asked for, in rising order.
    drawn: Mutex<HashMap<(usize, u16), Chances>>,
}

impl Powers {
    /// How often a cell of so many agents is accused, parts per million, in a table whose family has so many
    /// cells; `None` of rules of which no cell can fall so short.
    #[must_use]
    pub fn of(&self, standard: &Standard, agents: usize, family: usize) -> Option<u32> {
        let short = f64::from(SHORT_PERMILLE) / 1_000.0;
        let limit = limit(family);
        // Agents on the wrong side, where the rule is just met.
        let wrong = match standard.statistic {
            Statistic::Mean => return Some(power_of_means::of(standard.op, agents, limit)),
            Statistic::Share { min_share_permille } => {
                return (min_share_permille > SHORT_PERMILLE)
                    .then(|| found(&self.of_share(agents, min_share_permille), limit));
            }
            Statistic::AgentShare {
                min_share_permille, ..
            } => 1.0 - f64::from(min_share_permille) / 1_000.0,
            Statistic::Percentile { order_permille } => match standard.op {
                Op::AtLeast => f64::from(order_permille) / 1_000.0,
                Op::AtMost => 1.0 - f64::from(order_permille) / 1_000.0,
            },
        };
        if wrong + short >= 1.0 {
            return None;
        }
        let accusing =
            (0..=agents).find(|count| binomial::at_least(agents, *count, wrong) <= limit);
        Some(accusing.map_or(0, |count| {
            ppm(binomial::at_least(agents, count, wrong + short))
        }))
    }

    fn of_share(&self, agents: usize, min_share_permille: u16) -> Chances {
        let question = (agents, min_share_permille);
        let drawn = || self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = drawn().get(&question) {
            return Arc::clone(kept);
        }
        let asked = f64::from(min_share_permille) / 1_000.0;
        let chances: Chances = chances(&Case {
            agents,
            asked,
            truth: asked - f64::from(SHORT_PERMILLE) / 1_000.0,
            correlation: f64::from(CORRELATION_PERMILLE) / 1_000.0,
        })
        .into();
        drawn().insert(question, Arc::clone(&chances));
        chances
    }
}

/// The chance below which evidence stands at the first step over a family of so many cells.
#[must_use]
pub fn limit(family: usize) -> f64 {
    FALSE_MAX / family.max(1) as f64
}

/// The part of drawn cells that are accused, parts per million.
#[must_use]
pub fn found(chances: &[f64], limit: f64) -> u32 {
    let accused = chances.partition_point(|chance| *chance <= limit);
    u32::try_from(accused).expect("at most as many as are drawn") * (1_000_000 / DRAWN)
}

fn ppm(chance: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a probability times a million lies between 0 and a million"
    )]
    let ppm = (chance * 1e6) as u32;
    ppm
}

/// What cells are drawn of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Independent agents of the cell.
    pub agents: usize,
    /// The share that the rule asks for, 0 to 1.
    pub asked: f64,
    /// The true share, 0 to 1.
    pub truth: f64,
    /// Correlation of the samples within an agent, 0 to 1.
    pub correlation: f64,
}

/// The chances of the evidence of drawn cells, in rising order. The same case gives the same answer.
#[must_use]
pub fn chances(case: &Case) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut chance = || {
        let shares: Vec<f64> = (0..case.agents)
            .map(|_| drawn_share(case, &mut random))
            .collect();
        share::judge(&shares, case.asked, 0.95).map_or(1.0, |seen| seen.chance_if_met)
    };
    let mut chances: Vec<f64> = (0..DRAWN).map(|_| chance()).collect();
    chances.sort_by(f64::total_cmp);
    chances
}

fn drawn_share(case: &Case, random: &mut ChaCha8Rng) -> f64 {
    if random.random_bool(case.correlation) {
        return f64::from(u8::from(random.random_bool(case.truth)));
    }
    let right = (0..SAMPLES)
        .filter(|_| random.random_bool(case.truth))
        .count();
    right as f64 / f64::from(SAMPLES)
}
