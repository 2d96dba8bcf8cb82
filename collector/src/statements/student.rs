//! Student's t distribution with whole degrees of freedom, by its finite sums (Abramowitz and Stegun,
//! *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4).
//!
//! Tails are right to about 1e-15: more than any verdict asks for.
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// Halvings of a bracket: beyond the resolution of the number.
const HALVINGS: u32 = 200;
/// Largest t that a quantile is looked for at.
const T_MAX: f64 = 1e12;

/// Probability of a value of at most `t` with `freedom` degrees of freedom, at least one.
#[must_use]
pub fn at_most(t: f64, freedom: u32) -> f64 {
    let tail = (1.0 - within(t.abs(), freedom)).max(0.0) / 2.0;
    if t < 0.0 { tail } else { 1.0 - tail }
}

/// The value that is exceeded with a probability of `tail`, 0 to 0.5.
#[must_use]
pub fn exceeded_with(tail: f64, freedom: u32) -> f64 {
    let (mut low, mut high) = (0.0, T_MAX);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if at_most(-middle, freedom) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Probability of a value between −t and t.
fn within(t: f64, freedom: u32) -> f64 {
    let angle = if t.is_infinite() {
        FRAC_PI_2
    } else {
        (t / f64::from(freedom).sqrt()).atan()
    };
    let (sine, cosine) = angle.sin_cos();
    if freedom.is_multiple_of(2) {
        return sine * sum(cosine, 1.0, 1, freedom);
    }
    let rest = if freedom == 1 {
        0.0
    } else {
        sine * sum(cosine, cosine, 2, freedom)
    };
    FRAC_2_PI * (angle + rest)
}

/// The sum whose terms grow by cos² and step/(step + 1), from `first` on, below `freedom`.
fn sum(cosine: f64, first: f64, first_step: u32, freedom: u32) -> f64 {
    let mut term = first;
    let mut sum = first;
    let mut step = first_step;
    while step + 2 < freedom {
        term *= cosine * cosine * f64::from(step) / f64::from(step + 1);
        sum += term;
        step += 2;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_degrees_of_freedom_have_closed_forms() {
        for t in [-3.0, -0.5, 0.0, 1.0, 12.7] {
            let one = 0.5 + f64::atan(t) / std::f64::consts::PI;
            assert!((at_most(t, 1) - one).abs() < 1e-14);
            let two = 0.5 + t / (2.0 * (2.0 + t * t).sqrt());
            assert!((at_most(t, 2) - two).abs() < 1e-14);
        }
    }

    #[test]
    fn the_printed_tables_are_reproduced() {
        for (tail, freedom, expected) in [
            (0.05, 1, "6.314"),
            (0.05, 5, "2.015"),
            (0.05, 29, "1.699"),
            (0.025, 10, "2.228"),
            (0.005, 30, "2.750"),
        ] {
            assert_eq!(format!("{:.3}", exceeded_with(tail, freedom)), expected);
        }
    }

    proptest! {
        #[test]
        fn a_quantile_is_exceeded_as_often_as_it_says(tail in 1e-6..0.5, freedom in 1u32..200) {
            let t = exceeded_with(tail, freedom);
            prop_assert!((at_most(-t, freedom) - tail).abs() < 1e-9);
        }

        #[test]
        fn the_distribution_rises_and_is_symmetric(t in -50.0..50.0, step in 0.0..5.0, freedom in 1u32..120) {
            prop_assert!(at_most(t, freedom) <= at_most(t + step, freedom) + 1e-14);
            prop_assert!((at_most(t, freedom) + at_most(-t, freedom) - 1.0).abs() < 1e-12);
        }
    }
}
