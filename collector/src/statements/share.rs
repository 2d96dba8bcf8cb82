//! How sure a share of independent agents is: the bounds of Clopper and Pearson (*Biometrika* 26,
//! 1934), which hold whatever the true share.
//!
//! For rules that count agents, and for what none of them saw. Shares of records are no matter of
//! this: records of one agent are not independent.
use super::binomial;

/// Halvings of the unit interval: beyond the resolution of the number.
const HALVINGS: u32 = 60;

/// The least share, 0 to 1, with which `passing` or more of `agents` are seen with a probability of
/// at least `1 − confidence`. One-sided.
///
/// 0 when none passes.
#[must_use]
pub fn lower_bound(passing: usize, agents: usize, confidence: f64) -> f64 {
    if passing == 0 {
        return 0.0;
    }
    let alpha = 1.0 - confidence;
    bisect(|share| binomial::at_least(agents, passing, share) < alpha)
}

/// The largest share with which `passing` or fewer of `agents` are seen with a probability of at
/// least `1 − confidence`. One-sided.
///
/// 1 when all pass.
#[must_use]
pub fn upper_bound(passing: usize, agents: usize, confidence: f64) -> f64 {
    if passing >= agents {
        return 1.0;
    }
    let alpha = 1.0 - confidence;
    bisect(|share| binomial::at_most(agents, passing, share) >= alpha)
}

/// Where `holds` turns from true to false between 0 and 1.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn percent(share: f64) -> String {
        format!("{:.1}", share * 100.0)
    }

    #[test]
    fn the_reference_bounds_of_the_field_are_reproduced_to_the_printed_digit() {
        for (passing, agents, expected) in [
            (14, 14, "80.7"),
            (13, 13, "79.4"),
            (45, 50, "80.1"),
            (44, 50, "77.7"),
        ] {
            assert_eq!(percent(lower_bound(passing, agents, 0.95)), expected);
        }
        for (passing, agents, expected) in [
            (20, 30, "80.7"),
            (19, 30, "77.9"),
            (35, 50, "80.5"),
            (34, 50, "78.8"),
            (0, 20, "13.9"),
        ] {
            assert_eq!(percent(upper_bound(passing, agents, 0.95)), expected);
        }
    }

    #[test]
    fn all_and_none_have_closed_forms() {
        for agents in [1, 5, 14, 100] {
            let exponent = 1.0 / agents as f64;
            let all = 0.05_f64.powf(exponent);
            assert!((lower_bound(agents, agents, 0.95) - all).abs() < 1e-12);
            assert!((upper_bound(0, agents, 0.95) - (1.0 - all)).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn the_share_lies_between_its_bounds(agents in 1usize..400, passing in 0usize..400) {
            let passing = passing % (agents + 1);
            let share = passing as f64 / agents as f64;
            prop_assert!(lower_bound(passing, agents, 0.95) <= share);
            prop_assert!(upper_bound(passing, agents, 0.95) >= share);
        }

        #[test]
        fn passing_and_failing_mirror_each_other(agents in 1usize..200, passing in 0usize..200) {
            let passing = passing % (agents + 1);
            let mirrored = 1.0 - upper_bound(agents - passing, agents, 0.95);
            prop_assert!((lower_bound(passing, agents, 0.95) - mirrored).abs() < 1e-9);
        }
    }
}
