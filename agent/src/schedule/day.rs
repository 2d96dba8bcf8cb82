//! Heavy rounds by the local day: so many at peak, so many outside it, each at a drawn instant.
//!
//! Rules:
//! 1. Peak is 19:00 to 23:00 local time, as regulators report it (FCC MBA); it gets its share of
//!    the day's rounds and at least one. With one round a day, peak and the rest take turns.
//! 2. Each part of the day is cut into as many equal slots as it has rounds; the instant within a
//!    slot is drawn anew each day. An instant in the quiet hours is moved to the nearest later slot
//!    of the same part that is not quiet, or left out.
//! 3. How many rounds a day: as many as the interval gives, at most as many as the month's budget
//!    pays for at the cost of the last one, at least two where the interval gives two.
use super::{Quiet, below, mix};
use tonle_evidence::local_time::LocalHour;

/// Local seconds of the day at which peak begins and ends.
const PEAK_FROM_S: i64 = 19 * 3_600;
const PEAK_UNTIL_S: i64 = 23 * 3_600;
const DAY_S: i64 = 86_400;
/// Draws before an instant outside the quiet hours is given up.
const DRAWS: u64 = 16;
/// Days that are looked ahead for the next round.
const DAYS_AHEAD: i64 = 8;
/// Budgets are of a month; this is its length for planning, days.
const PLANNED_DAYS: u64 = 31;

/// The heavy rounds of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeavyDay {
    /// Rounds a day; at least 1.
    pub rounds: u64,
    /// The device's own number.
    pub seed: u64,
    /// Hours of rest.
    pub quiet: Option<Quiet>,
    /// Local time minus UTC, seconds.
    pub utc_offset_s: i32,
}

impl HeavyDay {
    /// Rounds a day that interval and budget allow (rule 3).
    #[must_use]
    pub fn rounds_of(interval_s: u64, monthly_budget_bytes: u64, round_bytes: Option<u64>) -> u64 {
        let wanted = (DAY_S.unsigned_abs() / interval_s.max(1)).max(1);
        let Some(round_bytes) = round_bytes.filter(|bytes| *bytes > 0) else {
            return wanted;
        };
        let paid = monthly_budget_bytes / PLANNED_DAYS / round_bytes;
        wanted.min(paid.max(2))
    }

    /// The first start after `now_us` (microseconds since the Unix epoch).
    #[must_use]
    pub fn next_us(&self, now_us: i64) -> i64 {
        let today = self.local_s(now_us).div_euclid(DAY_S);
        let starts = (today..today.saturating_add(DAYS_AHEAD)).flat_map(|day| self.starts_us(day));
        let ahead = starts.filter(|start_us| *start_us > now_us);
        ahead
            .min()
            .unwrap_or(now_us.saturating_add(DAY_S * 1_000_000))
    }

    /// Starts of a local day, counted from the epoch; in no order.
    fn starts_us(&self, day: i64) -> Vec<i64> {
        let rounds = i64::try_from(self.rounds.clamp(1, 288)).unwrap_or(1);
        let at_peak = match rounds {
            1 => day.rem_euclid(2),
            _ => (rounds * (PEAK_UNTIL_S - PEAK_FROM_S) / DAY_S).max(1),
        };
        let peak = self.spread(day, 0, at_peak, PEAK_FROM_S, PEAK_UNTIL_S);
        let rest_s = DAY_S - (PEAK_UNTIL_S - PEAK_FROM_S);
        let rest = self.spread(day, 1, rounds - at_peak, 0, rest_s);
        peak.into_iter().chain(rest).collect()
    }

    /// `count` instants, one in each equal slot of a part of the day. Seconds of the rest of the day
    /// (part 1) are counted without peak.
    fn spread(&self, day: i64, part: u64, count: i64, from_s: i64, until_s: i64) -> Vec<i64> {
        let slots = (0..count).filter_map(|slot| {
            let slot_from_s = from_s + (until_s - from_s) * slot / count;
            let slot_until_s = from_s + (until_s - from_s) * (slot + 1) / count;
            (0..DRAWS).find_map(|draw| {
                    // Later draws reach to the end of the part: a quiet slot gives way to the next.
                    let end_s = if draw < DRAWS / 2 {
                        slot_until_s
                    } else {
                        until_s
                    };
                    let random = mix(self.seed
                        ^ mix(day.cast_unsigned()
                            ^ mix(part << 32 ^ slot.cast_unsigned() << 8 ^ draw)));
                    let at_s = slot_from_s + below(random, (end_s - slot_from_s).max(1));
                    let start_us =
                        self.instant_us(day, if part == 1 { over_peak(at_s) } else { at_s });
                    (!self.is_quiet(start_us)).then_some(start_us)
                })
        });
        slots.collect()
    }

    fn instant_us(&self, day: i64, local_s: i64) -> i64 {
        day.saturating_mul(DAY_S)
            .saturating_add(local_s)
            .saturating_sub(i64::from(self.utc_offset_s))
            .saturating_mul(1_000_000)
    }

    fn local_s(&self, now_us: i64) -> i64 {
        now_us.div_euclid(1_000_000) + i64::from(self.utc_offset_s)
    }

    fn is_quiet(&self, instant_us: i64) -> bool {
        let hour = LocalHour::at(instant_us, self.utc_offset_s).hour;
        self.quiet.is_some_and(|quiet| quiet.contains(hour))
    }
}

/// A second of the day from one counted without peak.
fn over_peak(at_s: i64) -> i64 {
    if at_s < PEAK_FROM_S {
        at_s
    } else {
        at_s + PEAK_UNTIL_S - PEAK_FROM_S
    }
}

#[cfg(test)]
mod tests;
