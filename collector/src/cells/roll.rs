//! Hours into days into months: each value a median of the level below, computed anew from it.
//!
//! 1. agent-hour: median of the samples of one agent in one cell in one local hour;
//! 2. agent-day: median of the agent-hours of a series, over the whole day, the peak hours and the
//!    others;
//! 3. agent-month: median of the agent-days, of each of the three.
//!
//! So an agent that runs day and night weighs no more than one that runs twice a day, and a late
//! record corrects the past by touching one hour, one day and one month.
use super::CellsError;
use crate::statements::quantile::{median, median_of_sorted};
use rusqlite::{Transaction, params};
use std::collections::BTreeSet;
use tonle_evidence::country::PeakHours;
use tonle_evidence::local_time::{LocalDay, LocalHour, LocalMonth};
use tonle_evidence::statement::Window;

/// An agent-hour that got a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TouchedHour {
    pub(super) agent_id: i64,
    pub(super) series_id: i64,
    pub(super) hour: LocalHour,
    pub(super) cell_id: i64,
}

/// Computes the touched hours, then their days, then their months.
pub(super) fn bring_up_to_date(
    transaction: &Transaction<'_>,
    touched: &BTreeSet<TouchedHour>,
    peak: Option<PeakHours>,
) -> Result<(), CellsError> {
    for hour in touched {
        agent_hour(transaction, hour)?;
    }
    let days: BTreeSet<(i64, i64, LocalDay)> = touched
        .iter()
        .map(|touched| (touched.agent_id, touched.series_id, touched.hour.day))
        .collect();
    for (agent_id, series_id, day) in &days {
        agent_day(transaction, *agent_id, *series_id, *day, peak)?;
    }
    let months: BTreeSet<(i64, i64, LocalMonth)> = days
        .iter()
        .map(|(agent_id, series_id, day)| (*agent_id, *series_id, day.month()))
        .collect();
    for (agent_id, series_id, month) in &months {
        agent_month(transaction, *agent_id, *series_id, *month)?;
    }
    Ok(())
}

fn agent_hour(transaction: &Transaction<'_>, touched: &TouchedHour) -> Result<(), CellsError> {
    let TouchedHour {
        agent_id,
        series_id,
        hour,
        cell_id,
    } = *touched;
    let hour = hour.to_string();
    let mut values = Vec::new();
    let mut entries = BTreeSet::new();
    let mut samples = transaction.prepare_cached(
        "SELECT value, entry_index FROM sample
         WHERE agent_id = ?1 AND cell_id = ?2 AND hour = ?3 ORDER BY value",
    )?;
    let mut rows = samples.query(params![agent_id, cell_id, hour])?;
    while let Some(row) = rows.next()? {
        values.push(row.get(0)?);
        entries.insert(row.get::<_, i64>(1)?);
    }
    let Some(value) = median_of_sorted(&values) else {
        return Ok(());
    };
    let records = i64::try_from(entries.len()).expect("fewer records than entries");
    transaction
        .prepare_cached("INSERT OR REPLACE INTO agent_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![agent_id, series_id, hour, cell_id, value, records])?;
    Ok(())
}

fn agent_day(
    transaction: &Transaction<'_>,
    agent_id: i64,
    series_id: i64,
    day: LocalDay,
    peak: Option<PeakHours>,
) -> Result<(), CellsError> {
    let day = day.to_string();
    let hours = hours_of(transaction, agent_id, series_id, &day)?;
    for window in Window::PARTS {
        let of_window = hours.iter().filter(|hour| is_in(window, hour.hour, peak));
        let below = Level::of(of_window.map(|hour| (hour.value, hour.records)));
        let Some(value) = median(&below.values) else {
            continue;
        };
        transaction
            .prepare_cached("INSERT OR REPLACE INTO agent_day VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                agent_id,
                series_id,
                day,
                window.as_str(),
                value,
                below.records
            ])?;
    }
    Ok(())
}

/// Without declared peak hours there is the whole day only.
pub(super) fn is_in(window: Window, hour: u8, peak: Option<PeakHours>) -> bool {
    match window {
        Window::All => true,
        Window::Peak => peak.is_some_and(|peak| peak.holds(hour)),
        Window::OffPeak => peak.is_some_and(|peak| !peak.holds(hour)),
        Window::Hour(one) => one.get() == hour,
    }
}

/// From the whole day inwards, the windows that hold these hours and have figures of their own; the last is
/// `window`.
pub(super) fn nested(window: Window, peak: Option<PeakHours>) -> Vec<Window> {
    match window {
        Window::All => vec![Window::All],
        Window::Peak | Window::OffPeak => vec![Window::All, window],
        Window::Hour(hour) => {
            let parts = [Window::Peak, Window::OffPeak].into_iter();
            let holding = parts.filter(|part| is_in(*part, hour.get(), peak));
            [Window::All]
                .into_iter()
                .chain(holding)
                .chain([window])
                .collect()
        }
    }
}

fn agent_month(
    transaction: &Transaction<'_>,
    agent_id: i64,
    series_id: i64,
    month: LocalMonth,
) -> Result<(), CellsError> {
    let month = month.to_string();
    let days = days_of(transaction, agent_id, series_id, &month)?;
    for window in Window::PARTS {
        let of_window = days.iter().filter(|day| day.window == window.as_str());
        let below = Level::of(of_window.map(|day| (day.value, day.records)));
        let Some(value) = median(&below.values) else {
            continue;
        };
        let agent_days = i64::try_from(below.values.len()).expect("at most 31 days");
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO agent_month VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                month,
                window.as_str(),
                series_id,
                agent_id,
                value,
                agent_days,
                below.records
            ])?;
    }
    Ok(())
}

/// An agent-hour of a day.
struct HourValue {
    hour: u8,
    value: i64,
    records: i64,
}

fn hours_of(
    transaction: &Transaction<'_>,
    agent_id: i64,
    series_id: i64,
    day: &str,
) -> Result<Vec<HourValue>, CellsError> {
    let mut statement = transaction.prepare_cached(
        "SELECT CAST(substr(hour, -2) AS INTEGER), value, records FROM agent_hour
         WHERE agent_id = ?1 AND series_id = ?2 AND hour BETWEEN ?3 || 'T00' AND ?3 || 'T23'",
    )?;
    let rows = statement.query_map(params![agent_id, series_id, day], |row| {
        Ok(HourValue {
            hour: row.get(0)?,
            value: row.get(1)?,
            records: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An agent-day of a month.
struct DayValue {
    window: String,
    value: i64,
    records: i64,
}

fn days_of(
    transaction: &Transaction<'_>,
    agent_id: i64,
    series_id: i64,
    month: &str,
) -> Result<Vec<DayValue>, CellsError> {
    let mut statement = transaction.prepare_cached(
        "SELECT window, value, records FROM agent_day
         WHERE agent_id = ?1 AND series_id = ?2 AND day BETWEEN ?3 || '-01' AND ?3 || '-31'",
    )?;
    let rows = statement.query_map(params![agent_id, series_id, month], |row| {
        Ok(DayValue {
            window: row.get(0)?,
            value: row.get(1)?,
            records: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Values of the level below, and the records behind all of them.
#[derive(Default)]
struct Level {
    values: Vec<i64>,
    records: i64,
}

impl Level {
    fn of(below: impl Iterator<Item = (i64, i64)>) -> Self {
        let mut level = Self::default();
        for (value, records) in below {
            level.values.push(value);
            level.records += records;
        }
        level
    }
}
