//! How long to wait before trying again. Pure: randomness is an argument.
//!
//! Exponential backoff with full jitter, after "Exponential Backoff And Jitter" (AWS Architecture
//! Blog, 2015): uniform between nothing and the bound, so that agents that failed together do not come
//! back together.
use std::time::Duration;

/// Bound of the first wait, milliseconds.
pub(super) const BASE_MS: u64 = 5_000;
/// No wait is longer, but for what the collector asks: 30 minutes, milliseconds.
pub(super) const CAP_MS: u64 = 30 * 60 * 1_000;
/// The longest wait that a collector may ask for: six hours, seconds.
pub(super) const RETRY_AFTER_MAX_S: u64 = 6 * 3_600;

/// The wait after `failures` failures in a row (one or more); `random` is uniform over all `u64`.
#[must_use]
pub(super) fn full_jitter(failures: u32, random: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(32);
    let bound_ms = BASE_MS.saturating_mul(1 << doublings).min(CAP_MS);
    Duration::from_millis(scale(random, bound_ms))
}

/// The wait that the collector asked for, within its cap, and a jitter on top: never less than asked.
#[must_use]
pub(super) fn asked_for(retry_after_s: u64, random: u64) -> Duration {
    let asked_s = retry_after_s.min(RETRY_AFTER_MAX_S);
    Duration::from_secs(asked_s) + Duration::from_millis(scale(random, BASE_MS))
}

/// `random` of all `u64`, scaled to `0..=bound`.
fn scale(random: u64, bound: u64) -> u64 {
    let product = u128::from(random) * (u128::from(bound) + 1);
    u64::try_from(product >> 64)
        .expect("a u64 times a bound, divided by 2^64, is at most the bound")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bound_doubles_and_stops_at_the_cap() {
        let longest = |failures| full_jitter(failures, u64::MAX).as_millis();
        assert_eq!(
            [longest(1), longest(2), longest(3)],
            [5_000, 10_000, 20_000]
        );
        assert_eq!(longest(60), u128::from(CAP_MS));
        assert_eq!(full_jitter(9, 0), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn a_wait_never_exceeds_its_bound(failures: u32, random: u64) {
            prop_assert!(full_jitter(failures, random) <= Duration::from_millis(CAP_MS));
        }

        #[test]
        fn what_the_collector_asks_is_kept_within_the_cap(asked: u64, random: u64) {
            let wait = asked_for(asked, random);
            prop_assert!(wait >= Duration::from_secs(asked.min(RETRY_AFTER_MAX_S)));
            prop_assert!(wait <= Duration::from_secs(RETRY_AFTER_MAX_S) + Duration::from_millis(BASE_MS));
        }
    }
}
