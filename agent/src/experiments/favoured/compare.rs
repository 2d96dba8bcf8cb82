//! Paired ratios → their median with an interval, and what that says. Pure.
//!
//! The interval runs from one ratio of the sorted ones to another, as many from the end: under any
//! distribution it holds the median with the probability that a fair coin falls within those ranks
//! (the sign test's interval). The ranks are the innermost ones whose coverage is 95 % or more; six
//! pairs are the fewest that have any.
//!
//! - F0 `insufficient`: fewer than six pairs.
//! - F1 `test_favoured`: the whole interval lies at 1.1 or above: the test is faster.
//! - F2 `test_held_back`: the whole interval lies at 1/1.1 or below.
//! - F3 `alike`: the whole interval lies between.
//! - F4 `unclear`: none of these.
//!
//! A tenth is our own choice: below it lie the protocols' own headers and slow start.
use crate::quantile;

/// Least coverage of an interval.
const COVERAGE_MIN_PPM: i64 = 950_000;
/// Ratios from here on are a difference.
const FASTER_PPM: i64 = 1_100_000;
/// Ratios up to here are one the other way.
const SLOWER_PPM: i64 = 909_091;
/// Largest ratio that is told.
const RATIO_MAX_PPM: i64 = 1_000_000_000;
/// Most pairs whose ranks are reckoned.
const PAIRS_MAX: usize = 60;

/// What the pairs of a run say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// Median of the ratios, millionths.
    pub median_ppm: i64,
    /// Lower end of the interval.
    pub low_ppm: i64,
    /// Upper end of the interval.
    pub high_ppm: i64,
    /// Probability with which it holds the median.
    pub coverage_ppm: i64,
}

/// One rate in millionths of another.
#[must_use]
pub fn ratio_ppm(rate: i64, of: i64) -> i64 {
    let ratio = i128::from(rate.max(0)) * 1_000_000 / i128::from(of.max(1));
    i64::try_from(ratio).map_or(RATIO_MAX_PPM, |ratio| ratio.min(RATIO_MAX_PPM))
}

/// Compares; `None` where there are too few pairs for an interval.
#[must_use]
pub fn compare(ratios_ppm: &[i64]) -> Option<Comparison> {
    let ratios = &ratios_ppm[..ratios_ppm.len().min(PAIRS_MAX)];
    let (rank, coverage_ppm) = ranks(ratios.len())?;
    let mut sorted = ratios.to_vec();
    sorted.sort_unstable();
    Some(Comparison {
        median_ppm: quantile::median(&sorted)?,
        low_ppm: sorted[rank],
        high_ppm: sorted[sorted.len() - 1 - rank],
        coverage_ppm,
    })
}

/// What it says, with its rule.
#[must_use]
pub fn verdict(comparison: Option<&Comparison>) -> (&'static str, &'static str) {
    let Some(comparison) = comparison else {
        return ("insufficient", "F0");
    };
    let (low, high) = (comparison.low_ppm, comparison.high_ppm);
    match () {
        () if low >= FASTER_PPM => ("test_favoured", "F1"),
        () if high <= SLOWER_PPM => ("test_held_back", "F2"),
        () if low > SLOWER_PPM && high < FASTER_PPM => ("alike", "F3"),
        () => ("unclear", "F4"),
    }
}

/// How many ratios lie beyond the interval on each side, and its coverage.
fn ranks(pairs: usize) -> Option<(usize, i64)> {
    let all = 1_u64.checked_shl(u32::try_from(pairs).ok()?)?;
    let mut beyond = 0_u64;
    let mut ways = 1_u64;
    let mut innermost = None;
    for rank in 0..pairs.div_ceil(2) {
        beyond += ways;
        let outside = u128::from(beyond) * 2 * 1_000_000;
        let outside_ppm = i64::try_from(outside.div_ceil(u128::from(all))).ok()?;
        let coverage_ppm = 1_000_000 - outside_ppm;
        if coverage_ppm < COVERAGE_MIN_PPM {
            break;
        }
        innermost = Some((rank, coverage_ppm));
        // The next number of its row of Pascal's triangle.
        let row = pairs as u128;
        let next = u128::from(ways) * (row - rank as u128) / (rank as u128 + 1);
        ways = u64::try_from(next).ok()?;
    }
    innermost
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn says(ratios_ppm: &[i64]) -> &'static str {
        verdict(compare(ratios_ppm).as_ref()).0
    }

    #[test]
    fn ranks_are_those_of_the_sign_test() {
        // R: 1 - 2 * pbinom(rank, n, 0.5)
        assert_eq!(ranks(5), None);
        assert_eq!(ranks(6), Some((0, 968_750)));
        assert_eq!(ranks(8), Some((0, 992_187)));
        assert_eq!(ranks(9), Some((1, 960_937)));
        // 20 values: ranks 6 to 15, 95.9 %.
        assert_eq!(ranks(20), Some((5, 958_610)));
    }

    #[test]
    fn too_few_pairs_say_nothing() {
        assert_eq!(says(&[]), "insufficient");
        assert_eq!(says(&[5_000_000; 5]), "insufficient");
    }

    #[test]
    fn a_difference_is_claimed_only_where_the_whole_interval_has_it() {
        assert_eq!(says(&[5_000_000; 8]), "test_favoured");
        assert_eq!(says(&[200_000; 8]), "test_held_back");
        assert_eq!(says(&[1_000_000; 8]), "alike");
        let one_against = [5, 5, 5, 5, 5, 5, 5, 1].map(|ratio| ratio * 1_000_000);
        assert_eq!(says(&one_against), "unclear");
    }

    #[test]
    fn a_ratio_of_nothing_is_bounded() {
        assert_eq!(ratio_ppm(3_000, 2_000), 1_500_000);
        assert_eq!(ratio_ppm(i64::MAX, 0), RATIO_MAX_PPM);
        assert_eq!(ratio_ppm(-1, 5), 0);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_median_and_lies_within_the_ratios(ratios in proptest::collection::vec(0i64..=RATIO_MAX_PPM, 0..80)) {
            let Some(found) = compare(&ratios) else {
                prop_assert!(ratios.len() < 6);
                return Ok(());
            };
            prop_assert!(found.low_ppm <= found.median_ppm && found.median_ppm <= found.high_ppm);
            prop_assert!(ratios.contains(&found.low_ppm) && ratios.contains(&found.high_ppm));
            prop_assert!((COVERAGE_MIN_PPM..1_000_000).contains(&found.coverage_ppm));
        }

        #[test]
        fn the_order_of_pairs_and_their_turning_round_change_nothing_but_the_sign(ratios in proptest::collection::vec(100_000i64..10_000_000, 6..20)) {
            let mut backwards = ratios.clone();
            backwards.reverse();
            prop_assert_eq!(compare(&ratios), compare(&backwards));
            let turned: Vec<i64> = ratios.iter().map(|ratio| 1_000_000_000_000 / ratio).collect();
            let (one, other) = (compare(&ratios).unwrap(), compare(&turned).unwrap());
            prop_assert_eq!(other.low_ppm, 1_000_000_000_000 / one.high_ppm);
        }
    }
}
