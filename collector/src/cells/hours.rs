//! What agents gave in single hours: of one hour of the day over a month, and in all hours by part.
//!
//! Of hours no months are kept: they are reckoned from the agent-hours when they are asked for, as `roll`
//! reckons the windows that are, so that a record costs no more for them.
use super::CellsError;
use super::read::{AgentHours, ByPart, BySeries, HourOf, SeriesKey, Sightings, Wanted, series_key};
use crate::statements::AgentPeriod;
use crate::statements::quantile::median;
use rusqlite::{Connection, params};
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{Access, CellsBy};
use tonle_evidence::window::HourOfDay;

/// What agents gave in one hour of the day over a month: the median of their days.
pub(super) fn periods(
    view: &Connection,
    wanted: &Wanted<'_>,
    hour: HourOfDay,
    sightings: &Sightings,
) -> Result<BySeries<AgentPeriod>, CellsError> {
    let (month, province, metric) = wanted;
    let mut statement = view.prepare(
        "SELECT metric, province, access, agent_hour.agent_id, coalesce(batch, ''), hour, value,
                agent_hour.records
         FROM series JOIN agent_hour USING (series_id) JOIN agent USING (agent_id)
         WHERE hour BETWEEN ?1 || '-01T00' AND ?1 || '-31T23' AND substr(hour, -2) = ?4
             AND (?2 IS NULL OR province = ?2) AND (?3 IS NULL OR metric = ?3)
         ORDER BY series_id, agent_hour.agent_id, hour",
    )?;
    let hour = format!("{:02}", hour.get());
    let mut rows = statement.query(params![month, province, metric, hour])?;
    let mut series = BySeries::new();
    let mut open: Option<Open> = None;
    while let Some(row) = rows.next()? {
        let Some(key) = series_key(row)? else {
            continue;
        };
        let agent_id: i64 = row.get(3)?;
        let is_same = |one: &Open| one.agent_id == agent_id && one.key == key;
        if !open.as_ref().is_some_and(is_same) {
            let seen = sightings.get(&(agent_id, key.access)).cloned();
            let next = Open {
                agent_id,
                key,
                agent: AgentPeriod {
                    batch: row.get(4)?,
                    sightings: seen.unwrap_or_default(),
                    value: 0,
                    agent_days: 0,
                    records: 0,
                },
                days: Vec::new(),
                day: Vec::new(),
                hour: String::new(),
            };
            close(open.replace(next), &mut series);
        }
        let one = open.as_mut().expect("it was opened above");
        let hour: String = row.get(5)?;
        if one.hour != hour {
            one.end_day();
            one.hour = hour;
        }
        one.day.push(row.get(6)?);
        one.agent.records += row.get::<_, i64>(7)?.cast_unsigned();
    }
    close(open, &mut series);
    Ok(series)
}

/// An agent of a series whose rows are being read.
struct Open {
    agent_id: i64,
    key: SeriesKey,
    agent: AgentPeriod,
    /// Medians of its days before this one.
    days: Vec<i64>,
    /// Its values of this day: one per cell.
    day: Vec<i64>,
    /// The day and hour of these.
    hour: String,
}

impl Open {
    fn end_day(&mut self) {
        self.days.extend(median(&self.day));
        self.day.clear();
    }
}

fn close(open: Option<Open>, series: &mut BySeries<AgentPeriod>) {
    let Some(mut open) = open else {
        return;
    };
    open.end_day();
    let Some(value) = median(&open.days) else {
        return;
    };
    series.entry(open.key).or_default().push(AgentPeriod {
        value,
        agent_days: open.days.len() as u64,
        ..open.agent
    });
}

/// The agent-hours of a series over a month, by province and part of it. Of hours there is one part: they
/// are told apart by whoever reads them.
pub(super) fn of(
    view: &Connection,
    month: LocalMonth,
    (metric, access): (&str, Access),
    by: CellsBy,
    sightings: &Sightings,
) -> Result<ByPart, CellsError> {
    let part = match by {
        CellsBy::Operator => "operator",
        CellsBy::Place => "place",
        CellsBy::Technology => "technology",
        CellsBy::Tier => "tier",
        CellsBy::Hour => "''",
    };
    let mut statement = view.prepare(&format!(
        "SELECT province, {part} AS part, agent_hour.agent_id, coalesce(batch, ''), hour, value,
                agent_hour.records
         FROM series JOIN agent_hour USING (series_id) JOIN cell USING (cell_id)
              JOIN agent USING (agent_id)
         WHERE metric = ?1 AND access = ?2 AND hour BETWEEN ?3 || '-01T00' AND ?3 || '-31T23'
         ORDER BY province, part, agent_hour.agent_id, hour, cell_id"
    ))?;
    let mut rows = statement.query(params![metric, access.as_str(), month.to_string()])?;
    let mut parts = ByPart::new();
    let mut last: Option<i64> = None;
    while let Some(row) = rows.next()? {
        let agent_id: i64 = row.get(2)?;
        let agents = parts.entry((row.get(0)?, row.get(1)?)).or_default();
        if agents.is_empty() || last != Some(agent_id) {
            let seen = sightings.get(&(agent_id, access)).cloned();
            agents.push(AgentHours {
                batch: row.get(3)?,
                sightings: seen.unwrap_or_default(),
                hours: Vec::new(),
            });
        }
        last = Some(agent_id);
        let hour: String = row.get(4)?;
        // What this room wrote into its own file reads back.
        let at = hour.parse().map_err(|_| rusqlite::Error::InvalidQuery)?;
        let agent = agents.last_mut().expect("one was pushed");
        agent.hours.push(HourOf {
            at,
            value: row.get(5)?,
            records: row.get::<_, i64>(6)?.cast_unsigned(),
        });
    }
    Ok(parts)
}
