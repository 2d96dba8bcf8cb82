//! What changes are looked for in: visits, contacts and lines of a window, in one view of the file.
use super::read::access_of;
use super::{CellsError, CellsReader};
use crate::analysis::Ground;
use crate::analysis::openness::PAGE;
use crate::incidents::detect::{
    CONTACT_HISTORY_H, Contact, Hour, HourValue, Inputs, JUDGED_H, LINE_HISTORY_H, LineCell, Visit,
};
use crate::statements::quantile::median;
use crate::statements::{Sighting, grouped};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tonle_evidence::catalogue::{Better, Metric};
use tonle_evidence::hash::Hex;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::statement::Access;

const HOUR_S: i64 = 3_600;
/// Of shares (loss), less than one in a hundred is not noticed.
const SHARE_FLOOR_PPM: i64 = 10_000;
/// Fewest independent agents of an hour that is worth reading.
const AGENTS_MIN: usize = 5;

impl CellsReader {
    /// The window before `now`, but for the hours in which the collector was there, which it does not know.
    pub fn window(&self, now: Hour, ground: &Ground) -> Result<Inputs, CellsError> {
        let connection = self.connect()?;
        let view = connection.unchecked_transaction()?;
        let offset_s = ground.country.utc_offset_s;
        let from = |hours: Hour| LocalHour::at((now - hours) * HOUR_S * 1_000_000, offset_s);
        let units = units(&view, from(JUDGED_H + LINE_HISTORY_H))?;
        let mut names = Names::default();
        let mut visits = visits(&view, from(JUDGED_H), offset_s, &units, &mut names)?;
        visits.retain(|visit| (now - JUDGED_H..now).contains(&visit.hour));
        let first = now - JUDGED_H - CONTACT_HISTORY_H;
        Ok(Inputs {
            now,
            visits,
            contacts: contacts(&view, first, now, &units, &mut names)?,
            awake: std::collections::BTreeSet::new(),
            lines: lines(&view, from(JUDGED_H + LINE_HISTORY_H), now, &units, ground)?,
        })
    }
}

/// Text that stands in many rows, kept once.
#[derive(Default)]
struct Names(HashSet<Arc<str>>);

