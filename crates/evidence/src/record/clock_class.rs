//! How far a clock is off, as the public half may say it.
//!
//! An exact offset is as good as a name: a device that nothing synchronises keeps its own for weeks,
//! in each record. The public half says a class, in the steps that a reader of records needs: whether
//! a minute, an hour or a day is wrong. A certificate is judged by the day.
use super::{Private, Public};

/// The classes by their smallest offset, microseconds: a day, an hour, a minute.
const CLASSES_US: [i64; 3] = [86_400_000_000, 3_600_000_000, 60_000_000];

/// The class of an offset, microseconds: the largest of a day, an hour and a minute that it reaches, with
/// its sign; 0 below a minute. A class is its own class.
#[must_use]
pub fn offset_class(offset_us: i64) -> i64 {
    let reached = |class_us: &i64| offset_us.unsigned_abs() >= class_us.unsigned_abs();
    let class_us = CLASSES_US.into_iter().find(reached).unwrap_or(0);
    class_us * offset_us.signum()
}

/// Collector time minus the device's, microseconds, as exactly as the record says it: by the private half,
/// else by the public one, where earlier records have it.
#[must_use]
pub fn clock_offset_us(public: &Public, private: &Private) -> Option<i64> {
    private.clock_offset_us.or(public.context.clock.offset_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_class_begins_at_a_minute_an_hour_and_a_day() {
        for class_us in CLASSES_US {
            assert_eq!(offset_class(class_us), class_us);
            assert_eq!(offset_class(-class_us), -class_us);
            assert!(offset_class(class_us - 1) < class_us);
        }
        assert_eq!(offset_class(59_999_999), 0);
        assert_eq!(offset_class(i64::MIN), -86_400_000_000);
    }

    proptest! {
        #[test]
        fn any_offset_falls_into_one_of_seven_classes(offset_us in any::<i64>()) {
            let class_us = offset_class(offset_us);
            prop_assert!(class_us == 0 || CLASSES_US.contains(&class_us.abs()));
            prop_assert_eq!(offset_class(class_us), class_us);
            prop_assert!(class_us.unsigned_abs() <= offset_us.unsigned_abs());
        }
    }
}
