//! Paired ratios → their median with an interval. Pure, and without assumptions on the distribution.
//!
//! The interval runs from one ratio of the sorted ones to another, as many from the end: under any
//! distribution it holds the median with the probability that a fair coin falls within those ranks
//! (the sign test's interval). The ranks are the innermost ones whose coverage is 95 % or more; six
//! pairs are the fewest that have any.
use crate::failure::Failure;
use crate::observation::Observation;
use serde_json::Value;

/// Fewest bytes of a body that say something of a rate: the first segments come in one round trip,
/// however slow the rest is.
const BODY_MIN_BYTES: i64 = 50_000;
/// Least coverage of an interval.
const COVERAGE_MIN_PPM: i64 = 950_000;
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

/// The rate of a body in bit/s, request to last byte, as an `http_request` tells it; a transfer that
/// ran out of time counts by what came. `None` for too little to tell, and for any other failure.
#[must_use]
pub fn rate_bps(request: &Observation) -> Option<i64> {
    if !matches!(request.failure, None | Some(Failure::GenericTimeout)) {
        return None;
    }
    let bytes = request.detail.get("body_bytes").and_then(Value::as_i64)?;
    let status = request.detail.get("status").and_then(Value::as_i64)?;
    if bytes < BODY_MIN_BYTES || !(200..300).contains(&status) {
        return None;
    }
    let took_us = i128::from(request.duration_us().max(1));
    i64::try_from(i128::from(bytes) * 8_000_000 / took_us).ok()
}

/// Compares; `None` where there are too few pairs for an interval.
#[must_use]
pub fn compare(ratios_ppm: &[i64]) -> Option<Comparison> {
    let ratios = &ratios_ppm[..ratios_ppm.len().min(PAIRS_MAX)];
    let (rank, coverage_ppm) = ranks(ratios.len())?;
    let mut sorted = ratios.to_vec();
    sorted.sort_unstable();
    Some(Comparison {
        median_ppm: median(&sorted)?,
        low_ppm: sorted[rank],
        high_ppm: sorted[sorted.len() - 1 - rank],
        coverage_ppm,
    })
}

/// Of sorted numbers: the middle one, or halfway between the two in the middle, rounded up.
fn median(sorted: &[i64]) -> Option<i64> {
    let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(lower + (upper - lower + 1) / 2)
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
    fn a_ratio_of_nothing_is_bounded() {
        assert_eq!(ratio_ppm(3_000, 2_000), 1_500_000);
        assert_eq!(ratio_ppm(i64::MAX, 0), RATIO_MAX_PPM);
        assert_eq!(ratio_ppm(-1, 5), 0);
    }

    #[test]
    fn a_transfer_out_of_time_counts_and_one_that_broke_does_not() {
        let seen = |failure, bytes: i64, status: i64| Observation {
            t_start_us: 1_000,
            t_end_us: 1_001_000,
            operation: "http_request".to_owned(),
            subject: None,
            failure,
            detail: [("body_bytes", bytes), ("status", status)]
                .map(|(key, value)| (key.to_owned(), value.into()))
                .into(),
        };
        assert_eq!(rate_bps(&seen(None, 100_000, 200)), Some(800_000));
        let late = Some(Failure::GenericTimeout);
        assert_eq!(rate_bps(&seen(late, 100_000, 200)), Some(800_000));
        let broken = Some(Failure::ConnectionReset);
        assert_eq!(rate_bps(&seen(broken, 100_000, 200)), None);
        assert_eq!(rate_bps(&seen(None, 49_999, 200)), None);
        assert_eq!(rate_bps(&seen(None, 100_000, 421)), None);
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
