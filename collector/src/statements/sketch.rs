//! A sketch of many values that can be merged: for live views, never for what is published.
//!
//! `DDSketch` (Masson, Rim, Lee; VLDB 2019) with a relative error of one percent: bucket `i` holds the
//! values from γ^(i−1), exclusive, to γ^i, where γ = (1 + α) / (1 − α) = 101/99. The boundaries are
//! reckoned in integers once, so that a value lies in the same bucket on every machine, and sketches
//! of the same values are equal however they were divided and merged.
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Values of zero have a bucket of their own; no integer lies between it and the bucket of one.
pub const ZERO_BUCKET: i32 = -1;
/// Values above, which no metric declares, count as this one.
const LARGEST: u64 = 1 << 53;
/// Binary places of the boundaries: far more than the 1 837 steps up to [`LARGEST`] can spoil.
const PLACES: u32 = 64;

/// γ^i times 2^[`PLACES`], rounded down, up to the first that is at least [`LARGEST`].
static POWERS: LazyLock<Vec<u128>> = LazyLock::new(|| {
    let mut powers = vec![1_u128 << PLACES];
    let mut power = powers[0];
    while power >> PLACES < u128::from(LARGEST) {
        power = power * 101 / 99;
        powers.push(power);
    }
    powers
});

/// The bucket of a value. Negative values, which no metric has, count as zero.
#[must_use]
pub fn bucket_of(value: i64) -> i32 {
    let value = u64::try_from(value).unwrap_or(0).min(LARGEST);
    if value == 0 {
        return ZERO_BUCKET;
    }
    let below = POWERS.partition_point(|power| power >> PLACES < u128::from(value));
    i32::try_from(below).expect("under two thousand buckets")
}

/// The value that stands for a bucket: within one percent of every value in it, and half a unit.
/// Above the last bucket it is that of the last.
#[must_use]
pub fn middle_of(bucket: i32) -> i64 {
    let Ok(bucket) = usize::try_from(bucket) else {
        return 0;
    };
    let upper = POWERS[bucket.min(POWERS.len() - 1)];
    let half_a_unit = 1_u128 << (PLACES - 1);
    // 2 γ^i / (γ + 1) = 0.99 γ^i
    let middle = (upper / 100 * 99 + half_a_unit) >> PLACES;
    i64::try_from(middle).expect("below two to the power of 54")
}

/// How many values lie in each bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    buckets: BTreeMap<i32, u64>,
}

impl Sketch {
    /// Adds `samples` values of a bucket.
    pub fn add(&mut self, bucket: i32, samples: u64) {
        let held = self.buckets.entry(bucket).or_default();
        *held = held.saturating_add(samples);
    }

    /// Adds all that another holds.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, samples) in &other.buckets {
            self.add(*bucket, *samples);
        }
    }

    /// How many values are in.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.buckets
            .values()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The quantile at `percent` (0 to 100), in the metric's unit: of the values in order, the one
    /// with `percent` of the others below it, to within the sketch's error. `None` of nothing.
    #[must_use]
    pub fn quantile(&self, percent: u8) -> Option<i64> {
        let others = self.samples().checked_sub(1)?;
        let below = u128::from(percent.min(100)) * u128::from(others) / 100;
        let mut passed = 0_u128;
        let holds_it = |(_, samples): &(&i32, &u64)| {
            passed += u128::from(**samples);
            passed > below
        };
        let (bucket, _) = self.buckets.iter().find(holds_it)?;
        Some(middle_of(*bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch_of(values: &[i64]) -> Sketch {
        let mut sketch = Sketch::default();
        for value in values {
            sketch.add(bucket_of(*value), 1);
        }
        sketch
    }

    #[test]
    fn boundaries_are_the_powers_of_gamma_rounded_down() {
        // Python: from fractions import Fraction; floor(Fraction(101, 99) ** i)
        let exact = [
            (0, 1),
            (34, 1),
            (35, 2),
            (100, 7),
            (500, 22_033),
            (1_000, 485_488_766),
        ];
        for (power, floor) in exact {
            assert_eq!(POWERS[power] >> PLACES, floor, "power {power}");
        }
        assert_eq!((bucket_of(0), bucket_of(1), bucket_of(2)), (-1, 0, 35));
        assert!(POWERS.len() < 2_000);
    }

    #[test]
    fn nothing_has_no_quantile_and_one_value_is_all_of_them() {
        assert_eq!(Sketch::default().quantile(50), None);
        let one = sketch_of(&[0]);
        assert_eq!((one.quantile(0), one.quantile(100)), (Some(0), Some(0)));
    }

    #[test]
    fn values_out_of_every_range_have_a_bucket() {
        assert_eq!(bucket_of(-5), ZERO_BUCKET);
        assert_eq!(bucket_of(i64::MAX), bucket_of(1 << 53));
        assert!(middle_of(i32::MAX) >= 1 << 52);
        assert_eq!(middle_of(i32::MIN), 0);
    }

    proptest! {
        #[test]
        fn a_buckets_middle_is_within_one_percent_of_its_values(value in 0_i64..1 << 53) {
            let off = (middle_of(bucket_of(value)) - value).abs();
            prop_assert!(off * 100 <= value + 100, "{value} is off by {off}");
        }

        #[test]
        fn a_quantile_is_within_one_percent_of_the_exact_one(
            values in proptest::collection::vec(0_i64..10_000_000, 1..200),
            percent in 0_u8..=100,
        ) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let exact = sorted[usize::from(percent) * (sorted.len() - 1) / 100];
            let told = sketch_of(&values).quantile(percent).unwrap();
            prop_assert!((told - exact).abs() * 100 <= exact + 100, "{told} for {exact}");
        }

        #[test]
        fn any_division_and_order_of_the_values_gives_the_same_sketch(
            values in proptest::collection::vec(any::<i64>(), 0..100),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = sketch_of(&values);
            let (first, second) = values.split_at(cut.index(values.len() + 1));
            let mut merged = sketch_of(second);
            merged.merge(&sketch_of(first));
            prop_assert_eq!(&merged, &whole);
            prop_assert_eq!(merged.samples(), values.len() as u64);
        }
    }
}
