//! When the next round is due: evenly spread over the day with jitter, and never in quiet hours.
//!
//! Rules:
//! 1. Time is cut into slots of one interval; each slot has one round.
//! 2. A device's slots begin at a phase of its own, so that a fleet does not measure in step.
//! 3. Within its slot a round is moved by a jitter below half an interval, so that it does not
//!    beat with anything periodic; two rounds are thus between half and one and a half intervals
//!    apart. Exponential gaps would come in bursts (m-lab/murakami#111).
//! 4. Everything follows from the seed and the clock: a restart changes nothing and repeats
//!    nothing.
//! 5. Heavy rounds go by the local day (see `day`): some of them at peak, the rest outside it.
mod day;

pub use day::HeavyDay;

use tonle_evidence::local_time::LocalHour;

/// Local hours in which nothing is measured: from `from_hour` until before `until_hour`, over
/// midnight where the first is the larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    /// 0 to 23.
    pub from_hour: u8,
    /// 0 to 23.
    pub until_hour: u8,
}

impl Quiet {
    fn contains(self, hour: u8) -> bool {
        if self.from_hour < self.until_hour {
            (self.from_hour..self.until_hour).contains(&hour)
        } else {
            hour >= self.from_hour || hour < self.until_hour
        }
    }
}

/// The rhythm of one group of experiments on one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Length of a slot, seconds; above 0.
    pub interval_s: u64,
    /// The device's own number.
    pub seed: u64,
    /// Hours of rest.
    pub quiet: Option<Quiet>,
    /// Local time minus UTC, seconds.
    pub utc_offset_s: i32,
}

/// Slots looked at before giving up on finding one outside the quiet hours: two days of the
/// shortest interval, and quiet hours leave at least one hour of each day.
const SLOTS_AHEAD: i64 = 2 * 86_400 / 300;

impl Schedule {
    /// The first start after `now_us` (microseconds since the Unix epoch).
    #[must_use]
    pub fn next_us(&self, now_us: i64) -> i64 {
        let interval_us = self.interval_us();
        let slot = (now_us.saturating_sub(self.phase_us())).div_euclid(interval_us);
        let starts = (slot..=slot.saturating_add(SLOTS_AHEAD)).map(|slot| self.start_us(slot));
        let mut ahead = starts.filter(|start_us| *start_us > now_us);
        let first = ahead
            .clone()
            .next()
            .unwrap_or(now_us.saturating_add(interval_us));
        ahead
            .find(|start_us| !self.is_quiet(*start_us))
            .unwrap_or(first)
    }

    /// True when the instant lies in the hours of rest.
    #[must_use]
    pub fn is_quiet(&self, instant_us: i64) -> bool {
        let hour = LocalHour::at(instant_us, self.utc_offset_s).hour;
        self.quiet.is_some_and(|quiet| quiet.contains(hour))
    }

    fn interval_us(&self) -> i64 {
        i64::try_from(self.interval_s.max(1))
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000)
    }

    fn phase_us(&self) -> i64 {
        below(mix(self.seed), self.interval_us())
    }

    fn start_us(&self, slot: i64) -> i64 {
        let jitter_us = below(
            mix(self.seed ^ mix(slot.cast_unsigned())),
            (self.interval_us() / 2).max(1),
        );
        slot.saturating_mul(self.interval_us())
            .saturating_add(self.phase_us())
            .saturating_add(jitter_us)
    }
}

/// A number from 0 to `limit − 1`. The bias of the remainder is below 2^−20 for every interval.
fn below(number: u64, limit: i64) -> i64 {
    (number >> 1).cast_signed() % limit
}

/// `SplitMix64`: spreads any two different numbers over all 64 bits (Steele, Lea, Flood 2014).
#[must_use]
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_US: i64 = 86_400_000_000;

    fn hourly(seed: u64) -> Schedule {
        Schedule {
            interval_s: 3_600,
            seed,
            quiet: None,
            utc_offset_s: 25_200,
        }
    }

    fn starts(schedule: Schedule, from_us: i64, until_us: i64) -> Vec<i64> {
        let next = |last: &i64| Some(schedule.next_us(*last)).filter(|start| *start < until_us);
        std::iter::successors(next(&from_us), next).collect()
    }

    proptest! {
        #[test]
        fn rounds_are_half_to_one_and_a_half_intervals_apart(
            seed: u64, interval_s in 300u64..=86_400, now_us in 0..100 * 365 * DAY_US,
        ) {
            let schedule = Schedule { interval_s, ..hourly(seed) };
            let interval_us = i64::try_from(interval_s).unwrap() * 1_000_000;
            let first = schedule.next_us(now_us);
            let second = schedule.next_us(first);
            prop_assert!(first > now_us && first - now_us <= interval_us * 3 / 2);
            prop_assert!((interval_us / 2..=interval_us * 3 / 2).contains(&(second - first)));
        }

        #[test]
        fn a_day_has_one_round_per_slot(seed: u64, day in 0i64..30_000) {
            let count = starts(hourly(seed), day * DAY_US, (day + 1) * DAY_US).len();
            prop_assert!((23..=25).contains(&count), "{count} rounds");
        }

        #[test]
        fn the_same_seed_gives_the_same_rounds_after_a_restart(seed: u64, now_us in 0..DAY_US, later_us in 0..DAY_US) {
            let next = hourly(seed).next_us(now_us);
            let restarted = now_us + later_us % (next - now_us);
            prop_assert_eq!(hourly(seed).next_us(restarted), next);
        }

        #[test]
        fn nothing_starts_in_quiet_hours(seed: u64, from_hour in 0u8..24, length in 1u8..24, now_us in 0..DAY_US * 1000) {
            let quiet = Quiet { from_hour, until_hour: (from_hour + length) % 24 };
            let schedule = Schedule { quiet: Some(quiet), interval_s: 1_200, ..hourly(seed) };
            let next = schedule.next_us(now_us);
            prop_assert!(!schedule.is_quiet(next));
            prop_assert!(next - now_us < 2 * DAY_US);
        }

        #[test]
        fn no_clock_makes_it_panic(seed: u64, now_us: i64) {
            let _ = hourly(seed).next_us(now_us);
        }
    }

    #[test]
    fn two_devices_do_not_measure_in_step() {
        let first = starts(hourly(1), 0, DAY_US);
        let second = starts(hourly(2), 0, DAY_US);
        assert!(first.iter().all(|start| !second.contains(start)));
    }

    #[test]
    fn quiet_hours_are_local_and_reach_over_midnight() {
        let quiet = Quiet {
            from_hour: 23,
            until_hour: 6,
        };
        let schedule = Schedule {
            quiet: Some(quiet),
            ..hourly(1)
        };
        let utc_hour_us = 3_600_000_000;
        assert!(schedule.is_quiet(16 * utc_hour_us)); // 23:00 in UTC+7
        assert!(schedule.is_quiet(22 * utc_hour_us)); // 05:00
        assert!(!schedule.is_quiet(23 * utc_hour_us)); // 06:00
    }
}
