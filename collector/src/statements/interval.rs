//! How sure a median is: the distribution-free interval between two order statistics.
//!
//! Of n independent values in rising order x(1)…x(n), the interval from x(l) to x(u) covers the
//! population's median with probability Σ k=l..u−1 C(n,k) / 2ⁿ, whatever the distribution
//! (David and Nagaraja, *Order Statistics*, 3rd ed., section 7.1). Here u = n+1−l, and l is the
//! largest for which the probability is at least 95 %. Fewer than six values have no such interval.

use super::binomial;

/// The least coverage of a published interval.
pub const COVERAGE_MIN: f64 = 0.95;

/// Which order statistics are the ends of the interval, and how often it covers the median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranks {
    /// Rank of the lower end, from 1.
    pub lower: usize,
    /// Rank of the upper end, from 1.
    pub upper: usize,
    /// Probability that the interval covers the median, 0 to 1.
    pub coverage: f64,
}

impl Ranks {
    /// The coverage in parts per million, rounded down: never more than the truth.
    #[must_use]
    pub fn coverage_ppm(&self) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a probability times a million lies between 0 and a million"
        )]
        let ppm = (self.coverage * 1e6) as u32;
        ppm
    }
}

/// The narrowest symmetric interval for the median of `n` values with a coverage of at least
/// [`COVERAGE_MIN`]; `None` when there is none.
#[must_use]
pub fn median_ranks(n: usize) -> Option<Ranks> {
    let terms = binomial::terms(n, 0.5);
    let mut outside = 0.0;
    let mut best = None;
    for lower in 1..=n.div_ceil(2) {
        // Symmetry: both tails k < l and k > n−l weigh the same.
        outside += 2.0 * terms[lower - 1];
        let coverage = 1.0 - outside;
        if coverage < COVERAGE_MIN {
            break;
        }
        best = Some(Ranks {
            lower,
            upper: n + 1 - lower,
            coverage,
        });
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// n, l, u and the coverage in tenths of a percent, as the design's table prints them.
    const TABLE: [(usize, usize, usize, u32); 19] = [
        (6, 1, 6, 969),
        (7, 1, 7, 984),
        (8, 1, 8, 992),
        (9, 2, 8, 961),
        (10, 2, 9, 979),
        (11, 2, 10, 988),
        (12, 3, 10, 961),
        (13, 3, 11, 978),
        (14, 3, 12, 987),
        (15, 4, 12, 965),
        (16, 4, 13, 979),
        (18, 5, 14, 969),
        (20, 6, 15, 959),
        (25, 8, 18, 957),
        (30, 10, 21, 957),
        (40, 14, 27, 962),
        (50, 18, 33, 967),
        (60, 22, 39, 973),
        (100, 40, 61, 965),
    ];

    /// The same coverage in whole numbers: Σ C(n,k) and 2ⁿ, both exact up to n = 120.
    fn exact(n: u32, lower: u32, upper: u32) -> (u128, u128) {
        let mut row = vec![1_u128];
        for _ in 0..n {
            let inner = row.windows(2).map(|pair| pair[0] + pair[1]);
            row = std::iter::once(1).chain(inner).chain([1]).collect();
        }
        let covered = (lower..upper).map(|k| row[k as usize]).sum();
        (covered, 1_u128 << n)
    }

    #[test]
    fn the_table_of_the_field_is_reproduced_to_the_printed_digit() {
        for (n, lower, upper, per_mille) in TABLE {
            let ranks = median_ranks(n).unwrap();
            assert_eq!((ranks.lower, ranks.upper), (lower, upper), "n = {n}");
            let printed = format!("{:.1}", ranks.coverage * 100.0);
            let expected = format!("{}.{}", per_mille / 10, per_mille % 10);
            assert_eq!(printed, expected, "n = {n}");
        }
    }

    #[test]
    fn fewer_than_six_values_have_no_interval() {
        for n in 0..6 {
            assert_eq!(median_ranks(n), None);
        }
        let (covered, all) = exact(5, 1, 5);
        assert_eq!((covered, all), (30, 32), "93.8 % at best");
    }

    #[test]
    fn coverage_agrees_with_whole_numbers_and_no_narrower_interval_would_do() {
        for n in 6..=120_u32 {
            let ranks = median_ranks(n as usize).unwrap();
            let lower = u32::try_from(ranks.lower).unwrap();
            let upper = u32::try_from(ranks.upper).unwrap();
            let (covered, all) = exact(n, lower, upper);
            assert!(covered * 20 >= all * 19, "n = {n}");
            assert!((covered as f64 / all as f64 - ranks.coverage).abs() < 1e-12);
            let (narrower, _) = exact(n, lower + 1, upper - 1);
            assert!(narrower * 20 < all * 19, "n = {n}");
        }
    }

    #[test]
    fn large_panels_neither_overflow_nor_vanish() {
        let ranks = median_ranks(100_000).unwrap();
        assert!(ranks.coverage >= COVERAGE_MIN && ranks.coverage < 0.952);
        assert_eq!(ranks.lower + ranks.upper, 100_001);
    }
}
