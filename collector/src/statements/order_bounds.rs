//! How sure a quantile over independent agents is, without assuming a distribution: bounds that are
//! order statistics (David and Nagaraja, *Order Statistics*, 3rd ed., section 7.1), and the
//! probability of what was seen under a claim (the sign test).
//!
//! Of n independent values in rising order, x(l) is at most the q-quantile with a probability of at
//! least P(B ≥ l), B binomial over n with chance q; x(u) is at least it with P(B ≤ u−1). Both hold
//! exactly for continuous distributions and are on the safe side where values repeat.
use super::binomial;
use super::quantile::Order;

/// Rank, from 1, of the largest order statistic that is at most the quantile with the given
/// confidence; `None` when there are too few values. One-sided.
#[must_use]
pub fn lower_rank(n: usize, order: Order, confidence: f64) -> Option<usize> {
    let terms = binomial::terms(n, order.fraction());
    let mut beyond = 0.0;
    let mut rank = None;
    // P(B < l) grows with l.
    for (k, term) in terms.iter().enumerate().take(n) {
        beyond += term;
        if beyond > 1.0 - confidence {
            break;
        }
        rank = Some(k + 1);
    }
    rank
}

/// Rank, from 1, of the smallest order statistic that is at least the quantile with the given
/// confidence; `None` when there are too few values. One-sided.
#[must_use]
pub fn upper_rank(n: usize, order: Order, confidence: f64) -> Option<usize> {
    let mirrored = Order::permille(1_000 - order.in_permille())?;
    lower_rank(n, mirrored, confidence).map(|rank| n + 1 - rank)
}

/// How probable so many values below a threshold, or more, are where the quantile is at least the
/// threshold: small, and the quantile lies below it.
#[must_use]
pub fn chance_of_so_many_below(n: usize, below: usize, order: Order) -> f64 {
    binomial::at_least(n, below, order.fraction())
}

/// How probable so many values above a threshold, or more, are where the quantile is at most the
/// threshold: small, and the quantile lies above it.
#[must_use]
pub fn chance_of_so_many_above(n: usize, above: usize, order: Order) -> f64 {
    binomial::at_least(n, above, 1.0 - order.fraction())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(thousandths: u16) -> Order {
        Order::permille(thousandths).unwrap()
    }

    #[test]
    fn the_fewest_agents_for_a_bound_are_those_of_the_field() {
        for (thousandths, fewest) in [(800, 14), (900, 29), (950, 59)] {
            assert_eq!(upper_rank(fewest, order(thousandths), 0.95), Some(fewest));
            assert_eq!(upper_rank(fewest - 1, order(thousandths), 0.95), None);
        }
    }

    #[test]
    fn two_bounds_of_97_and_a_half_percent_are_the_medians_interval_or_wider() {
        for n in [6, 12, 30, 100] {
            let lower = lower_rank(n, Order::MEDIAN, 0.975).unwrap();
            let upper = upper_rank(n, Order::MEDIAN, 0.975).unwrap();
            let interval = crate::statements::interval::median_ranks(n).unwrap();
            assert_eq!((lower, upper), (interval.lower, interval.upper), "{n}");
        }
    }

    proptest! {
        #[test]
        fn a_bound_and_its_test_agree(n in 1usize..200, thousandths in 1u16..1_000, below in 0usize..200) {
            let (order, below) = (order(thousandths), below % (n + 1));
            let p = chance_of_so_many_below(n, below, order);
            prop_assume!((p - 0.05).abs() > 1e-9);
            // The upper bound lies below the threshold when its rank is among those below.
            let bound_is_below = upper_rank(n, order, 0.95).is_some_and(|rank| rank <= below);
            prop_assert_eq!(bound_is_below, p < 0.05);
        }
    }
}
