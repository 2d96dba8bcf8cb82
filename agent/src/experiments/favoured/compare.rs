//! What paired ratios say of tests. Pure; the interval is [`tonle_evidence::paired`]'s.
//!
//! - F0 `insufficient`: too few pairs for an interval.
//! - F1 `test_favoured`: the whole interval lies at 1.1 or above: the test is faster.
//! - F2 `test_held_back`: the whole interval lies at 1/1.1 or below.
//! - F3 `alike`: the whole interval lies between.
//! - F4 `unclear`: none of these.
//!
//! A tenth is our own choice: below it lie the protocols' own headers and slow start.
use tonle_evidence::paired::Comparison;
pub use tonle_evidence::paired::{compare, ratio_ppm};

/// Ratios from here on are a difference.
const FASTER_PPM: i64 = 1_100_000;
/// Ratios up to here are one the other way.
const SLOWER_PPM: i64 = 909_091;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn says(ratios_ppm: &[i64]) -> &'static str {
        verdict(compare(ratios_ppm).as_ref()).0
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
}
