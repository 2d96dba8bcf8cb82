//! The share of samples on the right side of a threshold, each agent with equal weight.
//!
//! An agent's own share is one value between 0 and 1, and agents are independent: so the mean over
//! agents is bounded by Student's t over agents, whatever the correlation within each. Two additions
//! make it hold with few agents, where all may agree by chance (their spread is then no measure of
//! anything):
//! 1. one made-up agent is added that speaks against the claim as loudly as one can (all of its
//!    samples right where "too small" is claimed, none where "large enough" is);
//! 2. "large enough" is never more certain than it is when every agent has a share of 1: then the
//!    chance of it is at most the share asked for, to the power of the number of agents.
//!
//! That both keep their promise is shown by simulation (`standard/simulations.rs`), not by proof.
use super::evidence::Evidence;
use crate::statements::student;

/// Bounds the mean of the agents' `shares`, each 0 to 1, and holds it against `asked`, 0 to 1.
///
/// `None` of fewer than two agents.
#[must_use]
pub(super) fn judge(shares: &[f64], asked: f64, confidence: f64) -> Option<Evidence> {
    if shares.len() < 2 {
        return None;
    }
    let tail = 1.0 - confidence;
    let (doubting_low, doubting_high) = (Spread::with(shares, 0.0), Spread::with(shares, 1.0));
    let all_right = tail.powf(1.0 / shares.len() as f64);
    Some(Evidence {
        value: shares.iter().sum::<f64>() / shares.len() as f64,
        low: Some(doubting_low.bound(-1.0, tail).clamp(0.0, all_right)),
        high: Some(doubting_high.bound(1.0, tail).clamp(0.0, 1.0)),
        chance_if_met: doubting_high.chance_of_so_small(asked),
    })
}

/// Mean of some values, its standard error, and the degrees of freedom of that.
#[derive(Debug, Clone, Copy)]
struct Spread {
    mean: f64,
    error: f64,
    freedom: u32,
}

impl Spread {
    /// Of the values and one more.
    fn with(values: &[f64], more: f64) -> Self {
        let n = values.len() as f64 + 1.0;
        let mean = (values.iter().sum::<f64>() + more) / n;
        let square = |value: f64| (value - mean) * (value - mean);
        let squares: f64 = values.iter().copied().map(square).sum::<f64>() + square(more);
        Self {
            mean,
            error: (squares / (n - 1.0) / n).sqrt(),
            freedom: u32::try_from(values.len()).unwrap_or(u32::MAX),
        }
    }

    /// The bound on one side (−1 below, 1 above).
    fn bound(&self, side: f64, tail: f64) -> f64 {
        self.mean + side * student::exceeded_with(tail, self.freedom) * self.error
    }

    /// How probable a mean as small as this is where the true one is `claimed`.
    fn chance_of_so_small(&self, claimed: f64) -> f64 {
        let distance = self.mean - claimed;
        if distance >= 0.0 {
            return 1.0;
        }
        if self.error == 0.0 {
            return 0.0;
        }
        student::at_most(distance / self.error, self.freedom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agents_that_all_agree_are_not_certain() {
        let seen = judge(&[0.5; 6], 0.8, 0.95).unwrap();
        assert!(seen.chance_if_met > 0.001, "{seen:?}");
        let seen = judge(&[1.0; 13], 0.8, 0.95).unwrap();
        assert!(
            seen.low.unwrap() < 0.8,
            "13 of 13 are not enough for 80 %: {seen:?}"
        );
        let seen = judge(&[1.0; 16], 0.8, 0.95).unwrap();
        assert!(seen.low.unwrap() >= 0.8, "{seen:?}");
    }

    #[test]
    fn one_agent_has_no_spread() {
        assert_eq!(judge(&[0.3], 0.8, 0.95), None);
    }

    proptest! {
        #[test]
        fn the_bounds_lie_around_the_share(shares in proptest::collection::vec(0.0..=1.0, 2..60)) {
            let seen = judge(&shares, 0.8, 0.95).unwrap();
            prop_assert!(seen.low.unwrap() <= seen.value && seen.value <= seen.high.unwrap() + 1e-12);
        }

        #[test]
        fn the_bound_and_the_chance_say_the_same(shares in proptest::collection::vec(0.0..=1.0, 2..60), asked in 0.1..0.95) {
            let seen = judge(&shares, asked, 0.95).unwrap();
            let below = seen.high.unwrap() < asked - 1e-9;
            let unlikely = seen.chance_if_met < 0.05;
            prop_assert!(!below || unlikely);
            prop_assert!(!(seen.high.unwrap() > asked + 1e-9 && unlikely));
        }
    }
}
