//! What the days of a month look like, and what a month of them costs.
use super::*;
use crate::budget::{Ledger, charge, with_overhead};
use crate::experiments::throughput::early_stop::Rule;
use crate::replay::{self, recorded};
use proptest::prelude::*;
use std::collections::BTreeSet;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
const CAMBODIA_S: i32 = 25_200;
/// Midnight of 1 November 2026 in Cambodia.
const NOVEMBER_US: i64 = 1_793_491_200_000_000 - 25_200_000_000;

fn day(rounds: u64, seed: u64) -> HeavyDay {
    HeavyDay {
        rounds,
        seed,
        quiet: None,
        utc_offset_s: CAMBODIA_S,
    }
}

fn starts(schedule: HeavyDay, from_us: i64, until_us: i64) -> Vec<i64> {
    let next = |last: &i64| Some(schedule.next_us(*last)).filter(|start| *start < until_us);
    std::iter::successors(next(&from_us), next).collect()
}

fn is_peak(start_us: i64) -> bool {
    (19..23).contains(&LocalHour::at(start_us, CAMBODIA_S).hour)
}

proptest! {
    #[test]
    fn every_day_has_a_round_at_peak_and_one_outside(seed: u64, rounds in 2u64..12, number in 0i64..20_000) {
        let from_us = NOVEMBER_US + number * DAY_US;
        let of_day = starts(day(rounds, seed), from_us, from_us + DAY_US);
        let at_peak = of_day.iter().filter(|start| is_peak(**start)).count();
        prop_assert!(at_peak >= 1);
        prop_assert!(of_day.len() > at_peak, "{of_day:?}");
    }

    #[test]
    fn one_round_a_day_takes_turns(seed: u64) {
        let of_fortnight = starts(day(1, seed), NOVEMBER_US, NOVEMBER_US + 14 * DAY_US);
        let at_peak = of_fortnight.iter().filter(|start| is_peak(**start)).count();
        prop_assert!((6..=8).contains(&at_peak), "{at_peak}");
        prop_assert!((12..=15).contains(&of_fortnight.len()));
    }

    #[test]
    fn nothing_starts_in_quiet_hours(seed: u64, from_hour in 0u8..24, length in 1u8..24, rounds in 1u64..10, now_us in 0..DAY_US * 1000) {
        let quiet = Quiet { from_hour, until_hour: (from_hour + length) % 24 };
        let schedule = HeavyDay { quiet: Some(quiet), ..day(rounds, seed) };
        let of_week = starts(schedule, now_us, now_us + 7 * DAY_US);
        for start in of_week.iter().filter(|start| **start < now_us + 6 * DAY_US) {
            prop_assert!(!schedule.is_quiet(*start));
        }
    }

    #[test]
    fn a_restart_changes_nothing(seed: u64, now_us in 0..DAY_US, later_us in 0..DAY_US) {
        let schedule = day(4, seed);
        let next = schedule.next_us(now_us);
        prop_assert!(next > now_us);
        prop_assert_eq!(schedule.next_us(now_us + later_us % (next - now_us)), next);
    }

    #[test]
    fn no_clock_makes_it_panic(seed: u64, now_us in i64::MIN / 4..i64::MAX / 4, rounds: u64) {
        let _ = day(rounds, seed).next_us(now_us);
    }
}

#[test]
fn the_budget_says_how_many_rounds_a_day_are_paid_for() {
    let six_hours = 6 * 3_600;
    assert_eq!(HeavyDay::rounds_of(six_hours, 400_000_000, None), 4);
    assert_eq!(
        HeavyDay::rounds_of(six_hours, 400_000_000, Some(5_000_000)),
        2
    );
    assert_eq!(
        HeavyDay::rounds_of(six_hours, 400_000_000, Some(50_000_000)),
        2
    );
    assert_eq!(HeavyDay::rounds_of(six_hours, 1 << 40, Some(50_000_000)), 4);
    assert_eq!(HeavyDay::rounds_of(86_400, 400_000_000, Some(1)), 1);
}

/// What ten seconds at a rate cost when the rule ends them, on lines of the lab that are calm, lossy,
/// long, bursting, stepping or wandering; headers and set-up are a twentieth.
fn costs_of_a_direction(rate_bps: i64) -> Vec<u64> {
    let mut traces = recorded::choosing();
    traces.extend(recorded::reporting());
    traces.retain(|trace| (rate_bps * 3 / 4..rate_bps * 5 / 4).contains(&trace.full_bps));
    let costs = traces.iter().map(|trace| {
        let used = replay::play(trace, &mut Rule::STANDARD.clone()).used_bytes;
        used.unsigned_abs() * 21 / 20
    });
    costs.collect()
}

/// Days of November with a throughput run at peak and one outside it.
fn days_with_both(seed: u64, monthly_bytes: u64) -> usize {
    const RUN_MAX: u64 = 15_000_000;
    /// An hourly round of the light experiments with its upload.
    const LIGHT: u64 = 60_000;
    let (down, up) = (
        costs_of_a_direction(10_000_000),
        costs_of_a_direction(5_000_000),
    );
    let mut ledger = Ledger::begin(LocalHour::at(NOVEMBER_US, CAMBODIA_S));
    let (mut peak, mut rest) = (BTreeSet::new(), BTreeSet::new());
    let mut now_us = NOVEMBER_US;
    let mut light_us = NOVEMBER_US;
    while now_us < NOVEMBER_US + 30 * DAY_US {
        let rounds = HeavyDay::rounds_of(6 * 3_600, monthly_bytes, ledger.throughput_bytes);
        now_us = day(rounds, seed).next_us(now_us);
        while light_us < now_us {
            let hour = LocalHour::at(light_us, CAMBODIA_S);
            if let Some(reserved) = ledger.reserve(LIGHT, monthly_bytes, hour) {
                ledger.settle(&reserved, LIGHT);
            }
            light_us += HOUR_US;
        }
        let now = LocalHour::at(now_us, CAMBODIA_S);
        let Some(cap) = ledger.throughput_cap_bytes(RUN_MAX, monthly_bytes, now) else {
            continue;
        };
        let reserved = ledger
            .reserve(with_overhead(cap), monthly_bytes, now)
            .unwrap();
        let draw = mix(now_us.cast_unsigned());
        let pick =
            |costs: &[u64], number: u64| costs[usize::try_from(number).unwrap() % costs.len()];
        let used = (pick(&down, draw >> 8) + pick(&up, draw >> 32)).min(cap);
        let used = charge(used, Some(used * 103 / 100));
        ledger.settle(&reserved, used);
        ledger.note_throughput(used);
        let kind = if is_peak(now_us) {
            &mut peak
        } else {
            &mut rest
        };
        kind.insert(now.day.day);
    }
    assert!(ledger.used_bytes <= monthly_bytes, "{}", ledger.used_bytes);
    peak.intersection(&rest).count()
}

#[test]
fn four_hundred_megabytes_measure_peak_and_the_rest_on_25_days_of_a_10_to_5_line() {
    for seed in 0..20 {
        let days = days_with_both(seed, 400_000_000);
        assert!(days >= 25, "seed {seed}: {days} days");
    }
}
