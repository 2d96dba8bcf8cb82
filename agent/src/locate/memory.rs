//! Until when the service is left alone, kept over restarts.
//!
//! `locate.json`: `{"refusals": 2, "until_us": …}`. A file that cannot be read or written costs
//! nothing but what is remembered: the service has limits of its own.
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tonle_net::datadir::write_atomic;

/// The file in the data directory.
const FILE: &str = "locate.json";
/// Longest wait that is believed, microseconds: above any that is ever written, for clocks that were
/// set back since.
const WAIT_MAX_US: i64 = 20 * 60 * 1_000_000;

/// What is remembered.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    kept: Kept,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Refusals in a row.
    refusals: u32,
    /// Nothing is asked before, microseconds since the Unix epoch.
    until_us: i64,
}

impl Memory {
    pub(super) fn open(data_dir: &Path) -> Self {
        let path = data_dir.join(FILE);
        let bytes = std::fs::read(&path).unwrap_or_default();
        Self {
            kept: serde_json::from_slice(&bytes).unwrap_or_default(),
            path,
        }
    }

    /// How long nothing may be asked yet, microseconds.
    pub(super) fn wait_left_us(&self, now_us: i64) -> i64 {
        let left_us = self.kept.until_us.saturating_sub(now_us);
        if left_us > WAIT_MAX_US {
            0
        } else {
            left_us.max(0)
        }
    }

    /// The number in a row of a refusal that comes now.
    pub(super) fn next_refusal(&self) -> u32 {
        self.kept.refusals.saturating_add(1)
    }

    pub(super) fn refused(&mut self, now_us: i64, wait_us: i64) {
        self.keep(Kept {
            refusals: self.next_refusal(),
            until_us: now_us.saturating_add(wait_us),
        });
    }

    pub(super) fn answered(&mut self) {
        self.keep(Kept::default());
    }

    /// Writes only what changed: an SD card wears by writing.
    fn keep(&mut self, kept: Kept) {
        if kept == self.kept {
            return;
        }
        self.kept = kept;
        let bytes = serde_json::to_vec(&kept).expect("integers are always JSON");
        if let Err(error) = write_atomic(&self.path, &bytes) {
            tracing::warn!(%error, "{FILE} cannot be kept: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_remembered_over_restarts_until_an_answer() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(dir.path());
        assert_eq!((memory.wait_left_us(5), memory.next_refusal()), (0, 1));
        memory.refused(1_000, 60_000_000);
        let mut again = Memory::open(dir.path());
        assert_eq!(again.wait_left_us(1_000), 60_000_000);
        assert_eq!(
            (again.wait_left_us(60_001_000), again.next_refusal()),
            (0, 2)
        );
        again.answered();
        assert_eq!(Memory::open(dir.path()).next_refusal(), 1);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_make_it_wait_for_years() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(dir.path());
        memory.refused(1_700_000_000_000_000, 960_000_000);
        assert_eq!(memory.wait_left_us(0), 0);
    }

    #[test]
    fn a_damaged_file_is_no_memory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert_eq!(Memory::open(dir.path()).next_refusal(), 1);
    }
}
