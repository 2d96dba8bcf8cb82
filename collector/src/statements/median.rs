//! The median of integers: type 7 of Hyndman and Fan (1996), linear interpolation between the two
//! middle values.
//!
//! The middle of an even number of values can end in one half. It is then rounded to the even
//! neighbour, so that rounding adds no bias over many figures.

/// The median; `None` of nothing. The order of `values` does not matter.
#[must_use]
pub fn median(values: &[i64]) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    median_of_sorted(&sorted)
}

/// The median of values in rising order; `None` of nothing.
#[must_use]
pub fn median_of_sorted(sorted: &[i64]) -> Option<i64> {
    debug_assert!(sorted.is_sorted());
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return Some(sorted[middle]);
    }
    let lower = *sorted.get(middle.checked_sub(1)?)?;
    Some(midpoint(lower, sorted[middle]))
}

/// The mean of two values, a half rounded to the even neighbour.
#[must_use]
pub fn midpoint(one: i64, other: i64) -> i64 {
    let sum = i128::from(one) + i128::from(other);
    let below = sum.div_euclid(2);
    let is_half = sum.rem_euclid(2) == 1;
    let below_is_odd = below.rem_euclid(2) == 1;
    let rounded = below + i128::from(is_half && below_is_odd);
    i64::try_from(rounded).expect("a mean lies between its two values")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        assert_eq!(midpoint(0, 1), 0);
        assert_eq!(midpoint(1, 2), 2);
        assert_eq!(midpoint(-1, 0), 0);
        assert_eq!(midpoint(-2, -1), -2);
        assert_eq!(midpoint(i64::MIN, i64::MAX), 0);
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7]), Some(7));
        assert_eq!(median(&[9, 1, 4]), Some(4));
        assert_eq!(median(&[9, 1, 4, 6]), Some(5));
    }

    proptest! {
        #[test]
        fn as_many_values_lie_below_as_above(values in proptest::collection::vec(any::<i64>(), 1..60)) {
            let middle = median(&values).unwrap();
            let below = values.iter().filter(|value| **value < middle).count();
            let above = values.iter().filter(|value| **value > middle).count();
            prop_assert!(below <= values.len() / 2 && above <= values.len() / 2);
        }
    }
}
