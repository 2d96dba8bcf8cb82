//! Questions to the cells: what agents gave over a month, and the newest records of a device.
use super::schema::{FILE_NAME, SCHEMA};
use super::{CellsError, next_index};
use crate::statements::{AgentPeriod, Sighting};
use crate::store;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use tonle_evidence::hash::{Hash, Hex, PublicKey};
use tonle_evidence::local_time::{LocalHour, LocalMonth};
use tonle_evidence::statement::{Access, LeftOut, Window};

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
    /// What agents gave over whole days.
    pub(super) whole: BySeries<AgentPeriod>,
    /// What they gave in the window that is asked for, where that is a part of the day.
    pub(super) part: Option<BySeries<AgentPeriod>>,
    /// Samples that entered no cell.
    pub(super) left_out: BySeries<LeftOut>,
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

/// What one agent gave to an operator's cells in one province over a month.
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

/// Agents by province and operator.
pub(super) type ByOperator = BTreeMap<(String, String), Vec<AgentHours>>;

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

    /// What a month's statements are made of, of one province or metric where asked, in one view of
    /// the file.
    pub fn month(
        &self,
        month: LocalMonth,
        window: Window,
        province: Option<&str>,
        metric: Option<&str>,
    ) -> Result<Month, CellsError> {
        let connection = self.connect()?;
        let view = connection.unchecked_transaction()?;
        let wanted = (month.to_string(), province, metric);
        let sightings = sightings(&view, month)?;
        let whole = agent_periods(&view, &wanted, Window::All, &sightings)?;
        let part = match window {
            Window::All => None,
            window => Some(agent_periods(&view, &wanted, window, &sightings)?),
        };
        Ok(Month {
            whole,
            part,
            left_out: left_out(&view, &wanted)?,
        })
    }

    /// The agent-hours of each month's series that is asked for, by province and operator, in one view
    /// of the file.
    pub(super) fn hours(
        &self,
        month: LocalMonth,
        series: &[(&str, Access)],
    ) -> Result<Vec<ByOperator>, CellsError> {
        let connection = self.connect()?;
        let view = connection.unchecked_transaction()?;
        let sightings = sightings(&view, month)?;
        series
            .iter()
            .map(|(metric, access)| hours_of(&view, month, (metric, *access), &sightings))
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

/// A month, and the province and metric that are asked for.
type Wanted<'a> = (String, Option<&'a str>, Option<&'a str>);

fn agent_periods(
    view: &Connection,
    wanted: &Wanted<'_>,
    window: Window,
    sightings: &HashMap<(i64, Access), Vec<Sighting>>,
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

fn hours_of(
    view: &Connection,
    month: LocalMonth,
    (metric, access): (&str, Access),
    sightings: &HashMap<(i64, Access), Vec<Sighting>>,
) -> Result<ByOperator, CellsError> {
    let mut statement = view.prepare(
        "SELECT province, operator, agent_hour.agent_id, coalesce(batch, ''), hour, value,
                agent_hour.records
         FROM series JOIN agent_hour USING (series_id) JOIN cell USING (cell_id)
              JOIN agent USING (agent_id)
         WHERE metric = ?1 AND access = ?2 AND hour BETWEEN ?3 || '-01T00' AND ?3 || '-31T23'
         ORDER BY province, operator, agent_hour.agent_id, hour, cell_id",
    )?;
    let mut rows = statement.query(params![metric, access.as_str(), month.to_string()])?;
    let mut operators = ByOperator::new();
    let mut last: Option<i64> = None;
    while let Some(row) = rows.next()? {
        let agent_id: i64 = row.get(2)?;
        let agents = operators.entry((row.get(0)?, row.get(1)?)).or_default();
        if agents.is_empty() || last != Some(agent_id) {
            agents.push(AgentHours {
                batch: row.get(3)?,
                sightings: sightings
                    .get(&(agent_id, access))
                    .cloned()
                    .unwrap_or_default(),
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
    Ok(operators)
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
fn series_key(row: &Row<'_>) -> Result<Option<SeriesKey>, rusqlite::Error> {
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
fn sightings(
    connection: &Connection,
    month: LocalMonth,
) -> Result<HashMap<(i64, Access), Vec<Sighting>>, CellsError> {
    let mut statement = connection
        .prepare("SELECT agent_id, access, asn, group_id FROM sighting WHERE month = ?1")?;
    let mut rows = statement.query([month.to_string()])?;
    let mut sightings: HashMap<(i64, Access), Vec<Sighting>> = HashMap::new();
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
