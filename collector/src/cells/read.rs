//! Questions to the cells: what agents gave over a month, and the newest records of a device.
use super::schema::{FILE_NAME, SCHEMA};
use super::{CellsError, hours, next_index};
use crate::statements::{AgentPeriod, Sighting};
use crate::store;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use tonle_evidence::hash::{Hash, Hex, PublicKey};
use tonle_evidence::local_time::{LocalHour, LocalMonth};
use tonle_evidence::statement::{Access, CellsBy, LeftOut, Window};

/// What statements are made of, within one month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// Full metric id.
    pub metric: String,
    /// ISO 3166-2 code.
    pub province: String,
    /// Access class.
    pub access: Access,
}

/// Things of each series.
pub(super) type BySeries<T> = BTreeMap<SeriesKey, Vec<T>>;

/// What a month's statements are made of.
#[derive(Debug)]
pub struct Month {
    /// What agents gave in each window that was asked for, from the whole day inwards.
    windows: Vec<BySeries<AgentPeriod>>,
    /// Samples that entered no cell.
    pub(super) left_out: BySeries<LeftOut>,
}

impl Month {
    /// The agents of a series in each window; of one that has none nobody.
    pub(super) fn nested(&self, key: &SeriesKey) -> Vec<&[AgentPeriod]> {
        let windows = self.windows.iter();
        windows
            .map(|all| all.get(key).map_or(&[][..], Vec::as_slice))
            .collect()
    }
}

/// One of a device's newest records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceResult {
    /// Its name.
    pub record_hash: Hash,
    /// Where its bytes stand in the journal.
    pub entry_index: u64,
    /// Start, by the device's wall clock, microseconds since the Unix epoch.
    pub t_start_us: i64,
    /// Why it enters no cell; see [`crate::analysis::NoCell`].
    pub no_cell: Option<String>,
}

/// What one agent gave to the cells of one part of a province over a month.
#[derive(Debug, Clone)]
pub(super) struct AgentHours {
    /// Name of the enrolment batch.
    pub(super) batch: String,
    /// Every network the agent was seen in with this access class.
    pub(super) sightings: Vec<Sighting>,
    /// Its agent-hours.
    pub(super) hours: Vec<HourOf>,
}

/// An agent-hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HourOf {
    pub(super) at: LocalHour,
    pub(super) value: i64,
    pub(super) records: u64,
}

/// Agents by province and part of it.
pub(super) type ByPart = BTreeMap<(String, String), Vec<AgentHours>>;

/// What is known of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceIndex {
    /// Records of its key that are processed.
    pub processed: u64,
    /// Its newest records, the newest first, at most [`super::DEVICE_RESULTS_KEPT`].
    pub newest: Vec<DeviceResult>,
}

/// Reads beside the writer. Each question opens its own read-only connection, so that none holds on
/// to a file that was begun anew. Synchronous: call it from a blocking task.
#[derive(Debug, Clone)]
pub struct CellsReader {
    path: PathBuf,
}

impl CellsReader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The cells of a data directory, for whoever is no writer.
    #[must_use]
    pub fn of_dir(dir: &Path) -> Self {
        Self::new(dir.join(FILE_NAME))
    }

    /// Index of the first journal entry that is not in the answers yet.
    pub fn processed_to(&self) -> Result<u64, CellsError> {
        Ok(next_index(&self.connect()?)?)
    }

    /// What a month's statements are made of in these windows, of one province or metric where asked, in one
    /// view of the file.
    pub fn month(
        &self,
        month: LocalMonth,
        windows: &[Window],
        province: Option<&str>,
        metric: Option<&str>,
    ) -> Result<Month, CellsError> {
        let connection = self.connect()?;
        let view = connection.unchecked_transaction()?;
        let wanted = (month.to_string(), province, metric);
        let sightings = sightings(&view, month)?;
        let windows = windows.iter().map(|window| match window {
            Window::Hour(hour) => hours::periods(&view, &wanted, *hour, &sightings),
            kept => agent_periods(&view, &wanted, *kept, &sightings),
        });
        Ok(Month {
            windows: windows.collect::<Result<_, _>>()?,
            left_out: left_out(&view, &wanted)?,
        })
    }

    /// The agent-hours of each month's series that is asked for, by province and part of it, in one view
    /// of the file.
    pub(super) fn hours(
        &self,
        month: LocalMonth,
        series: &[(&str, Access)],
        by: CellsBy,
    ) -> Result<Vec<ByPart>, CellsError> {
        let connection = self.connect()?;
        let view = connection.unchecked_transaction()?;
        let sightings = sightings(&view, month)?;
        series
            .iter()
            .map(|(metric, access)| hours::of(&view, month, (metric, *access), by, &sightings))
            .collect()
    }

    /// The newest records of a key.
    pub fn device(&self, key: &PublicKey) -> Result<DeviceIndex, CellsError> {
        let connection = self.connect()?;
        let view = connection.unchecked_transaction()?;
        let agent = view
            .query_row(
                "SELECT agent_id, records FROM agent WHERE key = ?1",
                [key.0],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
            )
            .optional()?;
        let Some((agent_id, records)) = agent else {
            return Ok(DeviceIndex::default());
        };
        let mut statement = view.prepare(
            "SELECT record_hash, entry_index, t_start_us, no_cell FROM device_result
             WHERE agent_id = ?1 ORDER BY t_start_us DESC, record_hash DESC",
        )?;
        let newest = statement
            .query_map([agent_id], device_result)?
            .collect::<Result<_, _>>()?;
        Ok(DeviceIndex {
            processed: records.cast_unsigned(),
            newest,
        })
    }

    pub(super) fn connect(&self) -> Result<Connection, CellsError> {
        Ok(store::open_read_only(&self.path, &SCHEMA)?)
    }
}

