//! What the agent may still use of the volunteer's data plan. Pure: the caller keeps the ledger.
//!
//! Rules:
//! 1. Bytes are reserved before a run, at its upper bound, and settled after it: a crash in between
//!    leaves the reservation spent, so the true use is never above the ledger.
//! 2. A month's use never exceeds the monthly budget, the month of the first day included.
//! 3. Use is paced: by any hour at most the elapsed share of the month and one day's share ahead
//!    may be spent, so that the end of a month is measured like its beginning. Hours before the
//!    agent began to count give no share.
//! 4. A run is charged what the interface moved meanwhile, where that is more than its own count: it
//!    holds headers, retransmissions and what was on its way when the run stopped. What is beyond a
//!    tenth of the run's own count is others' and not charged; so is everything while runs go side by
//!    side, when nobody can tell whose bytes they were.
//! 5. A throughput run may use what is available, up to the cap per run. It does not begin with less
//!    than the last ones cost on average, nor with less than [`THROUGHPUT_MIN_BYTES`]: a test cut that short says
//!    nothing and would cost all the same.
mod share;

use serde::{Deserialize, Serialize};
use tonle_evidence::local_time::{LocalHour, LocalMonth};

/// What a line may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Bytes in one calendar month, measurements and uploads together.
    pub monthly_bytes: u64,
    /// Bytes of one run.
    pub run_max_bytes: u64,
}

impl Allowance {
    /// A line that costs by volume, or of which nobody said that it does not.
    pub const METERED: Self = Self {
        monthly_bytes: 400_000_000,
        run_max_bytes: 15_000_000,
    };
    /// A line that somebody said is unmetered, to us or to the system: what the consent text promises
    /// at most.
    pub const UNMETERED: Self = Self {
        monthly_bytes: 1_000_000_000,
        run_max_bytes: 30_000_000,
    };
}

/// Fewest bytes that a throughput run begins with: two seconds each way at 2 Mbit/s, twice.
pub const THROUGHPUT_MIN_BYTES: u64 = 2_000_000;
/// Of what the interface moved beyond a run's own count, one part in this many of that count is
/// taken for the run's.
const OVERHEAD_SHARE: u64 = 10;

/// What a run is charged: `own` bytes by its own count; `moved` by the interface meanwhile, where
/// the run was alone on the device and passed it (rule 4).
#[must_use]
pub fn charge(own: u64, moved: Option<u64>) -> u64 {
    let beyond = moved.unwrap_or(0).saturating_sub(own);
    own.saturating_add(beyond.min(own / OVERHEAD_SHARE))
}

/// What is reserved for a run that may use `bytes` by its own count: what it may be charged at most.
#[must_use]
pub fn with_overhead(bytes: u64) -> u64 {
    bytes.saturating_add(bytes / OVERHEAD_SHARE)
}

/// Hours of budget that may be used ahead of time.
const AHEAD_HOURS: u64 = 24;

/// Bytes used in the current month; `budget.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The month on the country's clock.
    pub month: LocalMonth,
    /// The hour of the month in which counting began, from 0.
    pub since_hour: u64,
    /// Bytes settled.
    pub used_bytes: u64,
    /// Bytes promised to runs that have not settled.
    #[serde(default)]
    pub reserved_bytes: u64,
    /// What throughput runs were charged lately on average, of whatever month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput_bytes: Option<u64>,
}

/// Bytes promised to one run.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reservation that is not settled stays spent"]
pub struct Reservation {
    month: LocalMonth,
    bytes: u64,
}

impl Reservation {
    /// How many bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Ledger {
    /// An agent that has used nothing and begins to count now.
    #[must_use]
    pub fn begin(now: LocalHour) -> Self {
        Self {
            month: now.day.month(),
            since_hour: hour_of_month(now),
            used_bytes: 0,
            reserved_bytes: 0,
            throughput_bytes: None,
        }
    }

    /// The ledger as found after a start: what was reserved and never settled is spent.
    #[must_use]
    pub fn recovered(mut self) -> Self {
        self.used_bytes = self.used_bytes.saturating_add(self.reserved_bytes);
        self.reserved_bytes = 0;
        self
    }

