//! A nation's records into the journal of a running collector of synthetic data, and on from where a killed
//! filling ended: the same settings give the same records.
use super::{Settings, World};
use crate::journal::{JournalError, NewEntry, ReadError};
use crate::service::Service;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tonle_evidence::country::Country;
use tonle_net::datadir::{DataDirError, write_atomic};

/// The file that keeps the settings of a directory.
const FILE_NAME: &str = "synthetic.json";
/// Hours of records that wait to be written.
const AHEAD: usize = 4;

/// Why a directory cannot be filled.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// It holds another nation.
    #[error(
        "{path} holds {agents} agents over {days} days of seed {seed}; ask for these, or give another folder with --data"
    )]
    Another {
        /// The directory.
        path: PathBuf,
        /// Its agents.
        agents: u32,
        /// Its days.
        days: u32,
        /// Its seed.
        seed: u64,
    },
    /// The settings cannot be read.
    #[error("{path}: {reason}; remove the folder, or give another with --data")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings cannot be kept.
    #[error(transparent)]
    Write(#[from] DataDirError),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal takes no entries.
    #[error("write the journal: {0}")]
    Journal(#[from] JournalError),
}

/// How far the filling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Hours that are written.
    pub hours: i64,
    /// Hours of all.
    pub of_hours: i64,
    /// Entries of the journal: enrolments and records.
    pub entries: u64,
}

/// The settings that a directory keeps; those that are wanted where it keeps none. The hour it ends in stays the
/// one of its first filling.
pub fn keep_settings(data_dir: &Path, wanted: Settings) -> Result<Settings, FillError> {
    let path = data_dir.join(FILE_NAME);
    let bad = |reason: String| FillError::Settings {
        path: path.clone(),
        reason,
    };
    if !path.try_exists().map_err(|error| bad(error.to_string()))? {
        let text = serde_json::to_vec(&wanted).expect("numbers are always JSON");
        write_atomic(&path, &text)?;
        return Ok(wanted);
    }
    let text = std::fs::read(&path).map_err(|error| bad(error.to_string()))?;
    let kept: Settings = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    let as_wanted = Settings {
        until_hour: kept.until_hour,
        ..wanted
    };
    if kept == as_wanted {
        return Ok(kept);
    }
    Err(FillError::Another {
        path: data_dir.to_owned(),
        agents: kept.agents,
        days: kept.days,
        seed: kept.seed,
    })
}

/// Writes what the journal does not have yet; `progress` hears of every hour.
pub async fn fill(
    service: &Service,
    settings: Settings,
    country: &Country,
    mut progress: impl FnMut(Filled),
) -> Result<Filled, FillError> {
    let had = service.journal.reader()?.last_index()?;
    let had = had.map_or(0, |index| index + 1);
    let (sender, mut made) = mpsc::channel::<Vec<NewEntry>>(AHEAD);
    let mut world = World::new(settings, country);
    let making = tokio::task::spawn_blocking(move || {
        for hour in settings.from_hour()..settings.until_hour {
            // Nobody listens any more once an append failed.
            if sender.blocking_send(world.hour(hour)).is_err() {
                return;
            }
        }
    });
    let mut filled = Filled {
        hours: 0,
        of_hours: i64::from(settings.days) * 24,
        entries: 0,
    };
    while let Some(mut entries) = made.recv().await {
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let known = had.saturating_sub(filled.entries).min(count);
        entries.drain(..usize::try_from(known).unwrap_or(usize::MAX));
        if !entries.is_empty() {
            service.journal.append(entries).await?;
        }
        filled.hours += 1;
        filled.entries += count;
        progress(filled);
    }
    if let Err(error) = making.await
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
    Ok(filled)
}
