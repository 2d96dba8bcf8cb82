//! Pure: cells held against a regulator's rule. Each statistic has a file of its own that bounds it;
//! [`table`] says what stands over a whole published table.
mod agent_share;
mod evidence;
mod mean;
mod percentile;
pub mod power;
mod power_of_means;
mod share;
#[cfg(test)]
mod simulations;
pub mod table;
#[cfg(test)]
mod tests;

pub use evidence::Evidence;
pub use mean::AGENTS_MIN as MEAN_AGENTS_MIN;
pub use table::{Cell, Table, judge};

use super::quantile::{Order, median};
use tonle_evidence::standard::{Op, Standard, Statistic};

/// What one independent agent gave to a cell in the hours of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitSamples {
    /// Its values, one per local hour, in the metric's unit.
    pub values: Vec<i64>,
    /// Days on which its agents gave at least one value, summed over agents.
    pub agent_days: u64,
    /// Records behind it.
    pub records: u64,
}

impl UnitSamples {
    fn mean(&self) -> f64 {
        self.values.iter().map(|value| *value as f64).sum::<f64>() / self.values.len() as f64
    }

    /// Share of its values on the right side of the threshold, 0 to 1.
    fn share(&self, op: Op, threshold: i64) -> f64 {
        let right = self
            .values
            .iter()
            .filter(|value| op.holds(**value, threshold));
        right.count() as f64 / self.values.len() as f64
    }
}

/// What the agents of a cell say for and against the rule; `None` where they are too few for its
/// statistic. Every unit has at least one value. `seed` is that of resampling.
#[must_use]
pub fn evidence(
    standard: &Standard,
    threshold: i64,
    units: &[UnitSamples],
    seed: u64,
) -> Option<Evidence> {
    let confidence = f64::from(standard.confidence_permille) / 1_000.0;
    let op = standard.op;
    let own_shares = || units.iter().map(|unit| unit.share(op, threshold));
    match standard.statistic {
        Statistic::Mean => {
            let means: Vec<f64> = units.iter().map(UnitSamples::mean).collect();
            mean::judge(&means, (op, threshold as f64), confidence, seed)
        }
        Statistic::Percentile { order_permille } => {
            let values: Vec<i64> = units
                .iter()
                .filter_map(|unit| median(&unit.values))
                .collect();
            let order = Order::permille(order_permille)?;
            percentile::judge(&values, order, (op, threshold), confidence)
        }
        Statistic::Share { min_share_permille } => {
            let shares: Vec<f64> = own_shares().collect();
            share::judge(&shares, f64::from(min_share_permille) / 1_000.0, confidence)
        }
        Statistic::AgentShare {
            min_share_permille,
            agent_share_permille,
        } => {
            let enough = f64::from(agent_share_permille) / 1_000.0;
            let passing = own_shares().filter(|share| *share >= enough).count();
            let asked = f64::from(min_share_permille) / 1_000.0;
            agent_share::judge(passing, units.len(), asked, confidence)
        }
    }
}
