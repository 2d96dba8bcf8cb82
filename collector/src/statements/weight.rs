//! A median in which strata weigh what they are declared to weigh, and how sure it is.
//!
//! 1. An agent weighs its stratum's population over the stratum's agents, at most so many times the
//!    median weight (trimming: one agent must not speak for half a country).
//! 2. The weighted median is the value below which half of the weight lies; between two values where
//!    it is exactly half. With equal weights that is the median of type 7.
//! 3. Its interval is the percentile interval of a bootstrap over agents within strata. Of n agents of
//!    a stratum n − 1 are drawn and weigh n/(n − 1) times as much (Rao, Wu and Yue, *Survey
//!    Methodology* 18, 1992): plain resampling makes intervals too narrow where strata are small.
//! 4. Below [`AGENTS_MIN`] agents there is none: resampling promises more than it keeps.
//! 5. The effective number of agents is Kish's (Σw)²/Σw² (*Survey Sampling*, 1965, section 11.7).
use super::quantile::{Order, median, quantile_of_sorted};
use super::resample::below;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use tonle_evidence::statement::{Figure, Weighted};

/// Fewest agents for a weighted figure with its interval.
pub const AGENTS_MIN: usize = 20;
/// What the interval aims at, parts per million.
pub const AIM_PPM: u32 = 950_000;
/// Resamplings.
const REPLICATES: usize = 2_000;
/// A weight of one person among as many agents as there may be: weights are whole numbers, so that half
/// of them is exactly half.
const SCALE: u64 = 1_000_000;

/// One independent agent's value, and what it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    /// In the metric's unit.
    pub value: i64,
    /// Its stratum, by number.
    pub stratum: usize,
    /// In millionths of a person.
    pub weight: u64,
}

/// Weighs agents: `(value, stratum)` of each, and the people of each stratum by its number. A stratum
/// has at least two agents.
#[must_use]
pub fn weighed(agents: &[(i64, usize)], people: &[u64], trim_times_median: u64) -> Vec<Weighed> {
    let mut sizes = vec![0_u64; people.len()];
    for (_, stratum) in agents {
        sizes[*stratum] += 1;
    }
    let weights: Vec<u64> = agents
        .iter()
        .map(|(_, stratum)| people[*stratum].saturating_mul(SCALE) / sizes[*stratum])
        .collect();
    let as_values: Vec<i64> = weights.iter().map(|weight| weight.cast_signed()).collect();
    let middle = median(&as_values).unwrap_or(0).unsigned_abs();
    let most = middle.saturating_mul(trim_times_median);
    agents
        .iter()
        .zip(weights)
        .map(|((value, stratum), weight)| Weighed {
            value: *value,
            stratum: *stratum,
            weight: weight.min(most),
        })
        .collect()
}

/// The weighted median with its interval; `None` below [`AGENTS_MIN`] agents. The order of agents does
/// not matter; the same seed gives the same interval.
#[must_use]
pub fn figure(agents: &[Weighed], seed: u64) -> Option<Weighted> {
    if agents.len() < AGENTS_MIN {
        return None;
    }
    let mut sorted = agents.to_vec();
    sorted.sort_unstable_by_key(|one| (one.value, one.stratum, one.weight));
    let weights: Vec<u64> = sorted.iter().map(|one| one.weight).collect();
    let medians = resampled(&sorted, seed)?;
    let at = |thousandths| quantile_of_sorted(&medians, Order::permille(thousandths)?);
    let middle = weighted_median(&sorted, &weights)?;
    Some(Weighted {
        figure: Figure {
            median: middle,
            // A percentile interval need not hold its own estimate; what is published does.
            low: at(25)?.min(middle),
            high: at(975)?.max(middle),
            coverage_ppm: AIM_PPM,
        },
        effective_agents_milli: effective_milli(&weights),
    })
}

/// Medians of the resamplings in rising order.
fn resampled(sorted: &[Weighed], seed: u64) -> Option<Vec<i64>> {
    let mut strata: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, one) in sorted.iter().enumerate() {
        strata.entry(one.stratum).or_default().push(place);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = vec![0_u64; sorted.len()];
    let mut medians = Vec::with_capacity(REPLICATES);
    for _ in 0..REPLICATES {
        weights.fill(0);
        for places in strata.values() {
            let n = places.len();
            for _ in 1..n {
                let place = places[below(n, random.next_u64())];
                let weight = sorted[place].weight;
                weights[place] += weight + weight / (n as u64 - 1);
            }
        }
        medians.push(weighted_median(sorted, &weights)?);
    }
    medians.sort_unstable();
    Some(medians)
}

