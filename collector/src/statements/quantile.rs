//! Quantiles of integers: type 7 of Hyndman and Fan (*The American Statistician* 50, 1996), linear
//! interpolation between two neighbours. The one definition of everything that is published.
//!
//! Orders are given in thousandths, so that nothing is rounded before the end: an interpolated value
//! is then rounded to the nearest integer, a half to the even one, so that rounding adds no bias over
//! many figures.

/// The order of a quantile in thousandths, 0 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(u16);

impl Order {
    /// The middle.
    pub const MEDIAN: Self = Self(500);

    /// An order in thousandths; `None` above 1000.
    #[must_use]
    pub const fn permille(thousandths: u16) -> Option<Self> {
        if thousandths <= 1_000 {
            Some(Self(thousandths))
        } else {
            None
        }
    }

    /// The order in thousandths.
    #[must_use]
    pub const fn in_permille(self) -> u16 {
        self.0
    }

    /// The order, 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }
}

/// The quantile of values in rising order; `None` of nothing.
#[must_use]
pub fn quantile_of_sorted(sorted: &[i64], order: Order) -> Option<i64> {
    debug_assert!(sorted.is_sorted());
    let last = sorted.len().checked_sub(1)?;
    let place = last as u128 * u128::from(order.0);
    let below = usize::try_from(place / 1_000).expect("within the values");
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    Some(between(low, high, (place % 1_000).cast_signed()))
}

/// The quantile; `None` of nothing. The order of `values` does not matter.
#[must_use]
pub fn quantile(values: &[i64], order: Order) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    quantile_of_sorted(&sorted, order)
}

/// The median of values in rising order; `None` of nothing.
#[must_use]
pub fn median_of_sorted(sorted: &[i64]) -> Option<i64> {
    quantile_of_sorted(sorted, Order::MEDIAN)
}

/// The median; `None` of nothing. The order of `values` does not matter.
#[must_use]
pub fn median(values: &[i64]) -> Option<i64> {
    quantile(values, Order::MEDIAN)
}

/// The value so many thousandths of the way from `low` to `high`, a half rounded to the even
/// neighbour.
fn between(low: i64, high: i64, thousandths: i128) -> i64 {
    let scaled = (i128::from(high) - i128::from(low)) * thousandths + i128::from(low) * 1_000;
    let (below, rest) = (scaled.div_euclid(1_000), scaled.rem_euclid(1_000));
    let rounds_up = rest > 500 || (rest == 500 && below.rem_euclid(2) == 1);
    i64::try_from(below + i128::from(rounds_up)).expect("between its two neighbours")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(thousandths: u16) -> Order {
        Order::permille(thousandths).unwrap()
    }

    #[test]
    fn type_seven_interpolates_between_neighbours() {
        let values = [40, 10, 30, 20];
        for (thousandths, expected) in [
            (0, 10),
            (100, 13),
            (250, 18),
            (500, 25),
            (900, 37),
            (1_000, 40),
        ] {
            assert_eq!(quantile(&values, order(thousandths)), Some(expected));
        }
        assert_eq!(quantile(&[], order(500)), None);
        assert_eq!(median(&[7]), Some(7));
        assert_eq!(Order::permille(1_001), None);
    }

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        for (low, high, expected) in [(0, 1, 0), (1, 2, 2), (-1, 0, 0), (-2, -1, -2)] {
            assert_eq!(median(&[low, high]), Some(expected));
        }
        assert_eq!(median(&[i64::MIN, i64::MAX]), Some(0));
    }

    proptest! {
        #[test]
        fn as_many_values_lie_below_the_median_as_above(values in proptest::collection::vec(any::<i64>(), 1..60)) {
            let middle = median(&values).unwrap();
            let below = values.iter().filter(|value| **value < middle).count();
            let above = values.iter().filter(|value| **value > middle).count();
            prop_assert!(below <= values.len() / 2 && above <= values.len() / 2);
        }

        #[test]
        fn quantiles_rise_with_their_order_and_stay_within_the_values(
            values in proptest::collection::vec(any::<i64>(), 1..50),
            mut orders in proptest::collection::vec(0u16..=1_000, 2),
        ) {
            orders.sort_unstable();
            let [lower, upper] = [orders[0], orders[1]].map(|one| quantile(&values, order(one)));
            prop_assert!(lower <= upper);
            prop_assert!(values.iter().min().copied() <= lower && upper <= values.iter().max().copied());
        }
    }
}
