//! The log: each opened, changed and closed incident, for good. Append-only, each entry hashed with the one
//! before, on the disk when a call returns.
use super::detect::Hour;
use super::detect::group::{Change, Incident};
use super::schema::{FILE_NAME, SCHEMA};
use crate::store::{self, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tonle_evidence::hash::{Hash, Hex, PublicKey, sha256};
use tonle_evidence::incident::Event;

/// Most deliveries that are looked at in one go.
const DUE_MAX: u32 = 50;

/// Why the log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A query failed.
    #[error("log of incidents: {0}")]
    Query(#[from] rusqlite::Error),
    /// An entry is not as this program writes them.
    #[error("entry {sequence} of the log of incidents cannot be read: {reason}")]
    Damaged {
        /// Which.
        sequence: i64,
        /// What is wrong.
        reason: String,
    },
    /// No such incident.
    #[error("there is no incident '{0}'; /api/v1/incidents lists them")]
    Unknown(String),
    /// The same document is there already.
    #[error("this reply is attached already")]
    Attached,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its place, from 1.
    pub sequence: u64,
    /// Collector's clock, microseconds since the Unix epoch.
    pub at_us: i64,
    /// What it says.
    pub event: Event,
    /// The incident as it was then.
    pub incident: Incident,
    /// Over the entry before, time, event and body.
    pub hash: Hash,
}

/// A signed reply of an operator or authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// When it was attached, collector's clock.
    pub at_us: i64,
    /// Whose, as the configuration named the key then.
    pub name: String,
    /// `operator` or `authority`.
    pub role: String,
    /// The key that signed it.
    pub key: PublicKey,
    /// What it says.
    pub text: String,
    /// The signed document as it was handed in.
    pub document: String,
}

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Where to.
    pub url: String,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// What of.
    pub entry: Logged,
}

/// The log, open for reading and writing.
#[derive(Debug)]
pub struct IncidentLog {
    connection: Mutex<Connection>,
}

