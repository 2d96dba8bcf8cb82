//! Comparisons of cells with each other: who is higher, said only where it can be told.
//!
//! 1. How far two cells are apart is the shift of Hodges and Lehmann (*Annals of Mathematical Statistics*
//!    34, 1963): the median of all differences between an agent of one and an agent of the other.
//! 2. Whether that may be chance is asked of the ranks of all their agents, dealt anew (a permutation test of
//!    Wilcoxon's rank sum, two-sided). Agents are dealt, never samples.
//! 3. Over all pairs of one comparison the chance of any false difference is at most [`FALSE_MAX`] (Holm).
//! 4. Cells whose intervals overlap are never ranked, whatever the test says.
use super::holm;
use super::quantile::median;
use super::resample::below;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use tonle_evidence::statement::Figure;

/// Highest chance of any false difference among the pairs of one comparison.
pub const FALSE_MAX: f64 = 0.05;
/// Deals.
const DEALS: usize = 9_999;

/// A cell with an estimate.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// Values of its independent agents.
    pub values: &'a [i64],
    /// Its published figure.
    pub figure: Figure,
}

/// What may be said of two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The first is higher, by so much.
    FirstHigher(u64),
    /// The second is higher, by so much.
    SecondHigher(u64),
    /// Nobody can tell.
    NotDetectable,
}

impl Difference {
    /// The word as it is published.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstHigher(_) => "first_higher",
            Self::SecondHigher(_) => "second_higher",
            Self::NotDetectable => "no_detectable_difference",
        }
    }

    /// The shift, in the metric's unit; where there is a difference only.
    #[must_use]
    pub fn shift(self) -> Option<u64> {
        match self {
            Self::FirstHigher(shift) | Self::SecondHigher(shift) => Some(shift),
            Self::NotDetectable => None,
        }
    }
}

/// A pair of cells, by their places, and what may be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The one that comes first.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// What may be said.
    pub difference: Difference,
}

