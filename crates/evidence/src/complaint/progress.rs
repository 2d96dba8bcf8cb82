//! How far a complaint is: which tests count, and when the next may begin.
//!
//! 1. A test counts that keeps its own conditions and begins late enough after the one before it that counts on
//!    the same day.
//! 2. A day counts that has all its tests, and lies far enough after the one before it.
//! 3. The first and the last day lie within the term; else the first day is given up.
use super::{Terms, Test};
use crate::hash::Hash;
use crate::local_time::{LocalDay, LocalHour};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A test may begin.
    Now,
    /// The next test may begin then, microseconds since the Unix epoch.
    At(i64),
    /// All tests are made.
    Complete,
}

/// How far a complaint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Days that have all their tests.
    pub days: Vec<LocalDay>,
    /// Tests of today that count, where today can become such a day.
    pub today: u32,
    /// The tests of the days that count, in the order of time.
    pub counted: Vec<Hash>,
    /// What is to be done.
    pub next: Next,
}

/// How far these tests, in the order of time, are at `now_us` since the Unix epoch.
#[must_use]
pub fn progress(terms: &Terms, tests: &[Test], now_us: i64, utc_offset_s: i32) -> Progress {
    let by_day = by_day(terms, tests);
    let days = days(terms, &by_day);
    let is_complete = days.len() == terms.days as usize;
    let of_days = days.iter().flat_map(|day| &by_day[day]);
    let counted = of_days.map(|test| test.record_hash).collect();
    let today = LocalHour::at(now_us, utc_offset_s).day;
    let of_today = by_day.get(&today).map_or(0, Vec::len);
    let may_be_today = days.last().is_none_or(|last| is_apart(terms, *last, today));
    Progress {
        today: if may_be_today {
            u32::try_from(of_today).unwrap_or(u32::MAX)
        } else {
            0
        },
        next: if is_complete {
            Next::Complete
        } else {
            next(terms, tests, &by_day, &days, (now_us, utc_offset_s))
        },
        days,
        counted,
    }
}

/// Rule 1: at most as many as a day has.
fn by_day<'a>(terms: &Terms, tests: &'a [Test]) -> BTreeMap<LocalDay, Vec<&'a Test>> {
    let mut by_day: BTreeMap<LocalDay, Vec<&Test>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for test in tests.iter().filter(|test| test.is_good()) {
        let of_day = by_day.entry(test.day).or_default();
        let done = u32::try_from(of_day.len()).unwrap_or(u32::MAX);
        let is_late_enough = of_day
            .last()
            .is_none_or(|last| test.t_start_us >= after(last.t_end_us, terms.wait_s(done)));
        if done < terms.tests_per_day && is_late_enough && seen.insert(test.record_hash) {
            of_day.push(test);
        }
    }
    by_day
}

/// Rules 2 and 3.
fn days(terms: &Terms, by_day: &BTreeMap<LocalDay, Vec<&Test>>) -> Vec<LocalDay> {
    let mut days: Vec<LocalDay> = Vec::new();
    let whole = by_day
        .iter()
        .filter(|(_, tests)| tests.len() == terms.tests_per_day as usize);
    for (day, _) in whole {
        if days.len() == terms.days as usize {
            break;
        }
        if days.last().is_none_or(|last| is_apart(terms, *last, *day)) {
            days.push(*day);
        }
        let within = i64::from(terms.within_days);
        days.retain(|first| number(*day) - number(*first) < within);
    }
    days
}

fn is_apart(terms: &Terms, last: LocalDay, day: LocalDay) -> bool {
    number(day) - number(last) > i64::from(terms.days_between)
}

fn next(
    terms: &Terms,
    tests: &[Test],
    by_day: &BTreeMap<LocalDay, Vec<&Test>>,
    days: &[LocalDay],
    (now_us, utc_offset_s): (i64, i32),
) -> Next {
    let today = LocalHour::at(now_us, utc_offset_s).day;
    let start_us = |day: i64| (day * DAY_S - i64::from(utc_offset_s)) * 1_000_000;
    if let Some(last) = days.last().filter(|last| !is_apart(terms, **last, today)) {
        return Next::At(start_us(number(*last) + i64::from(terms.days_between) + 1));
    }
    let done = by_day.get(&today).map_or(0, Vec::len);
    let done = u32::try_from(done).unwrap_or(u32::MAX);
    // A test that does not count is no reason to hurry.
    let last_end_us = tests.iter().map(|test| test.t_end_us).max();
    let at_us = last_end_us.map_or(now_us, |end| after(end, terms.wait_s(done)).max(now_us));
    let rest_s: u64 = (done + 1..terms.tests_per_day)
        .map(|done| terms.wait_s(done))
        .sum();
    let tomorrow_us = start_us(number(today) + 1);
    if after(at_us, rest_s) >= tomorrow_us {
        return Next::At(tomorrow_us);
    }
    if at_us <= now_us {
        Next::Now
    } else {
        Next::At(at_us)
    }
}

fn after(end_us: i64, wait_s: u64) -> i64 {
    let pause = i64::try_from(wait_s.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    end_us.saturating_add(pause)
}

/// Days since 1970-01-01.
fn number(day: LocalDay) -> i64 {
    LocalHour { day, hour: 0 }.start_s(0).div_euclid(DAY_S)
}
