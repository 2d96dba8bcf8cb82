//! A histogram of durations whose buckets grow with the value: none is wider than an eighth of its
//! lower end, so that a quantile read from it is right to that share.

/// Values below this have a bucket each.
const EXACT_BELOW: i64 = 16;
/// Bits of a value that tell its bucket, beside the leading one.
const DETAIL_BITS: u32 = 3;

/// Lower end of the bucket that holds `value`; negative values count as zero.
fn bucket(value: i64) -> i64 {
    if value < EXACT_BELOW {
        return value.max(0);
    }
    let shift = value.ilog2() - DETAIL_BITS;
    value >> shift << shift
}

/// (lower end, count) of every bucket that holds a value, ascending.
#[must_use]
pub fn of(values: impl IntoIterator<Item = i64>) -> Vec<(i64, i64)> {
    let mut buckets = std::collections::BTreeMap::new();
    for value in values {
        *buckets.entry(bucket(value)).or_insert(0) += 1;
    }
    buckets.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_lies_within_an_eighth_above_its_bucket(value in 0_i64..i64::MAX) {
            let from = bucket(value);
            prop_assert!(from <= value && value - from <= from / 8);
            prop_assert_eq!(bucket(from), from);
        }

        #[test]
        fn every_value_is_counted_once(values in proptest::collection::vec(any::<i64>(), 0..50)) {
            let counted: i64 = of(values.clone()).iter().map(|(_, count)| count).sum();
            prop_assert_eq!(counted, i64::try_from(values.len()).unwrap());
        }
    }
}
