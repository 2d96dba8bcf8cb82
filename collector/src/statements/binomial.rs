//! The binomial distribution, for intervals that assume nothing else.
//!
//! Terms are taken relative to the largest one and normalised by their sum: nothing overflows, and
//! what underflows is too small to matter.

/// How probable each number of successes is, 0 to `n`, when one is as probable as `p` (0 to 1).
#[must_use]
pub fn terms(n: usize, p: f64) -> Vec<f64> {
    let mut terms = vec![0.0; n + 1];
    if p <= 0.0 {
        terms[0] = 1.0;
        return terms;
    }
    if p >= 1.0 {
        terms[n] = 1.0;
        return terms;
    }
    let mode = mode(n, p);
    let odds = p / (1.0 - p);
    terms[mode] = 1.0;
    for k in (0..mode).rev() {
        terms[k] = terms[k + 1] * (k + 1) as f64 / ((n - k) as f64 * odds);
    }
    for k in mode + 1..=n {
        terms[k] = terms[k - 1] * (n - k + 1) as f64 * odds / k as f64;
    }
    // Smallest first: the tails keep what they have.
    let mut sorted = terms.clone();
    sorted.sort_by(f64::total_cmp);
    let total: f64 = sorted.iter().sum();
    for term in &mut terms {
        *term /= total;
    }
    terms
}

/// A most probable number of successes.
fn mode(n: usize, p: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and n, or n + 1 by rounding"
    )]
    let mode = ((n as f64 + 1.0) * p) as usize;
    mode.min(n)
}

/// Probability of at least `k` successes.
#[must_use]
pub fn at_least(n: usize, k: usize, p: f64) -> f64 {
    terms(n, p).iter().skip(k).rev().sum::<f64>().min(1.0)
}

/// Probability of at most `k` successes.
#[must_use]
pub fn at_most(n: usize, k: usize, p: f64) -> f64 {
    terms(n, p).iter().take(k + 1).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fair_coin_thrown_four_times() {
        let expected = [1.0, 4.0, 6.0, 4.0, 1.0].map(|ways: f64| ways / 16.0);
        for (term, expected) in terms(4, 0.5).iter().zip(expected) {
            assert!((term - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn certainty_leaves_one_outcome() {
        assert_eq!(terms(3, 0.0), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(terms(3, 1.0), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(terms(0, 0.3), [1.0]);
    }

    proptest! {
        #[test]
        fn tails_complete_each_other(n in 1usize..3_000, k in 0usize..3_000, p in 0.0..1.0) {
            let k = k % n;
            let both = at_most(n, k, p) + at_least(n, k + 1, p);
            prop_assert!((both - 1.0).abs() < 1e-9, "{both}");
        }

        #[test]
        fn counting_failures_in_place_of_successes_changes_nothing(n in 1usize..500, k in 0usize..500, p in 0.001..0.999) {
            let k = k % (n + 1);
            let other = at_least(n, n - k, 1.0 - p);
            prop_assert!((at_most(n, k, p) - other).abs() < 1e-9);
        }
    }
}
