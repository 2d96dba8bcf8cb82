//! How long not to ask after a refusal: normally distributed around 60, 120, 240, 480 and 960
//! seconds, one step for each refusal in a row, with a standard deviation of 5 % (specification of
//! ndt7), so that clients that were refused together do not come back together.

/// Means, seconds; the last one stays.
const MEANS_S: [f64; 5] = [60.0, 120.0, 240.0, 480.0, 960.0];
/// Standard deviation, a share of the mean.
const DEVIATION: f64 = 0.05;
/// Standard deviations beyond which nothing is waited: four in a hundred thousand would be.
const DEVIATIONS_MAX: f64 = 4.0;

/// The wait after so many refusals in a row, microseconds; none after none. `uniform` are two random
/// numbers in [0, 1).
#[must_use]
pub fn wait_us(refusals: u32, uniform: [f64; 2]) -> i64 {
    let Some(last) = refusals.checked_sub(1) else {
        return 0;
    };
    let step = usize::try_from(last).unwrap_or(usize::MAX);
    let mean_s = MEANS_S[step.min(MEANS_S.len() - 1)];
    let deviation = DEVIATION * standard_normal(uniform);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 960 s and four deviations, in microseconds far below 2^53"
    )]
    let wait_us = (mean_s * (1.0 + deviation) * 1e6) as i64;
    wait_us
}

/// Box and Muller's transform, bounded.
fn standard_normal([radius, angle]: [f64; 2]) -> f64 {
    let bounded = |uniform: f64| {
        if uniform.is_finite() {
            uniform.clamp(0.0, 1.0 - f64::EPSILON)
        } else {
            0.0
        }
    };
    let radius = (-2.0 * (1.0 - bounded(radius)).ln()).sqrt();
    let deviate = radius * (std::f64::consts::TAU * bounded(angle)).cos();
    deviate.clamp(-DEVIATIONS_MAX, DEVIATIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_refusal_doubles_the_wait_up_to_sixteen_minutes() {
        let seconds: Vec<i64> = (0..8)
            .map(|refusals| wait_us(refusals, [0.0, 0.0]) / 1_000_000)
            .collect();
        assert_eq!(seconds, [0, 60, 120, 240, 480, 960, 960, 960]);
        assert_eq!(wait_us(u32::MAX, [0.0, 0.0]), 960_000_000);
    }

    #[test]
    fn waits_spread_by_five_percent() {
        let steps = 100;
        let waits = (0..steps).flat_map(|a| {
            (0..steps).map(move |b| {
                let uniform = |n: i32| (f64::from(n) + 0.5) / f64::from(steps);
                wait_us(1, [uniform(a), uniform(b)]) as f64 / 60e6 - 1.0
            })
        });
        let squares: f64 = waits.map(|off| off * off).sum();
        let deviation = (squares / f64::from(steps * steps)).sqrt();
        assert!((0.048..0.052).contains(&deviation), "{deviation}");
    }

    proptest! {
        #[test]
        fn no_wait_is_far_from_its_mean(refusals in 1_u32..10, a in any::<f64>(), b in any::<f64>()) {
            let mean_us = wait_us(refusals, [0.0, 0.0]);
            let wait_us = wait_us(refusals, [a, b]);
            prop_assert!((mean_us / 5 * 4..=mean_us / 5 * 6).contains(&wait_us), "{}", wait_us);
        }
    }
}
