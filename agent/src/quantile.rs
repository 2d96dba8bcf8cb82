//! Quantiles of a few integers: type 7 of Hyndman and Fan (1996), what R and most spreadsheets
//! compute, rounded half up. Pure.

/// The quantile at `percent` hundredths of `values`; `None` of nothing.
#[must_use]
pub fn quantile(values: &[i64], percent: u8) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = i64::try_from(sorted.len()).ok()?.checked_sub(1)?;
    let position = last * i64::from(percent.min(100));
    let below = usize::try_from(position / 100).ok()?;
    let lower = *sorted.get(below)?;
    let Some(upper) = sorted.get(below + 1) else {
        return Some(lower);
    };
    Some(lower + divide_rounded((upper - lower) * (position % 100), 100))
}

/// The median; `None` of nothing.
#[must_use]
pub fn median(values: &[i64]) -> Option<i64> {
    quantile(values, 50)
}

/// Division of a non-negative number by a positive one, rounded half up.
#[must_use]
pub fn divide_rounded(numerator: i64, denominator: i64) -> i64 {
    (numerator * 2 + denominator) / (denominator * 2)
}

/// `part` of `whole` in parts per million; `None` when there is no whole.
#[must_use]
pub fn ratio_ppm(part: usize, whole: usize) -> Option<i64> {
    let whole = i64::try_from(whole).ok().filter(|whole| *whole > 0)?;
    Some(divide_rounded(i64::try_from(part).ok()? * 1_000_000, whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_interpolate_between_ranks() {
        // R: quantile(c(10, 20, 30, 40), c(0, .5, .95, 1), type = 7) = 10, 25, 38.5, 40
        let values = [40, 10, 30, 20];
        let at = |percent| quantile(&values, percent).unwrap();
        assert_eq!([0, 50, 95, 100].map(at), [10, 25, 39, 40]);
    }

    #[test]
    fn nothing_has_no_quantile_and_no_ratio() {
        assert_eq!(median(&[]), None);
        assert_eq!(ratio_ppm(0, 0), None);
    }

    #[test]
    fn ratios_are_rounded() {
        assert_eq!(ratio_ppm(1, 3), Some(333_333));
        assert_eq!(ratio_ppm(2, 3), Some(666_667));
    }

    proptest! {
        #[test]
        fn quantiles_grow_and_stay_within_the_values(values in proptest::collection::vec(0_i64..1_000_000_000, 1..40), low in 0_u8..=100, high in 0_u8..=100) {
            let (low, high) = (low.min(high), low.max(high));
            let (below, above) = (quantile(&values, low).unwrap(), quantile(&values, high).unwrap());
            prop_assert!(values.iter().min().unwrap() <= &below);
            prop_assert!(below <= above);
            prop_assert!(&above <= values.iter().max().unwrap());
        }
    }
}
