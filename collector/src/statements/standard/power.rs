//! How often a table like this one would find a cell that falls short of its rule by [`SHORT_PERMILLE`].
//!
//! For rules that count agents, and for percentiles, that is a binomial sum. For shares of samples cells
//! are drawn. A drawn agent has a share of its own. Between agents that share varies as the correlation within
//! agents says: with that probability an agent's samples are all alike (all right or all wrong), and
//! else each is right by itself. The cell is accused where its evidence stands at the first step of
//! Holm's procedure, which is the hardest.
use super::{share, table::FALSE_MAX};
use crate::statements::binomial;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tonle_evidence::standard::{Op, Standard, Statistic};

/// By how much the cell falls short: thousandths of its agents, or of their samples.
pub const SHORT_PERMILLE: u16 = 200;
/// Correlation of the samples within an agent that is assumed, thousandths.
pub const CORRELATION_PERMILLE: u16 = 200;
/// Cells drawn: a power of 70 % is then known to about one and a half points.
const DRAWN: u32 = 1_000;
/// Samples of an agent: one on every day of a month.
const SAMPLES: u32 = 30;

/// How often a cell of so many agents is accused, parts per million, in a table whose family has so many
/// cells; `None` of means, whose power hangs on how values are spread, and of rules of which no cell can
/// fall so short.
#[must_use]
pub fn of(standard: &Standard, agents: usize, family: usize) -> Option<u32> {
    let short = f64::from(SHORT_PERMILLE) / 1_000.0;
    // Agents on the wrong side, where the rule is just met.
    let wrong = match standard.statistic {
        Statistic::Mean => return None,
        Statistic::Share { min_share_permille } => {
            let asked = f64::from(min_share_permille) / 1_000.0;
            let case = Case {
                agents,
                asked,
                truth: asked - short,
                correlation: f64::from(CORRELATION_PERMILLE) / 1_000.0,
                family,
            };
            return (case.truth > 0.0).then(|| of_share(&case));
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
    let limit = FALSE_MAX / family.max(1) as f64;
    let accusing = (0..=agents).find(|count| binomial::at_least(agents, *count, wrong) <= limit);
    Some(accusing.map_or(0, |count| {
        ppm(binomial::at_least(agents, count, wrong + short))
    }))
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

/// What is asked of [`of_share`].
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
    /// Cells over which false accusations are controlled.
    pub family: usize,
}

/// How often the cell is accused, parts per million. The same case gives the same answer.
#[must_use]
pub fn of_share(case: &Case) -> u32 {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let limit = FALSE_MAX / case.family.max(1) as f64;
    let accused = (0..DRAWN)
        .filter(|_| {
            let shares: Vec<f64> = (0..case.agents)
                .map(|_| drawn_share(case, &mut random))
                .collect();
            share::judge(&shares, case.asked, 0.95).is_some_and(|seen| seen.chance_if_met <= limit)
        })
        .count();
    u32::try_from(accused).expect("at most as many as are drawn") * (1_000_000 / DRAWN)
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