    /// Turns to the month of `now`. A clock set back does not give a month's budget again.
    pub fn turn_to(&mut self, now: LocalHour) {
        if now.day.month() > self.month {
            *self = Self {
                since_hour: 0,
                throughput_bytes: self.throughput_bytes,
                ..Self::begin(now)
            };
        }
    }

    /// Bytes that a run may still reserve at this hour.
    #[must_use]
    pub fn available_bytes(&self, monthly_budget_bytes: u64, now: LocalHour) -> u64 {
        let hours_of_month = days_of(self.month) * 24;
        let elapsed = if now.day.month() == self.month {
            hour_of_month(now).saturating_sub(self.since_hour) + 1
        } else {
            1
        };
        let hours = (elapsed + AHEAD_HOURS).min(hours_of_month);
        let share =
            u128::from(monthly_budget_bytes) * u128::from(hours) / u128::from(hours_of_month);
        let share = u64::try_from(share).expect("a share is not above the whole");
        share.saturating_sub(self.used_bytes.saturating_add(self.reserved_bytes))
    }

    /// Takes what a throughput run was charged into the average: a quarter of it is the newest.
    pub fn note_throughput(&mut self, charged_bytes: u64) {
        let before = self.throughput_bytes.unwrap_or(charged_bytes);
        self.throughput_bytes = Some(before / 4 * 3 + charged_bytes / 4);
    }

    /// What a throughput run needs to begin (rule 5).
    #[must_use]
    pub fn throughput_needs_bytes(&self) -> u64 {
        self.throughput_bytes.unwrap_or(0).max(THROUGHPUT_MIN_BYTES)
    }

    /// The cap of a throughput run that begins now; `None` when too little is left (rule 5).
    #[must_use]
    pub fn throughput_cap_bytes(
        &self,
        run_max_bytes: u64,
        monthly_budget_bytes: u64,
        now: LocalHour,
    ) -> Option<u64> {
        let available = self.available_bytes(monthly_budget_bytes, now);
        let cap = (available / (OVERHEAD_SHARE + 1) * OVERHEAD_SHARE).min(run_max_bytes);
        (cap >= self.throughput_needs_bytes().min(run_max_bytes)).then_some(cap)
    }

    /// Promises `bytes` to a run, or nothing when they are not there.
    pub fn reserve(
        &mut self,
        bytes: u64,
        monthly_budget_bytes: u64,
        now: LocalHour,
    ) -> Option<Reservation> {
        self.turn_to(now);
        if bytes > self.available_bytes(monthly_budget_bytes, now) {
            return None;
        }
        self.reserved_bytes += bytes;
        Some(Reservation {
            month: self.month,
            bytes,
        })
    }

    /// Gives back what a run did not use. A run that reaches into the next month counts there,
    /// whole: the operator's meter does the same within an hour.
    pub fn settle(&mut self, reservation: &Reservation, used_bytes: u64) {
        if reservation.month == self.month {
            self.reserved_bytes = self.reserved_bytes.saturating_sub(reservation.bytes);
        }
        self.spend(used_bytes);
    }

    /// Counts bytes that nobody could reserve, such as uploads of records.
    pub fn spend(&mut self, bytes: u64) {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
    }
}

fn hour_of_month(now: LocalHour) -> u64 {
    u64::from(now.day.day.saturating_sub(1)) * 24 + u64::from(now.hour)
}