/// Compares each cell with each other. The same seed gives the same answer.
#[must_use]
pub fn compare(cells: &[Compared<'_>], seed: u64) -> Vec<Pair> {
    let pairs: Vec<(usize, usize)> = (0..cells.len())
        .flat_map(|first| (first + 1..cells.len()).map(move |second| (first, second)))
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let chances: Vec<f64> = pairs
        .iter()
        .map(|(first, second)| chance(cells[*first].values, cells[*second].values, &mut random))
        .collect();
    let stands = holm::standing(&chances, FALSE_MAX);
    pairs
        .into_iter()
        .zip(stands)
        .map(|((first, second), stands)| Pair {
            first,
            second,
            difference: difference(&cells[first], &cells[second], stands),
        })
        .collect()
}

fn difference(first: &Compared<'_>, second: &Compared<'_>, stands: bool) -> Difference {
    let overlap = first.figure.low <= second.figure.high && second.figure.low <= first.figure.high;
    if overlap || !stands {
        return Difference::NotDetectable;
    }
    let Some(shift) = shift(first.values, second.values) else {
        return Difference::NotDetectable;
    };
    match shift {
        0 => Difference::NotDetectable,
        1.. => Difference::SecondHigher(shift.unsigned_abs()),
        _ => Difference::FirstHigher(shift.unsigned_abs()),
    }
}

/// By how much the second's values lie above the first's; `None` where one has none.
fn shift(first: &[i64], second: &[i64]) -> Option<i64> {
    let differences: Vec<i64> = first
        .iter()
        .flat_map(|one| second.iter().map(|other| other.saturating_sub(*one)))
        .collect();
    median(&differences)
}

/// How probable ranks as far apart as these are where both are drawn from one and the same.
fn chance(first: &[i64], second: &[i64], random: &mut ChaCha8Rng) -> f64 {
    let all: Vec<i64> = first.iter().chain(second).copied().collect();
    let mut ranks = doubled_ranks(&all);
    let expected = first.len() as u64 * (all.len() as u64 + 1);
    let seen = sum_of(&ranks, first.len()).abs_diff(expected);
    let mut as_far = 1_u32;
    for _ in 0..DEALS {
        deal(&mut ranks, first.len(), random);
        as_far += u32::from(sum_of(&ranks, first.len()).abs_diff(expected) >= seen);
    }
    f64::from(as_far) / (DEALS as f64 + 1.0)
}

fn sum_of(ranks: &[u64], count: usize) -> u64 {
    ranks[..count].iter().sum()
}

/// Twice the rank of each value; equal values share the mean of theirs.
fn doubled_ranks(values: &[i64]) -> Vec<u64> {
    values
        .iter()
        .map(|value| {
            let below = values.iter().filter(|other| *other < value).count() as u64;
            let equal = values.iter().filter(|other| *other == value).count() as u64;
            2 * below + equal + 1
        })
        .collect()
}

/// Deals the first `count` anew, each choice as probable (Fisher and Yates).
fn deal(ranks: &mut [u64], count: usize, random: &mut ChaCha8Rng) {
    for place in 0..count {
        let other = place + below(ranks.len() - place, random.next_u64());
        ranks.swap(place, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::interval::median_ranks;
    use crate::statements::quantile::median_of_sorted;

    fn compared(values: &[i64]) -> Compared<'_> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let ranks = median_ranks(sorted.len()).unwrap();
        let figure = Figure {
            median: median_of_sorted(&sorted).unwrap(),
            low: sorted[ranks.lower - 1],
            high: sorted[ranks.upper - 1],
            coverage_ppm: ranks.coverage_ppm(),
        };
        Compared { values, figure }
    }

    fn of(first: &[i64], second: &[i64]) -> Difference {
        compare(&[compared(first), compared(second)], 1)[0].difference
    }

    #[test]
    fn cells_that_lie_apart_are_ranked_with_their_shift() {
        let low: Vec<i64> = (0..12).collect();
        let high: Vec<i64> = (100..112).collect();
        assert_eq!(of(&low, &high), Difference::SecondHigher(100));
        assert_eq!(of(&high, &low), Difference::FirstHigher(100));
        assert_eq!(of(&low, &low), Difference::NotDetectable);
    }

    #[test]
    fn intervals_that_overlap_are_not_ranked_even_where_the_test_would() {
        let first: Vec<i64> = (0..40).collect();
        let second: Vec<i64> = (0..40).map(|value| value + 11).collect();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        assert!(chance(&first, &second, &mut random) < 0.05);
        assert_eq!(of(&first, &second), Difference::NotDetectable);
    }

    #[test]
    fn the_chance_of_six_against_six_that_lie_apart_is_that_of_all_deals() {
        let low: Vec<i64> = (0..6).collect();
        let high: Vec<i64> = (10..16).collect();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        // Two of the 924 deals.
        let chance = chance(&low, &high, &mut random);
        assert!((chance - 2.0 / 924.0).abs() < 0.002, "{chance}");
    }

    #[test]
    fn among_many_pairs_a_difference_that_would_stand_alone_may_fall() {
        // Two of the 924 deals stand alone, and not among the 153 pairs of eighteen cells.
        let mut values: Vec<Vec<i64>> = (0..17)
            .map(|cell| (cell..cell + 60).step_by(10).collect())
            .collect();
        values.push((100..106).collect());
        assert!(matches!(
            of(&values[0], &values[17]),
            Difference::SecondHigher(_)
        ));
        let cells: Vec<Compared<'_>> = values.iter().map(|one| compared(one)).collect();
        let pairs = compare(&cells, 1);
        assert_eq!(pairs.len(), 153);
        assert!(
            pairs
                .iter()
                .all(|pair| pair.difference == Difference::NotDetectable)
        );
    }

    #[test]
    fn cells_that_are_alike_are_seldom_told_apart() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut draw = |count: usize| -> Vec<i64> {
            (0..count)
                .map(|_| i64::from(random.next_u32() >> 8))
                .collect()
        };
        let mut false_ones = 0;
        for seed in 0..60 {
            let values = [draw(6), draw(9), draw(12)];
            let cells: Vec<Compared<'_>> = values.iter().map(|one| compared(one)).collect();
            let pairs = compare(&cells, seed);
            let told = |pair: &Pair| pair.difference != Difference::NotDetectable;
            false_ones += usize::from(pairs.iter().any(told));
        }
        assert!(false_ones <= 3, "{false_ones} of 60");
    }
}
