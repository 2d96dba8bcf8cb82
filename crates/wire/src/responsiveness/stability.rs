//! When a quantity under test has settled (draft-ietf-ippm-responsiveness-09, section 4.2.2): the
//! standard deviation of its last values is within a tolerance of the newest.
use super::spec::{AVERAGE_INTERVALS, TOLERANCE_PERCENT};

/// Largest value that is taken as it is: of JSON's safe integers. Squares of it fit.
const VALUE_MAX: i64 = (1 << 53) - 1;

/// How far a stage came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Fewer intervals than are averaged.
    Low,
    /// Enough intervals, and not settled.
    Medium,
    /// Settled.
    High,
}

impl Confidence {
    /// The word in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One value after each interval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stability {
    values: Vec<i64>,
}

impl Stability {
    /// Takes the value of an interval, usually an average over the last ones. Negative ones count
    /// as nothing.
    pub fn push(&mut self, value: i64) {
        self.values.push(value.clamp(0, VALUE_MAX));
    }

    /// Every value so far.
    #[must_use]
    pub fn values(&self) -> &[i64] {
        &self.values
    }

    /// How far it came.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        match self.values.len().checked_sub(AVERAGE_INTERVALS) {
            None => Confidence::Low,
            Some(first) if is_settled(&self.values[first..]) => Confidence::High,
            Some(_) => Confidence::Medium,
        }
    }
}

/// Whether the standard deviation of `values` is below the tolerance of the last: compared as
/// squares, so that nothing is rounded. Zeros have settled on nothing.
fn is_settled(values: &[i64]) -> bool {
    let Some(current) = values.last().map(|value| i128::from(*value)) else {
        return false;
    };
    let count = i128::try_from(values.len()).unwrap_or(i128::MAX);
    let sum: i128 = values.iter().map(|value| i128::from(*value)).sum();
    let squares: i128 = values.iter().map(|value| i128::from(*value).pow(2)).sum();
    let tolerance = i128::from(TOLERANCE_PERCENT);
    let deviation = (count * squares - sum * sum) * 10_000;
    deviation < (tolerance * count * current).pow(2)
}

/// Mean of the last values that are averaged, of fewer at the beginning; `None` of nothing.
#[must_use]
pub fn moving_average(values: &[u64]) -> Option<u64> {
    let first = values.len().saturating_sub(AVERAGE_INTERVALS);
    let last = &values[first..];
    let sum: u128 = last.iter().map(|value| u128::from(*value)).sum();
    let count = u128::try_from(last.len()).ok().filter(|count| *count > 0)?;
    u64::try_from(sum / count).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn confidence(values: &[i64]) -> Confidence {
        let mut stability = Stability::default();
        for value in values {
            stability.push(*value);
        }
        stability.confidence()
    }

    #[test]
    fn confidence_is_low_then_medium_and_high_when_settled() {
        assert_eq!(confidence(&[100, 100, 100]), Confidence::Low);
        assert_eq!(confidence(&[10, 50, 80, 100]), Confidence::Medium);
        assert_eq!(confidence(&[10, 100, 100, 100, 100]), Confidence::High);
        assert_eq!(confidence(&[0; 9]), Confidence::Medium, "nothing was moved");
    }

    #[test]
    fn the_tolerance_is_a_twentieth_of_the_current_value() {
        // Standard deviation of 95, 105, 95, 105 is 5.
        assert_eq!(
            confidence(&[95, 105, 95, 105]),
            Confidence::High,
            "5 < 5.25"
        );
        assert_eq!(
            confidence(&[105, 95, 105, 95]),
            Confidence::Medium,
            "5 > 4.75"
        );
    }

    #[test]
    fn an_average_is_over_the_last_four_or_what_there_is() {
        assert_eq!(moving_average(&[]), None);
        assert_eq!(moving_average(&[2, 4]), Some(3));
        assert_eq!(moving_average(&[1_000, 1, 2, 3, 4]), Some(2));
    }

    proptest! {
        #[test]
        fn no_values_make_it_panic(values in proptest::collection::vec(any::<i64>(), 0..20)) {
            let _ = confidence(&values);
        }

        #[test]
        fn what_does_not_change_is_settled(value in 1_i64..i64::MAX, more in 4_usize..12) {
            prop_assert_eq!(confidence(&vec![value; more]), Confidence::High);
        }

        #[test]
        fn scale_does_not_matter(values in proptest::collection::vec(1_i64..1_000_000, 4), scale in 1_i64..1_000_000) {
            let scaled: Vec<i64> = values.iter().map(|value| value * scale).collect();
            prop_assert_eq!(confidence(&values), confidence(&scaled));
        }

        #[test]
        fn averages_lie_within_their_values(values in proptest::collection::vec(any::<u64>(), 1..12)) {
            let average = moving_average(&values).unwrap();
            prop_assert!(values.iter().min().unwrap() <= &average);
            prop_assert!(&average <= values.iter().max().unwrap());
        }
    }
}