impl IncidentLog {
    /// Opens `incidents.sqlite` in `dir`, or begins it.
    pub fn open(dir: &Path) -> Result<Self, LogError> {
        let connection = store::open(&dir.join(FILE_NAME), &SCHEMA)?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// The connection; a panic elsewhere broke off its transaction and left nothing half done.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The last word on every incident, in the order in which they were opened.
    pub fn latest(&self) -> Result<Vec<Logged>, LogError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT sequence, at_us, event, body, hash FROM entry JOIN
                 (SELECT max(sequence) AS sequence, min(sequence) AS first FROM entry
                  GROUP BY incident_id) USING (sequence)
             ORDER BY first",
        )?;
        let mut rows = statement.query([])?;
        let mut latest = Vec::new();
        while let Some(row) = rows.next()? {
            latest.push(logged(row)?);
        }
        Ok(latest)
    }

    /// Everything that was said of an incident, the oldest first; nothing of one that is not known.
    pub fn history(&self, id: &str) -> Result<Vec<Logged>, LogError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT sequence, at_us, event, body, hash FROM entry
             WHERE incident_id = ?1 ORDER BY sequence",
        )?;
        let mut rows = statement.query([id])?;
        let mut history = Vec::new();
        while let Some(row) = rows.next()? {
            history.push(logged(row)?);
        }
        Ok(history)
    }

    /// Appends what changed, and what has to be told to each of `urls`: all or nothing.
    pub fn append(&self, changes: &[Change], at_us: i64, urls: &[String]) -> Result<(), LogError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let last = transaction
            .query_row(
                "SELECT hash FROM entry ORDER BY sequence DESC LIMIT 1",
                [],
                |row| row.get::<_, [u8; 32]>(0),
            )
            .optional()?;
        let mut previous = Hex(last.unwrap_or_default());
        for Change { event, incident } in changes {
            let body = serde_json::to_string(incident).map_err(|error| LogError::Damaged {
                sequence: 0,
                reason: error.to_string(),
            })?;
            previous = hash_of(&previous, at_us, *event, &body);
            transaction.execute(
                "INSERT INTO entry (at_us, event, incident_id, body, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![at_us, event.as_str(), incident.id, body, previous.0],
            )?;
            let sequence = transaction.last_insert_rowid();
            for url in urls {
                transaction.execute(
                    "INSERT INTO delivery (sequence, url, next_at_us) VALUES (?1, ?2, ?3)",
                    params![sequence, url, at_us],
                )?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Notes that the collector is there to hear.
    pub fn wake(&self, hour: Hour) -> Result<(), LogError> {
        self.connection()
            .execute("INSERT OR IGNORE INTO awake VALUES (?1)", [hour])?;
        Ok(())
    }

    /// Hours from `first` on in which it was.
    pub fn awake_since(&self, first: Hour) -> Result<BTreeSet<Hour>, LogError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT hour FROM awake WHERE hour >= ?1")?;
        let hours = statement.query_map([first], |row| row.get(0))?;
        Ok(hours.collect::<Result<_, _>>()?)
    }

    /// Attaches a reply whose signature was checked.
    pub fn attach(&self, id: &str, reply: &Reply) -> Result<(), LogError> {
        if self.history(id)?.is_empty() {
            return Err(LogError::Unknown(id.to_owned()));
        }
        let added = self.connection().execute(
            "INSERT OR IGNORE INTO reply (at_us, incident_id, name, role, key, text, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                reply.at_us,
                id,
                reply.name,
                reply.role,
                reply.key.0,
                reply.text,
                reply.document
            ],
        )?;
        if added == 0 {
            return Err(LogError::Attached);
        }
        Ok(())
    }

    /// Replies to an incident, the oldest first.
    pub fn replies(&self, id: &str) -> Result<Vec<Reply>, LogError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT at_us, name, role, key, text, document FROM reply
             WHERE incident_id = ?1 ORDER BY sequence",
        )?;
        let replies = statement.query_map([id], |row| {
            Ok(Reply {
                at_us: row.get(0)?,
                name: row.get(1)?,
                role: row.get(2)?,
                key: Hex(row.get(3)?),
                text: row.get(4)?,
                document: row.get(5)?,
            })
        })?;
        Ok(replies.collect::<Result<_, _>>()?)
    }

    /// Deliveries that are due, the oldest first.
    pub fn due(&self, now_us: i64) -> Result<Vec<Due>, LogError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT sequence, at_us, event, body, hash, url, attempts
             FROM delivery JOIN entry USING (sequence)
             WHERE delivered_at_us IS NULL AND next_at_us <= ?1 ORDER BY sequence, url LIMIT ?2",
        )?;
        let mut rows = statement.query(params![now_us, DUE_MAX])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            due.push(Due {
                url: row.get(5)?,
                attempts: row.get(6)?,
                entry: logged(row)?,
            });
        }
        Ok(due)
    }

    /// Notes that a delivery arrived.
    pub fn delivered(&self, due: &Due, at_us: i64) -> Result<(), LogError> {
        self.connection().execute(
            "UPDATE delivery SET delivered_at_us = ?3, attempts = attempts + 1, last_error = NULL
             WHERE sequence = ?1 AND url = ?2",
            params![due.entry.sequence.cast_signed(), due.url, at_us],
        )?;
        Ok(())
    }

    /// Notes that a delivery did not arrive, and when it is tried again.
    pub fn failed(&self, due: &Due, reason: &str, next_at_us: i64) -> Result<(), LogError> {
        self.connection().execute(
            "UPDATE delivery SET next_at_us = ?3, attempts = attempts + 1, last_error = ?4
             WHERE sequence = ?1 AND url = ?2",
            params![
                due.entry.sequence.cast_signed(),
                due.url,
                next_at_us,
                reason
            ],
        )?;
        Ok(())
    }
}

fn hash_of(previous: &Hash, at_us: i64, event: Event, body: &str) -> Hash {
    sha256(format!("{previous}\n{at_us}\n{event}\n{body}").as_bytes())
}

/// The columns `sequence, at_us, event, body, hash` that a row begins with.
fn logged(row: &Row<'_>) -> Result<Logged, LogError> {
    let sequence: i64 = row.get(0)?;
    let damaged = |reason: String| LogError::Damaged { sequence, reason };
    let (event, body): (String, String) = (row.get(2)?, row.get(3)?);
    Ok(Logged {
        sequence: sequence.cast_unsigned(),
        at_us: row.get(1)?,
        event: event.parse().map_err(damaged)?,
        incident: serde_json::from_str(&body).map_err(|error| damaged(error.to_string()))?,
        hash: Hex(row.get(4)?),
    })
}
