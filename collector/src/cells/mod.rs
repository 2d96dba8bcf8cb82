//! `derived.sqlite`: agent-hour values per cell, and what follows from them. Incremental, and
//! rebuilt from the journal with the same answers.
//!
//! A cell's key is metric (which names method and path class) × province × operator × technology ×
//! place × tier × local hour. One transaction takes a run of entries in together with the progress,
//! so a kill leaves the file as if the run had never begun. See `schema` for the tables.
mod apply;
mod composites;
mod hours;
mod intern;
mod openness;
#[cfg(test)]
mod openness_tests;
mod panel;
mod parts;
mod published;
mod read;
mod roll;
mod schema;
mod standards;
#[cfg(test)]
mod tests;
mod wider;
mod window;
mod worker;

pub(crate) use apply::{opened, received};
pub use composites::Whose;
pub use parts::{Comparison, PartCells, PartsOf};
pub use published::{Filter, Published};
pub use read::{CellsReader, DeviceIndex, DeviceResult, SeriesKey};
pub use schema::FILE_NAME;
pub use standards::{HeldRow, Power, StandardsTable};
pub use wider::{Series, WiderOf};
pub use worker::{Progress, run as run_worker};

use crate::analysis::Ground;
use crate::journal::{Entry, JournalReader, ReadError};
use crate::store::{self, StoreError};
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tonle_evidence::hash::{Hash, sha256};

/// How many of a device's newest records its page can show.
pub const DEVICE_RESULTS_KEPT: u32 = 100;
/// Entries per transaction while catching up.
pub const BATCH_ENTRIES: usize = 500;
/// Prepared statements kept: more than the room has.
const STATEMENT_CACHE: usize = 64;

/// Why cells could not be kept or asked.
#[derive(Debug, thiserror::Error)]
pub enum CellsError {
    /// The file could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A query failed.
    #[error("derived store: {0}")]
    Query(#[from] rusqlite::Error),
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// An enrolment entry is not as this program writes them.
    #[error("enrolment in journal entry {entry_index} cannot be read: {reason}")]
    Enrolment {
        /// Which.
        entry_index: u64,
        /// What is wrong.
        reason: String,
    },
    /// Entries do not follow on from what is in.
    #[error("journal entry {found} came where {expected} was due")]
    Gap {
        /// What was due.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The old file is in the way.
    #[error("remove {path}: {reason}; remove it by hand, it is rebuilt from the journal")]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
}

impl CellsError {
    /// True when the file itself is damaged: only a rebuild helps.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let damaged = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
        match self {
            Self::Query(error) => error
                .sqlite_error_code()
                .is_some_and(|code| damaged.contains(&code)),
            _ => false,
        }
    }
}

/// The store, open for writing. One at a time.
#[derive(Debug)]
pub struct Cells {
    connection: Connection,
    path: PathBuf,
    ground: Arc<Ground>,
}

impl Cells {
    /// Opens `derived.sqlite` in `dir`. A file that is damaged, of another schema, made under other
    /// rules or from another journal is removed and begun anew, with a line in the log that says so.
    pub fn open(
        dir: &Path,
        ground: Arc<Ground>,
        journal: &JournalReader,
    ) -> Result<Self, CellsError> {
        let path = dir.join(FILE_NAME);
        match Self::open_as_it_is(&path, &ground, journal) {
            Ok(connection) => Ok(Self {
                connection,
                path,
                ground,
            }),
            Err(NotUsable::Missing) => {
                tracing::info!(path = %path.display(), "derived.sqlite is made from the journal");
                Self::begin_anew(path, ground)
            }
            Err(NotUsable::Because(reason)) => {
                tracing::warn!(path = %path.display(), reason, "derived.sqlite is rebuilt from the journal: {reason}");
                Self::begin_anew(path, ground)
            }
            Err(NotUsable::Failed(error)) => Err(error),
        }
    }

