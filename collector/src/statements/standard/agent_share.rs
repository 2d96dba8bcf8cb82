//! The share of agents that pass: a rule kind of its own, bounded by Clopper and Pearson
//! (see [`share`](crate::statements::share)).
use super::evidence::Evidence;
use crate::statements::binomial;
use crate::statements::share::{lower_bound, upper_bound};

/// Bounds the share of passing agents and holds it against `asked`, 0 to 1.
///
/// `None` of no agent.
#[must_use]
pub(super) fn judge(
    passing: usize,
    agents: usize,
    asked: f64,
    confidence: f64,
) -> Option<Evidence> {
    if agents == 0 {
        return None;
    }
    Some(Evidence {
        value: passing as f64 / agents as f64,
        low: Some(lower_bound(passing, agents, confidence)),
        high: Some(upper_bound(passing, agents, confidence)),
        chance_if_met: binomial::at_most(agents, passing, asked),
    })
}