/// Networks of agents by access class.
pub(super) type Sightings = HashMap<(i64, Access), Vec<Sighting>>;

/// A month, and the province and metric that are asked for.
pub(super) type Wanted<'a> = (String, Option<&'a str>, Option<&'a str>);

fn agent_periods(
    view: &Connection,
    wanted: &Wanted<'_>,
    window: Window,
    sightings: &Sightings,
) -> Result<BySeries<AgentPeriod>, CellsError> {
    let (month, province, metric) = wanted;
    let mut statement = view.prepare(
        "SELECT metric, province, access, agent_id, coalesce(batch, ''), value, agent_days,
                agent_month.records
         FROM agent_month JOIN series USING (series_id) JOIN agent USING (agent_id)
         WHERE month = ?1 AND window = ?4 AND (?2 IS NULL OR province = ?2)
             AND (?3 IS NULL OR metric = ?3)",
    )?;
    let mut rows = statement.query(params![month, province, metric, window.as_str()])?;
    let mut series = BySeries::new();
    while let Some(row) = rows.next()? {
        let Some(key) = series_key(row)? else {
            continue;
        };
        let seen = sightings.get(&(row.get(3)?, key.access)).cloned();
        let agent = AgentPeriod {
            batch: row.get(4)?,
            sightings: seen.unwrap_or_default(),
            value: row.get(5)?,
            agent_days: row.get::<_, i64>(6)?.cast_unsigned(),
            records: row.get::<_, i64>(7)?.cast_unsigned(),
        };
        series.entry(key).or_default().push(agent);
    }
    Ok(series)
}

/// Samples that entered no cell, by series and reason.
fn left_out(view: &Connection, wanted: &Wanted<'_>) -> Result<BySeries<LeftOut>, CellsError> {
    let (month, province, metric) = wanted;
    let mut statement = view.prepare(
        "SELECT metric, province, access, reason, samples FROM left_out
         WHERE month = ?1 AND (?2 IS NULL OR province = ?2) AND (?3 IS NULL OR metric = ?3)
         ORDER BY reason",
    )?;
    let mut rows = statement.query(params![month, province, metric])?;
    let mut left_out = BySeries::new();
    while let Some(row) = rows.next()? {
        let Some(key) = series_key(row)? else {
            continue;
        };
        left_out.entry(key).or_default().push(LeftOut {
            reason: row.get(3)?,
            samples: row.get::<_, i64>(4)?.cast_unsigned(),
        });
    }
    Ok(left_out)
}

/// The series that a row begins with; `None` of an access class that this program does not know.
pub(super) fn series_key(row: &Row<'_>) -> Result<Option<SeriesKey>, rusqlite::Error> {
    let Some(access) = access_of(&row.get::<_, String>(2)?) else {
        return Ok(None);
    };
    Ok(Some(SeriesKey {
        metric: row.get(0)?,
        province: row.get(1)?,
        access,
    }))
}

/// Networks per agent and access class over a month.
fn sightings(connection: &Connection, month: LocalMonth) -> Result<Sightings, CellsError> {
    let mut statement = connection
        .prepare("SELECT agent_id, access, asn, group_id FROM sighting WHERE month = ?1")?;
    let mut rows = statement.query([month.to_string()])?;
    let mut sightings = Sightings::new();
    while let Some(row) = rows.next()? {
        let Some(access) = access_of(&row.get::<_, String>(1)?) else {
            continue;
        };
        let group_id: Vec<u8> = row.get(3)?;
        let sighting = Sighting {
            asn: u32::try_from(row.get::<_, i64>(2)?).ok(),
            group_id: Hex::from_slice(&group_id).ok(),
        };
        sightings
            .entry((row.get(0)?, access))
            .or_default()
            .push(sighting);
    }
    Ok(sightings)
}

pub(super) fn access_of(word: &str) -> Option<Access> {
    Access::ALL
        .into_iter()
        .find(|access| access.as_str() == word)
}

fn device_result(row: &Row<'_>) -> Result<DeviceResult, rusqlite::Error> {
    Ok(DeviceResult {
        record_hash: Hex(row.get(0)?),
        entry_index: row.get::<_, i64>(1)?.cast_unsigned(),
        t_start_us: row.get(2)?,
        no_cell: row.get(3)?,
    })
}
