//! When localisation last ran by itself, kept over restarts: it is riskier than a visit, so a day has one.
//!
//! `localised.json`: `{"at_us": …}`, written before the round, so that a crash in it gives no second one. A
//! file that cannot be read counts as a round that has just been. It goes once it no longer binds: nothing about
//! openness stays.
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use tonle_net::datadir::{DataDirError, write_atomic};

/// The file in the data directory.
const FILE: &str = "localised.json";
/// Shortest time between two rounds, microseconds: less than a day, so that the round of the same hour of the next
/// day is not missed.
const APART_US: i64 = 23 * 3_600 * 1_000_000;

#[derive(Serialize, Deserialize)]
struct Kept {
    /// Microseconds since the Unix epoch.
    at_us: i64,
}

/// Why it cannot be told whether there was a round; then there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum DailyError {
    /// The file cannot be read or deleted.
    #[error("cannot use {0}: {1}; check permissions")]
    File(PathBuf, io::Error),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] DataDirError),
}

/// What the file says.
enum Last {
    /// There is none.
    Never,
    /// Microseconds since the Unix epoch.
    At(i64),
    /// It cannot be read as a time.
    Damaged,
}

/// Takes the day's round, which is remembered; false where there was one already.
pub(super) fn take(data_dir: &Path, now_us: i64) -> Result<bool, DailyError> {
    let path = data_dir.join(FILE);
    let is_due = match last(&path)? {
        Last::At(at_us) if binds(at_us, now_us) => return Ok(false),
        Last::Never | Last::At(_) => true,
        Last::Damaged => false,
    };
    let kept = Kept { at_us: now_us };
    let bytes = serde_json::to_vec(&kept).expect("an integer is always JSON");
    write_atomic(&path, &bytes)?;
    Ok(is_due)
}

/// Deletes what no longer binds.
pub(super) fn forget_old(data_dir: &Path, now_us: i64) -> Result<(), DailyError> {
    let path = data_dir.join(FILE);
    match last(&path)? {
        Last::At(at_us) if !binds(at_us, now_us) => {
            std::fs::remove_file(&path).map_err(|error| DailyError::File(path, error))
        }
        _ => Ok(()),
    }
}

fn last(path: &Path) -> Result<Last, DailyError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice::<Kept>(&bytes)
            .map_or(Last::Damaged, |kept| Last::At(kept.at_us))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Last::Never),
        Err(error) => Err(DailyError::File(path.to_owned(), error)),
    }
}

/// Whether a round then keeps another from beginning now. One that lies further ahead than that is of a clock that
/// was set back since.
fn binds(at_us: i64, now_us: i64) -> bool {
    at_us.abs_diff(now_us) < APART_US.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR_US: i64 = 3_600_000_000;

    fn is_taken(dir: &Path, hour: i64) -> bool {
        take(dir, hour * HOUR_US).unwrap()
    }

    #[test]
    fn a_day_has_one_round_however_often_the_agent_starts() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_taken(dir.path(), 1_000));
        // Nothing is held in memory: each of these is a new start.
        for hour in [1_000, 1_001, 1_022] {
            assert!(!is_taken(dir.path(), hour), "{hour}");
        }
        assert!(is_taken(dir.path(), 1_023));
    }

    #[test]
    fn a_damaged_file_is_a_round_that_has_just_been() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(!is_taken(dir.path(), 1_000));
        assert!(!is_taken(dir.path(), 1_001));
        assert!(is_taken(dir.path(), 1_024));
    }

    #[test]
    fn a_time_far_ahead_does_not_bind_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_taken(dir.path(), 900_000));
        assert!(is_taken(dir.path(), 1_000));
    }

    #[test]
    fn what_no_longer_binds_goes() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_taken(dir.path(), 1_000));
        forget_old(dir.path(), 1_010 * HOUR_US).unwrap();
        assert!(dir.path().join(FILE).exists());
        forget_old(dir.path(), 1_030 * HOUR_US).unwrap();
        assert!(!dir.path().join(FILE).exists());
        forget_old(dir.path(), 1_030 * HOUR_US).unwrap();
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(bytes: Vec<u8>, now_us: i64) {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(FILE), bytes).unwrap();
            let _ = take(dir.path(), now_us);
        }
    }
}
