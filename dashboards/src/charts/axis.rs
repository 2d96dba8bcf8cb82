//! A vertical axis: round ticks around every value, and where a value stands on it.

/// Most steps between ticks that a small drawing has room for.
const MAX_STEPS: i128 = 5;

/// An axis that begins at zero, or below it where a value is negative, and ends on round ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    start: i128,
    end: i128,
    step: i128,
}

impl Axis {
    /// An axis that holds every value.
    pub(crate) fn over(values: impl IntoIterator<Item = i64>) -> Self {
        let (mut lowest, mut highest) = (0_i128, 1_i128);
        for value in values {
            lowest = lowest.min(i128::from(value));
            highest = highest.max(i128::from(value));
        }
        let step = round_step(parts(highest - lowest, MAX_STEPS));
        let end = parts(highest, step) * step;
        let start = -parts(-lowest, step) * step;
        Self { start, end, step }
    }

    /// The ticks from below, at most seven. Ticks that no value can have stand at the last one.
    pub(crate) fn ticks(self) -> impl Iterator<Item = i64> {
        let count = (self.end - self.start) / self.step;
        (0..=count).map(move |index| clamped(self.start + index * self.step))
    }

    /// How far from the start a value stands, of `room`; values outside stand at the ends.
    pub(crate) fn position(self, value: i64, room: i32) -> i32 {
        let inside = i128::from(value).clamp(self.start, self.end) - self.start;
        let offset = inside * i128::from(room) / (self.end - self.start);
        i32::try_from(offset).unwrap_or(room)
    }
}

/// The smallest of 1, 2, 5, 10, 20, 50, … that is not below `least`.
fn round_step(least: i128) -> i128 {
    let mut power = 1_i128;
    loop {
        let round = [1, 2, 5].map(|digit| digit * power);
        if let Some(step) = round.into_iter().find(|step| *step >= least) {
            return step;
        }
        power *= 10;
    }
}

fn clamped(value: i128) -> i64 {
    let limit = if value < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(value).unwrap_or(limit)
}

/// Division that rounds up, of numbers that are not negative.
fn parts(whole: i128, part: i128) -> i128 {
    (whole + part - 1) / part
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round_and_begin_at_zero() {
        let ticks: Vec<i64> = Axis::over([23_400, 31_000]).ticks().collect();
        assert_eq!(ticks, [0, 10_000, 20_000, 30_000, 40_000]);
        let ticks: Vec<i64> = Axis::over([]).ticks().collect();
        assert_eq!(ticks, [0, 1]);
    }

    proptest! {
        #[test]
        fn any_values_stand_inside_and_in_their_order(values in prop::collection::vec(any::<i64>(), 0..9)) {
            let axis = Axis::over(values.iter().copied());
            let mut sorted = values;
            sorted.sort_unstable();
            let at: Vec<i32> = sorted.iter().map(|value| axis.position(*value, 300)).collect();
            prop_assert!(at.is_sorted());
            prop_assert!(at.iter().all(|at| (0..=300).contains(at)));
            let ticks: Vec<i64> = axis.ticks().collect();
            prop_assert!((2..=7).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.contains(&0));
            prop_assert!(sorted.iter().all(|value| ticks[0] <= *value && *value <= ticks[ticks.len() - 1]));
        }
    }
}