fn days_of(month: LocalMonth) -> u64 {
    let is_leap = month.year.is_multiple_of(4)
        && (!month.year.is_multiple_of(100) || month.year.is_multiple_of(400));
    match month.month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BUDGET: u64 = 1_000_000_000;

    fn hour(text: &str) -> LocalHour {
        text.parse().unwrap()
    }

    proptest! {
        #[test]
        fn a_month_never_exceeds_its_budget(
            budget in 1u64..1 << 40,
            runs in proptest::collection::vec((0u64..720, 0u64..1 << 38, 0u64..=100), 1..200),
        ) {
            let mut runs = runs;
            runs.sort_unstable();
            let mut ledger = Ledger::begin(hour("2026-11-01T00"));
            for (at, bytes, used_percent) in runs {
                let now = LocalHour::at(i64::try_from(at).unwrap() * 3_600_000_000 + 1_793_491_200_000_000, 0);
                prop_assert_eq!(now.day.month(), ledger.month);
                let Some(reservation) = ledger.reserve(bytes, budget, now) else { continue };
                prop_assert!(ledger.used_bytes + ledger.reserved_bytes <= budget);
                ledger.settle(&reservation, bytes / 100 * used_percent);
                prop_assert_eq!(ledger.reserved_bytes, 0);
            }
            prop_assert!(ledger.used_bytes <= budget);
        }

        #[test]
        fn a_crash_never_gives_bytes_back(bytes in 0u64..BUDGET / 40) {
            let now = hour("2026-11-10T08");
            let mut ledger = Ledger::begin(hour("2026-11-01T00"));
            let _lost_in_the_crash = ledger.reserve(bytes, BUDGET, now);
            let before = ledger.available_bytes(BUDGET, now);
            prop_assert_eq!(ledger.recovered().available_bytes(BUDGET, now), before);
        }
    }

    #[test]
    fn a_run_is_charged_its_overhead_and_never_what_others_moved() {
        assert_eq!(charge(1_000, None), 1_000);
        assert_eq!(charge(1_000, Some(900)), 1_000);
        assert_eq!(charge(1_000, Some(1_060)), 1_060);
        assert_eq!(charge(1_000, Some(50_000)), 1_100);
    }

    #[test]
    fn a_throughput_run_gets_what_is_there_or_does_not_begin() {
        let now = hour("2026-11-01T00");
        let mut ledger = Ledger::begin(now);
        let share = ledger.available_bytes(BUDGET, now);
        assert_eq!(
            ledger.throughput_cap_bytes(1 << 40, BUDGET, now),
            Some(share / 11 * 10)
        );
        assert_eq!(
            ledger.throughput_cap_bytes(5_000_000, BUDGET, now),
            Some(5_000_000)
        );
        ledger.throughput_bytes = Some(share + 1);
        assert_eq!(ledger.throughput_cap_bytes(1 << 40, BUDGET, now), None);
        assert_eq!(
            ledger.throughput_cap_bytes(5_000_000, BUDGET, now),
            Some(5_000_000),
            "a smaller cap than the last cost can still be met"
        );
        ledger.throughput_bytes = None;
        ledger.spend(share - THROUGHPUT_MIN_BYTES + 1);
        assert_eq!(ledger.throughput_cap_bytes(1 << 40, BUDGET, now), None);
    }

    #[test]
    fn the_first_day_has_a_share_and_not_the_whole_month() {
        let now = hour("2026-11-30T20");
        let ledger = Ledger::begin(now);
        assert_eq!(ledger.available_bytes(BUDGET, now), BUDGET * 25 / 720);
    }

    #[test]
    fn what_is_not_used_can_be_used_later_in_the_month() {
        let ledger = Ledger::begin(hour("2026-11-01T00"));
        assert_eq!(
            ledger.available_bytes(BUDGET, hour("2026-11-30T23")),
            BUDGET
        );
    }

    #[test]
    fn a_new_month_begins_at_nothing() {
        let mut ledger = Ledger::begin(hour("2026-11-15T00"));
        ledger.spend(BUDGET);
        assert!(ledger.reserve(1, BUDGET, hour("2026-11-30T23")).is_none());
        assert!(ledger.reserve(1, BUDGET, hour("2026-12-01T00")).is_some());
    }

    #[test]
    fn a_clock_set_back_gives_no_second_budget() {
        let mut ledger = Ledger::begin(hour("2026-11-15T00"));
        ledger.spend(BUDGET);
        assert!(ledger.reserve(1, BUDGET, hour("2026-10-01T00")).is_none());
    }

    #[test]
    fn a_run_over_the_end_of_the_month_counts_in_the_new_one() {
        let mut ledger = Ledger::begin(hour("2026-11-30T00"));
        let reservation = ledger
            .reserve(1_000, BUDGET, hour("2026-11-30T23"))
            .unwrap();
        ledger.turn_to(hour("2026-12-01T00"));
        ledger.settle(&reservation, 700);
        assert_eq!((ledger.used_bytes, ledger.reserved_bytes), (700, 0));
    }

    #[test]
    fn february_has_its_own_length() {
        assert_eq!(days_of("2028-02".parse().unwrap()), 29);
        assert_eq!(days_of("2100-02".parse().unwrap()), 28);
    }
}
