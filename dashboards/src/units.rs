//! Numbers as people read them: one unit for a figure and its interval, no more digits than mean
//! something, the same separators in every language.
//!
//! All arithmetic is on integers, so what is shown never differs from what was computed by more
//! than its own rounding (half away from zero).

/// Digits that a figure keeps.
const SIGNIFICANT_DIGITS: u32 = 3;
/// Ten to this power is the number of parts per million in one per cent.
const PERCENT_SHIFT: u32 = 4;

/// How values of one unit are shown: divided by `10^shift`, with `decimals` decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    suffix: &'static str,
    shift: u32,
    decimals: u32,
}

/// Steps of a unit, smallest first: the power of ten of the step and its symbol.
fn steps(unit: &str) -> &'static [(u32, &'static str)] {
    match unit {
        "us" => &[(0, "µs"), (3, "ms"), (6, "s")],
        "bps" => &[(0, "bit/s"), (3, "kbit/s"), (6, "Mbit/s"), (9, "Gbit/s")],
        "bytes" => &[(0, "B"), (3, "kB"), (6, "MB"), (9, "GB")],
        "ppm" => &[(PERCENT_SHIFT, "%")],
        "rpm" => &[(0, "RPM")],
        _ => &[(0, "")],
    }
}

impl Scale {
    /// The scale in which `value` keeps three significant digits; use it for the interval too.
    /// A unit that is not known is shown as plain integers.
    #[must_use]
    pub fn for_value(unit: &str, value: i64) -> Self {
        let magnitude = value.unsigned_abs().checked_ilog10().unwrap_or(0);
        let steps = steps(unit);
        let fits = |(shift, _): &&(u32, &str)| *shift <= magnitude;
        let (shift, suffix) = *steps.iter().rev().find(fits).unwrap_or(&steps[0]);
        let whole_digits = (magnitude + 1).saturating_sub(shift);
        let leading_zeros = shift.saturating_sub(magnitude + 1);
        let wanted = if whole_digits == 0 {
            leading_zeros + SIGNIFICANT_DIGITS
        } else {
            SIGNIFICANT_DIGITS.saturating_sub(whole_digits)
        };
        let decimals = if value == 0 { 0 } else { wanted.min(shift) };
        Self {
            suffix,
            shift,
            decimals,
        }
    }

    /// The unit alone, such as `ms`; empty for counts.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        self.suffix
    }

    /// The number alone, such as `23.4`.
    #[must_use]
    pub fn number(self, value: i64) -> String {
        let divisor = 10_i128.pow(self.shift - self.decimals);
        let magnitude = i128::from(value).abs();
        let rounded = (magnitude + divisor / 2) / divisor;
        let unit = 10_i128.pow(self.decimals);
        let sign = if value < 0 && rounded != 0 { "−" } else { "" };
        let whole = grouped(rounded / unit);
        if self.decimals == 0 {
            return format!("{sign}{whole}");
        }
        let fraction = rounded % unit;
        let width = self.decimals as usize;
        format!("{sign}{whole}.{fraction:0width$}")
    }

    /// The number with its unit, such as `23.4 ms`. The space does not break.
    #[must_use]
    pub fn quantity(self, value: i64) -> String {
        let number = self.number(value);
        if self.suffix.is_empty() {
            number
        } else {
            format!("{number}\u{a0}{}", self.suffix)
        }
    }
}

/// A value with its unit, in its own scale.
#[must_use]
pub fn quantity(unit: &str, value: i64) -> String {
    Scale::for_value(unit, value).quantity(value)
}

/// A count: `12,345`.
#[must_use]
pub fn count(value: u64) -> String {
    grouped(i128::from(value))
}

/// Groups of three digits with commas, in every language: the default of CLDR for `km` too.
fn grouped(value: i128) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNITS: [&str; 6] = ["us", "bps", "bytes", "ppm", "rpm", "count"];

    #[test]
    fn values_are_shown_in_the_unit_people_use() {
        let shown = [
            ("us", 812, "812 µs"),
            ("us", 23_449, "23.4 ms"),
            ("us", 1_250_000, "1.25 s"),
            ("bps", 94_321_000, "94.3 Mbit/s"),
            ("bps", 512_000, "512 kbit/s"),
            ("bytes", 1_500_000, "1.50 MB"),
            ("ppm", 0, "0 %"),
            ("ppm", 2_500, "0.250 %"),
            ("ppm", 123_456, "12.3 %"),
            ("ppm", 1_000_000, "100 %"),
            ("ppm", 3, "0.0003 %"),
            ("rpm", 1_234, "1,234 RPM"),
            ("count", 12_345, "12,345"),
            ("us", -1_500, "−1.50 ms"),
        ];
        for (unit, value, expected) in shown {
            assert_eq!(quantity(unit, value).replace('\u{a0}', " "), expected);
        }
    }

    #[test]
    fn an_interval_is_shown_in_the_scale_of_its_figure() {
        let scale = Scale::for_value("us", 23_449);
        assert_eq!(scale.number(985), "1.0");
        assert_eq!(scale.number(1_204_000), "1,204.0");
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value: i64, at: i64, unit in prop::sample::select(&UNITS)) {
            let _ = Scale::for_value(unit, at).quantity(value);
        }

        #[test]
        fn the_text_reads_back_within_its_rounding(
            value in -1_000_000_000_000i64..1_000_000_000_000,
            unit in prop::sample::select(&UNITS),
        ) {
            let scale = Scale::for_value(unit, value);
            let text = scale.number(value).replace(',', "").replace('−', "-");
            let shown: f64 = text.parse().unwrap();
            let exact = value as f64 / 10f64.powi(scale.shift.cast_signed());
            let half_step = 0.5 * 10f64.powi(-scale.decimals.cast_signed());
            prop_assert!((shown - exact).abs() <= half_step * 1.000_001, "{value} as {text}");
        }

        #[test]
        fn order_of_values_is_order_of_texts(a: i32, b: i32) {
            let (low, high) = (i64::from(a.min(b)), i64::from(a.max(b)));
            let scale = Scale::for_value("us", high);
            let read = |value| -> f64 {
                scale.number(value).replace(',', "").replace('−', "-").parse().unwrap()
            };
            prop_assert!(read(low) <= read(high));
        }
    }
}