/// The value below which half of the weight lies, of values in rising order; `None` of no weight.
fn weighted_median(sorted: &[Weighed], weights: &[u64]) -> Option<i64> {
    let total: u128 = weights.iter().copied().map(u128::from).sum();
    let mut below = 0_u128;
    let mut half = None;
    for (one, weight) in sorted.iter().zip(weights) {
        if *weight == 0 {
            continue;
        }
        if let Some(first) = half {
            return median(&[first, one.value]);
        }
        below += u128::from(*weight);
        if below * 2 > total {
            return Some(one.value);
        }
        if below * 2 == total {
            half = Some(one.value);
        }
    }
    None
}

fn effective_milli(weights: &[u64]) -> u64 {
    let sum: f64 = weights.iter().map(|weight| *weight as f64).sum();
    let squares: f64 = weights
        .iter()
        .map(|weight| *weight as f64 * *weight as f64)
        .sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between one and the number of agents, in thousandths"
    )]
    let milli = (sum * sum / squares * 1_000.0).floor() as u64;
    milli
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::quantile;
    use proptest::prelude::*;
    use rand::RngExt;

    fn alike(values: &[i64]) -> Vec<Weighed> {
        let agents: Vec<(i64, usize)> = values.iter().map(|value| (*value, 0)).collect();
        weighed(&agents, &[1_000], 5)
    }

    #[test]
    fn a_stratum_of_few_agents_and_many_people_pulls_the_median() {
        // Twenty agents of a thousand people see 10, ten agents of four thousand see 90.
        let agents: Vec<(i64, usize)> = (0..20)
            .map(|_| (10, 0))
            .chain((0..10).map(|_| (90, 1)))
            .collect();
        let said = figure(&weighed(&agents, &[1_000, 4_000], 100), 1).unwrap();
        assert_eq!(said.figure.median, 90);
        // (20·50 + 10·400)² / (20·50² + 10·400²) = 15.15…
        assert_eq!(said.effective_agents_milli, 15_151);
        let trimmed = figure(&weighed(&agents, &[1_000, 4_000], 1), 1).unwrap();
        assert_eq!(trimmed.figure.median, 10, "trimmed to the median weight");
        assert_eq!(trimmed.effective_agents_milli, 30_000);
    }

    #[test]
    fn nineteen_agents_have_no_weighted_figure() {
        let values: Vec<i64> = (0..20).collect();
        assert_eq!(figure(&alike(&values[1..]), 1), None);
        assert!(figure(&alike(&values), 1).is_some());
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_in_any_order() {
        let values: Vec<i64> = (0..30).map(|index| (index * 7919) % 1009).collect();
        let mut turned = values.clone();
        turned.reverse();
        assert_eq!(figure(&alike(&values), 3), figure(&alike(&turned), 3));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn with_equal_weights_it_is_the_median(values in proptest::collection::vec(0i64..1_000, 20..50)) {
            let said = figure(&alike(&values), 1).unwrap();
            prop_assert_eq!(Some(said.figure.median), quantile::median(&values));
            prop_assert!(said.figure.low <= said.figure.median && said.figure.median <= said.figure.high);
            prop_assert!(said.effective_agents_milli.abs_diff(values.len() as u64 * 1_000) <= 1);
        }
    }

    /// A draw with median 0 and a tail like Student's t with two degrees of freedom.
    fn heavy_tailed(random: &mut ChaCha8Rng) -> f64 {
        let p: f64 = random.random_range(1e-6..1.0 - 1e-6);
        (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt()
    }

    #[test]
    fn weighted_intervals_cover_the_truth_in_at_least_93_percent_of_simulated_months() {
        const MONTHS: usize = 250;
        // Strata of five agents and more that weigh differently and differ: by symmetry around the middle one
        // the truth is 0.
        let people = [100, 300, 100];
        let shifts = [-400_000.0, 0.0, 400_000.0];
        for (sizes, seed) in [([5, 10, 5], 1), ([15, 5, 10], 2)] {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let covered = (0..MONTHS)
                .filter(|month| {
                    let mut agents = Vec::new();
                    for (stratum, size) in sizes.into_iter().enumerate() {
                        agents.extend((0..size).map(|_| {
                            let value = heavy_tailed(&mut random) * 1e6 + shifts[stratum];
                            #[expect(
                                clippy::cast_possible_truncation,
                                reason = "a thousand millions at most"
                            )]
                            let value = value as i64;
                            (value, stratum)
                        }));
                    }
                    let said = figure(&weighed(&agents, &people, 100), *month as u64).unwrap();
                    said.figure.low <= 0 && 0 <= said.figure.high
                })
                .count();
            let coverage = covered as f64 / MONTHS as f64;
            assert!(coverage >= 0.93, "{sizes:?}: {coverage}");
        }
    }
}
