//! The mean over agents, bounded by resampling agents: the bootstrap-t interval (Efron and Tibshirani,
//! *An Introduction to the Bootstrap*, 1993, section 12.5). Rates are skewed, and the studentised form
//! follows the skew where a symmetric interval would accuse too often.
//!
//! No bound holds for every distribution: one subscriber in a thousand with a huge rate moves a mean, and
//! is in no sample. So, as with [shares](super::share), each bound allows for one made-up agent more:
//! one that has nothing for the lower, and one that has twice the largest value for the upper. By
//! simulation over log-normal rates (`standard/simulations.rs`) that takes the chance of a false
//! accusation in a table from as much as 40 % to below 5 %.
//!
//! An agent's own mean is one value: agents are resampled, never samples. The generator is fixed
//! (`ChaCha8`) and its seed given, so that anyone can repeat the figure.
use super::evidence::Evidence;
use crate::statements::resample::below;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use tonle_evidence::standard::Op;

/// Fewest agents: below it resampling promises more than it keeps.
pub const AGENTS_MIN: usize = 20;
/// Resamplings. With one more their number divides every usual confidence.
const REPLICATES: usize = 9_999;

/// Bounds the mean of the agents' own means, none of them negative, and holds it against the threshold.
///
/// `None` of fewer than [`AGENTS_MIN`] agents.
#[must_use]
pub(super) fn judge(
    values: &[f64],
    (op, threshold): (Op, f64),
    confidence: f64,
    seed: u64,
) -> Option<Evidence> {
    if values.len() < AGENTS_MIN {
        return None;
    }
    let largest = values.iter().copied().fold(0.0, f64::max);
    let doubting_low = Resampled::with(values, 0.0, seed);
    let doubting_high = Resampled::with(values, 2.0 * largest, seed);
    Some(Evidence {
        value: Spread::of(values.iter().copied()).mean,
        low: doubting_low.lower_bound(confidence),
        high: doubting_high.upper_bound(confidence),
        chance_if_met: match op {
            Op::AtLeast => doubting_high.chance_of_so_small(threshold),
            Op::AtMost => doubting_low.chance_of_so_large(threshold),
        },
    })
}

/// Some values, and how far the means of their resamplings are from theirs.
struct Resampled {
    spread: Spread,
    /// Studentised distances in rising order.
    distances: Vec<f64>,
}

impl Resampled {
    /// Of the values and one more. Where all are alike, nothing is known of their spread.
    fn with(values: &[f64], more: f64, seed: u64) -> Self {
        let mut values = values.to_vec();
        values.push(more);
        let spread = Spread::of(values.iter().copied());
        Self {
            spread,
            distances: distances(&values, spread.mean, seed),
        }
    }

    fn lower_bound(&self, confidence: f64) -> Option<f64> {
        let place = self.distances.len() - self.tail_place(confidence);
        finite(self.spread.mean - self.distances[place] * self.spread.error)
    }

    fn upper_bound(&self, confidence: f64) -> Option<f64> {
        let place = self.tail_place(confidence) - 1;
        finite(self.spread.mean - self.distances[place] * self.spread.error)
    }

    /// With 9 999 resamplings and a confidence of 95 % the 500th from either end.
    fn tail_place(&self, confidence: f64) -> usize {
        let places = (self.distances.len() as f64 + 1.0) * (1.0 - confidence);
        count(places).clamp(1, self.distances.len())
    }

    fn chance_of_so_small(&self, claimed: f64) -> f64 {
        let distance = self.distance_from(claimed);
        self.chance(self.distances.partition_point(|one| *one <= distance))
    }

    fn chance_of_so_large(&self, claimed: f64) -> f64 {
        let distance = self.distance_from(claimed);
        self.chance(self.distances.len() - self.distances.partition_point(|one| *one < distance))
    }

    fn distance_from(&self, claimed: f64) -> f64 {
        (self.spread.mean - claimed) / self.spread.error
    }

    fn chance(&self, as_extreme: usize) -> f64 {
        (as_extreme as f64 + 1.0) / (self.distances.len() as f64 + 1.0)
    }
}

fn finite(bound: f64) -> Option<f64> {
    bound.is_finite().then_some(bound)
}

fn count(places: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of the number of resamplings"
    )]
    let whole = (places + 1e-6) as usize;
    whole
}

/// The studentised distances of the resampled means from the mean, in rising order. A resampling of
/// one value only is as far away as can be.
fn distances(values: &[f64], mean: f64, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut distance = || {
        let drawn = (0..values.len()).map(|_| values[below(values.len(), random.next_u64())]);
        let spread = Spread::of(drawn);
        let distance = spread.mean - mean;
        if distance == 0.0 {
            0.0
        } else {
            distance / spread.error
        }
    };
    let mut distances: Vec<f64> = (0..REPLICATES).map(|_| distance()).collect();
    distances.sort_by(f64::total_cmp);
    distances
}

/// Mean of some values and its standard error, in one pass (Welford, *Technometrics* 4, 1962).
#[derive(Debug, Clone, Copy)]
struct Spread {
    mean: f64,
    error: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for value in values {
            n += 1.0;
            let before = value - mean;
            mean += before / n;
            squares += before * (value - mean);
        }
        let error = if n < 2.0 {
            0.0
        } else {
            (squares / (n - 1.0) / n).sqrt()
        };
        Self { mean, error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rising(n: u32) -> Vec<f64> {
        (0..n).map(f64::from).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bounds() {
        let values = rising(30);
        let judged = |seed| judge(&values, (Op::AtLeast, 20.0), 0.95, seed).unwrap();
        assert_eq!(judged(1), judged(1));
        assert_ne!(judged(1), judged(2));
    }

    #[test]
    fn nineteen_agents_bound_no_mean() {
        assert_eq!(judge(&rising(19), (Op::AtLeast, 1.0), 0.95, 1), None);
        assert!(judge(&rising(20), (Op::AtLeast, 1.0), 0.95, 1).is_some());
    }

    #[test]
    fn agents_that_are_all_alike_are_not_certain_and_no_number_is_none() {
        let alike = judge(&[5.0; 40], (Op::AtLeast, 5.1), 0.95, 1).unwrap();
        assert!(alike.high.is_none_or(|high| high > 5.1), "{alike:?}");
        let nothing = judge(&[0.0; 40], (Op::AtMost, 0.0), 0.95, 1).unwrap();
        assert!(!nothing.chance_if_met.is_nan(), "{nothing:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_bound_and_the_chance_say_the_same(
            values in proptest::collection::vec(0.0..100.0, 20..40),
            threshold in 20.0..80.0,
            least in any::<bool>(),
        ) {
            let op = if least { Op::AtLeast } else { Op::AtMost };
            let seen = judge(&values, (op, threshold), 0.95, 7).unwrap();
            prop_assume!((seen.chance_if_met - 0.05).abs() > 0.001);
            let wrong = match op {
                Op::AtLeast => seen.high.is_some_and(|high| high < threshold),
                Op::AtMost => seen.low.is_some_and(|low| low > threshold),
            };
            prop_assert_eq!(wrong, seen.chance_if_met < 0.05);
        }
    }
}