impl Names {
    fn get(&mut self, text: String) -> Arc<str> {
        if let Some(known) = self.0.get(text.as_str()) {
            return Arc::clone(known);
        }
        let name: Arc<str> = text.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

/// The independent agent that each agent is part of, by what was seen in the months of the window.
fn units(view: &Connection, from: LocalHour) -> Result<HashMap<i64, u32>, CellsError> {
    let mut statement = view.prepare("SELECT agent_id, coalesce(batch, '') FROM agent")?;
    let agents: Vec<(i64, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut statement =
        view.prepare("SELECT DISTINCT agent_id, asn, group_id FROM sighting WHERE month >= ?1")?;
    let mut rows = statement.query([from.day.month().to_string()])?;
    let mut seen: HashMap<i64, Vec<Sighting>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let group_id: Vec<u8> = row.get(2)?;
        seen.entry(row.get(0)?).or_default().push(Sighting {
            asn: u32::try_from(row.get::<_, i64>(1)?).ok(),
            group_id: Hex::from_slice(&group_id).ok(),
        });
    }
    let given = agents.iter().map(|(agent_id, batch)| {
        let sightings = seen.get(agent_id).map_or(&[][..], Vec::as_slice);
        (batch.as_str(), sightings)
    });
    let mut units = HashMap::new();
    for (unit, members) in (0..).zip(grouped(given)) {
        units.extend(members.into_iter().map(|index| (agents[index].0, unit)));
    }
    Ok(units)
}

fn visits(
    view: &Connection,
    from: LocalHour,
    utc_offset_s: i32,
    units: &HashMap<i64, u32>,
    names: &mut Names,
) -> Result<Vec<Visit>, CellsError> {
    let mut statement = view.prepare(
        "SELECT target, network, day, hour, agent_id, province, state, fingerprint, software,
                entry_index
         FROM openness_cell JOIN openness_witness USING (cell_id)
         WHERE day >= ?1 AND layer = ?2 ORDER BY entry_index",
    )?;
    let mut rows = statement.query(params![from.day.to_string(), PAGE])?;
    let mut visits = Vec::new();
    while let Some(row) = rows.next()? {
        // What this room wrote into its own file reads back.
        let wrong = |_| rusqlite::Error::InvalidQuery;
        let day: String = row.get(2)?;
        let at = LocalHour {
            day: day.parse().map_err(|_| rusqlite::Error::InvalidQuery)?,
            hour: row.get(3)?,
        };
        let state: String = row.get(6)?;
        visits.push(Visit {
            target: names.get(row.get(0)?),
            network: names.get(row.get(1)?),
            hour: at.start_s(utc_offset_s).div_euclid(HOUR_S),
            unit: units.get(&row.get(4)?).copied().unwrap_or(u32::MAX),
            province: names.get(row.get(5)?),
            state: state.parse().map_err(wrong)?,
            fingerprint: names.get(row.get(7)?),
            software: names.get(row.get(8)?),
            entry_index: row.get::<_, i64>(9)?.cast_unsigned(),
        });
    }
    Ok(visits)
}

fn contacts(
    view: &Connection,
    first: Hour,
    now: Hour,
    units: &HashMap<i64, u32>,
    names: &mut Names,
) -> Result<Vec<Contact>, CellsError> {
    let mut statement = view.prepare(
        "SELECT network, province, agent_id, hour FROM contact WHERE hour >= ?1 AND hour < ?2",
    )?;
    let mut rows = statement.query([first, now])?;
    let mut contacts = Vec::new();
    while let Some(row) = rows.next()? {
        contacts.push(Contact {
            network: names.get(row.get(0)?),
            province: names.get(row.get(1)?),
            unit: units.get(&row.get(2)?).copied().unwrap_or(u32::MAX),
            hour: row.get(3)?,
        });
    }
    Ok(contacts)
}

/// A series in a place: metric, access, then province and operator where it is of one.
type Place = (String, &'static str, Option<String>, Option<String>);

/// Values of each independent agent.
type ByUnit = BTreeMap<u32, Vec<i64>>;

/// The overview metrics, by operator and province, and over all of either, in hours with enough agents.
fn lines(
    view: &Connection,
    from: LocalHour,
    now: Hour,
    units: &HashMap<i64, u32>,
    ground: &Ground,
) -> Result<Vec<LineCell>, CellsError> {
    let mut statement = view.prepare(
        "SELECT metric, access, province, operator, agent_hour.agent_id, value
         FROM agent_hour JOIN cell USING (cell_id)
              JOIN series ON series.series_id = agent_hour.series_id
         WHERE hour = ?1",
    )?;
    let mut lines: BTreeMap<Place, Vec<HourValue>> = BTreeMap::new();
    let offset_s = ground.country.utc_offset_s;
    let first = from.start_s(offset_s).div_euclid(HOUR_S);
    for hour in first..now {
        let local = LocalHour::at(hour * HOUR_S * 1_000_000, offset_s);
        let mut places: BTreeMap<Place, ByUnit> = BTreeMap::new();
        let mut rows = statement.query([local.to_string()])?;
        while let Some(row) = rows.next()? {
            let (metric, access): (String, String) = (row.get(0)?, row.get(1)?);
            let is_shown = ground
                .catalogue
                .get(&metric)
                .is_some_and(|one| one.headline);
            let Some(access) = access_of(&access).filter(|_| is_shown).map(Access::as_str) else {
                continue;
            };
            let unit = units.get(&row.get(4)?).copied().unwrap_or(u32::MAX);
            let (province, operator): (String, String) = (row.get(2)?, row.get(3)?);
            let of = |province, operator| (metric.clone(), access, province, operator);
            for place in [
                of(Some(province.clone()), Some(operator.clone())),
                of(Some(province.clone()), None),
                of(None, Some(operator.clone())),
            ] {
                let agents = places.entry(place).or_default();
                agents.entry(unit).or_default().push(row.get(5)?);
            }
        }
        for (place, agents) in places {
            if agents.len() < AGENTS_MIN {
                continue;
            }
            let values: Vec<i64> = agents.values().filter_map(|own| median(own)).collect();
            let Some(value) = median(&values) else {
                continue;
            };
            let agents = u32::try_from(values.len()).unwrap_or(u32::MAX);
            lines.entry(place).or_default().push(HourValue {
                hour,
                value,
                agents,
            });
        }
    }
    let cells = lines.into_iter().filter_map(|(place, hours)| {
        let declared = ground.catalogue.get(&place.0)?;
        Some(line(place, declared, hours))
    });
    Ok(cells.collect())
}

fn line(place: Place, declared: &Metric, hours: Vec<HourValue>) -> LineCell {
    let (metric, access, province, network) = place;
    LineCell {
        metric,
        access,
        province,
        network,
        higher_is_better: declared.better == Better::Higher,
        floor: if declared.unit == "ppm" {
            SHARE_FLOOR_PPM
        } else {
            1
        },
        hours,
    }
}