    /// Removes `derived.sqlite` in `dir` and rebuilds it from the whole journal; returns how many
    /// entries went in. `progress` hears the number after each transaction.
    pub fn rebuild(
        dir: &Path,
        ground: Arc<Ground>,
        journal: &JournalReader,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, CellsError> {
        let mut cells = Self::begin_anew(dir.join(FILE_NAME), ground)?;
        while cells.catch_up(journal)? > 0 {
            progress(cells.processed_to()?);
        }
        cells.processed_to()
    }

    /// Takes in the next entries of the journal, at most [`BATCH_ENTRIES`]; returns how many.
    pub fn catch_up(&mut self, journal: &JournalReader) -> Result<usize, CellsError> {
        let entries = journal.entries_from(self.processed_to()?, BATCH_ENTRIES)?;
        self.apply(&entries)?;
        Ok(entries.len())
    }

    /// Takes in entries that follow on from those already in, all or none. Entries that are in
    /// already are passed over.
    pub fn apply(&mut self, entries: &[Entry]) -> Result<(), CellsError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut due = next_index(&transaction)?;
        let known = entries.partition_point(|entry| entry.entry_index < due);
        let fresh = &entries[known..];
        for entry in fresh {
            if entry.entry_index != due {
                return Err(CellsError::Gap {
                    expected: due,
                    found: entry.entry_index,
                });
            }
            due += 1;
        }
        let Some(last) = fresh.last() else {
            return Ok(());
        };
        apply::apply(&transaction, fresh, &self.ground)?;
        transaction.execute(
            "UPDATE progress SET next_index = ?1, last_hash = ?2",
            params![due.cast_signed(), last.record_hash.0],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Index of the first entry that is not in yet.
    pub fn processed_to(&self) -> Result<u64, CellsError> {
        Ok(next_index(&self.connection)?)
    }

    /// A reader beside this writer.
    #[must_use]
    pub fn reader(&self) -> CellsReader {
        CellsReader::new(self.path.clone())
    }

    /// Removes the file and begins an empty one.
    fn begin_anew(path: PathBuf, ground: Arc<Ground>) -> Result<Self, CellsError> {
        for suffix in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(suffix);
            let file = PathBuf::from(file);
            match std::fs::remove_file(&file) {
                Ok(()) => {}
                Err(reason) if reason.kind() == ErrorKind::NotFound => {}
                Err(reason) => return Err(CellsError::Remove { path: file, reason }),
            }
        }
        let connection = connect(&path)?;
        connection.execute(
            "INSERT INTO progress VALUES (0, ?1, 0, x'')",
            [made_under(&ground).0],
        )?;
        Ok(Self {
            connection,
            path,
            ground,
        })
    }

    /// Begins anew in place of a file that turned out to be damaged.
    fn replace_damaged(&mut self) -> Result<(), CellsError> {
        *self = Self::begin_anew(self.path.clone(), Arc::clone(&self.ground))?;
        Ok(())
    }

    fn open_as_it_is(
        path: &Path,
        ground: &Ground,
        journal: &JournalReader,
    ) -> Result<Connection, NotUsable> {
        if !path.exists() {
            return Err(NotUsable::Missing);
        }
        let connection = connect(path).map_err(|error| NotUsable::Because(error.to_string()))?;
        let progress = connection
            .query_row(
                "SELECT made_under, next_index, last_hash FROM progress",
                [],
                |row| {
                    let made_under: Vec<u8> = row.get(0)?;
                    let next: i64 = row.get(1)?;
                    let last_hash: Vec<u8> = row.get(2)?;
                    Ok((made_under, next.cast_unsigned(), last_hash))
                },
            )
            .optional()
            .map_err(|error| NotUsable::Because(error.to_string()))?;
        let Some((made_under_then, next, last_hash)) = progress else {
            return Err(NotUsable::Because("it was never finished".into()));
        };
        if made_under_then != made_under(ground).0 {
            return Err(NotUsable::Because(
                "it was made under another schema, other rules or other country data".into(),
            ));
        }
        if next > 0 {
            let last = journal
                .entries_from(next - 1, 1)
                .map_err(|error| NotUsable::Failed(error.into()))?;
            if last.first().map(|entry| &entry.record_hash.0[..]) != Some(&last_hash[..]) {
                return Err(NotUsable::Because(
                    "it was made from another journal".into(),
                ));
            }
        }
        Ok(connection)
    }
}

/// Why a file was not taken as it is.
enum NotUsable {
    /// There is none.
    Missing,
    /// It must be rebuilt.
    Because(String),
    /// Something else is wrong, that a rebuild would not mend.
    Failed(CellsError),
}

fn connect(path: &Path) -> Result<Connection, CellsError> {
    let connection = store::open(path, &schema::SCHEMA)?;
    // What a power cut takes from this file is taken in again from the journal.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

/// Schema version with everything that facts depend on.
fn made_under(ground: &Ground) -> Hash {
    let fingerprint = ground.fingerprint();
    sha256(format!("{} {fingerprint}", schema::VERSION).as_bytes())
}

fn next_index(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let sql = "SELECT next_index FROM progress";
    let next: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(next.cast_unsigned())
}
