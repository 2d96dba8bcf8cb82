//! Walking from month to month.
use tonle_evidence::local_time::LocalMonth;

/// The month before; none before the year 0.
#[must_use]
pub fn before(month: LocalMonth) -> Option<LocalMonth> {
    if month.month > 1 {
        return Some(LocalMonth {
            month: month.month - 1,
            ..month
        });
    }
    let year = month.year.checked_sub(1)?;
    Some(LocalMonth { year, month: 12 })
}

/// The month after; none after the year 9999.
#[must_use]
pub fn after(month: LocalMonth) -> Option<LocalMonth> {
    if month.month < 12 {
        return Some(LocalMonth {
            month: month.month + 1,
            ..month
        });
    }
    let year = month.year.checked_add(1).filter(|year| *year <= 9999)?;
    Some(LocalMonth { year, month: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_year_changes_after_december() {
        let december: LocalMonth = "2026-12".parse().unwrap();
        assert_eq!(after(december).unwrap().to_string(), "2027-01");
        assert_eq!(after("9999-12".parse().unwrap()), None);
        assert_eq!(before("0000-01".parse().unwrap()), None);
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_month(year in 1u16..9999, month in 1u8..=12) {
            let here = LocalMonth { year, month };
            prop_assert_eq!(after(here).and_then(before), Some(here));
            prop_assert_eq!(before(here).and_then(after), Some(here));
        }
    }
}
