//! A percentile over agents: its bounds are order statistics, and nothing is assumed of how values
//! are distributed (see [`order_bounds`](crate::statements::order_bounds)).
use super::evidence::Evidence;
use crate::statements::order_bounds::{
    chance_of_so_many_above, chance_of_so_many_below, lower_rank, upper_rank,
};
use crate::statements::quantile::{Order, quantile_of_sorted};
use tonle_evidence::standard::Op;

/// Bounds the percentile of `order` of the agents' values and holds it against the threshold.
///
/// `None` of no agent.
#[must_use]
pub(super) fn judge(
    values: &[i64],
    order: Order,
    (op, threshold): (Op, i64),
    confidence: f64,
) -> Option<Evidence> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let n = sorted.len();
    let at = |rank: Option<usize>| rank.map(|rank| sorted[rank - 1] as f64);
    let count = |wrong: fn(&i64, &i64) -> bool| {
        sorted
            .iter()
            .filter(|value| wrong(value, &threshold))
            .count()
    };
    Some(Evidence {
        value: quantile_of_sorted(&sorted, order)? as f64,
        low: at(lower_rank(n, order, confidence)),
        high: at(upper_rank(n, order, confidence)),
        chance_if_met: match op {
            Op::AtLeast => {
                chance_of_so_many_below(n, count(|value, threshold| value < threshold), order)
            }
            Op::AtMost => {
                chance_of_so_many_above(n, count(|value, threshold| value > threshold), order)
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fewer_than_five_agents_bound_no_median() {
        let seen = judge(&[1, 2, 3, 4], Order::MEDIAN, (Op::AtLeast, 2), 0.95).unwrap();
        assert_eq!((seen.low, seen.high), (None, None));
        let seen = judge(&[1, 2, 3, 4, 5], Order::MEDIAN, (Op::AtLeast, 2), 0.95).unwrap();
        assert_eq!((seen.low, seen.high), (Some(1.0), Some(5.0)));
    }

    proptest! {
        #[test]
        fn the_bound_and_the_chance_say_the_same(
            values in proptest::collection::vec(0i64..100, 1..80),
            threshold in 0i64..100,
            thousandths in 1u16..1_000,
            least in any::<bool>(),
        ) {
            let op = if least { Op::AtLeast } else { Op::AtMost };
            let order = Order::permille(thousandths).unwrap();
            let seen = judge(&values, order, (op, threshold), 0.95).unwrap();
            let wrong = match op {
                Op::AtLeast => seen.high.is_some_and(|high| high < threshold as f64),
                Op::AtMost => seen.low.is_some_and(|low| low > threshold as f64),
            };
            prop_assert_eq!(wrong, seen.chance_if_met <= 0.05);
        }
    }
}
