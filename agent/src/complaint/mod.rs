//! A complaint under way: what this device keeps of it (`complaint.json`), and what comes of it.
//!
//! The file holds the terms, the contract and the envelope of every test, replaced whole after each one: a kill
//! costs at most the test in progress.
mod written;

pub use written::{Written, write};

use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use tonle_evidence::complaint::{Contract, Progress, Terms, Test, progress};
use tonle_evidence::envelope::Envelope;
use tonle_net::datadir::{DataDirError, write_atomic};

/// The file in the data directory.
const FILE: &str = "complaint.json";
/// Version of the file.
const FORMAT: u32 = 1;

/// A complaint under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderWay {
    format: u32,
    /// The conditions.
    pub terms: Terms,
    /// What the contract promises.
    pub contract: Contract,
    /// The envelope of each test, in the order of time.
    pub records: Vec<String>,
}

/// Why a complaint cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ComplaintError {
    /// The file cannot be read or removed.
    #[error("{operation} {path}: {source}")]
    File {
        /// What was being done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a complaint, or of a newer program.
    #[error("{0} is damaged ({1}); `tonle agent complaint --cancel` removes it")]
    Damaged(PathBuf, String),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] DataDirError),
    /// The records of the complaint cannot be read, or it cannot be signed.
    #[error("cannot make the protocol: {0}")]
    Protocol(String),
}

impl UnderWay {
    /// A complaint of which no test is made.
    #[must_use]
    pub fn new(terms: Terms, contract: Contract) -> Self {
        Self {
            format: FORMAT,
            terms,
            contract,
            records: Vec::new(),
        }
    }

    /// The complaint under way; `None` where there is none.
    pub fn load(data_dir: &Path) -> Result<Option<Self>, ComplaintError> {
        let path = data_dir.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(ComplaintError::File {
                    operation: "read",
                    path,
                    source,
                });
            }
        };
        let damaged = |reason: String| ComplaintError::Damaged(path.clone(), reason);
        let read: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if read.format != FORMAT {
            return Err(damaged(format!("format {} is not {FORMAT}", read.format)));
        }
        Ok(Some(read))
    }

    /// Keeps it durably.
    pub fn save(&self, data_dir: &Path) -> Result<(), ComplaintError> {
        let bytes = serde_json::to_vec(self).expect("strings and integers are always JSON");
        Ok(write_atomic(&data_dir.join(FILE), &bytes)?)
    }

    /// Gives it up; the records stay where they are. True where there was one.
    pub fn remove(data_dir: &Path) -> Result<bool, ComplaintError> {
        let path = data_dir.join(FILE);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(ComplaintError::File {
                operation: "remove",
                path,
                source,
            }),
        }
    }

    /// Its tests. A line that is no record is none: the protocol says only what records say.
    #[must_use]
    pub fn tests(&self, utc_offset_s: i32) -> Vec<Test> {
        let read = |line: &String| {
            let envelope = Envelope::from_line(line.as_bytes()).ok()?;
            let opened = envelope.open().ok()?;
            Some(Test::of(
                envelope.hash(),
                &opened,
                &self.terms,
                utc_offset_s,
            ))
        };
        self.records.iter().filter_map(read).collect()
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self, now_us: i64, utc_offset_s: i32) -> Progress {
        progress(&self.terms, &self.tests(utc_offset_s), now_us, utc_offset_s)
    }

    /// Bytes that may still be used; `None` where a test may need more.
    #[must_use]
    pub fn room_bytes(&self, utc_offset_s: i32) -> Option<u64> {
        let used = self
            .tests(utc_offset_s)
            .iter()
            .map(|test| test.bytes_used.unsigned_abs())
            .sum();
        let rest = self.terms.max_bytes.checked_sub(used)?;
        (rest >= self.terms.test_max_bytes).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_complaint_is_found_again_after_a_restart_and_given_up_once() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(UnderWay::load(dir.path()).unwrap(), None);
        let mut made = UnderWay::new(Terms::default(), Contract::default());
        made.records.push("not a record".into());
        made.save(dir.path()).unwrap();
        assert_eq!(UnderWay::load(dir.path()).unwrap(), Some(made.clone()));
        assert_eq!(made.tests(0), Vec::new());
        assert!(UnderWay::remove(dir.path()).unwrap());
        assert!(!UnderWay::remove(dir.path()).unwrap());
    }

    #[test]
    fn what_a_test_may_need_is_kept_free() {
        let terms = Terms {
            max_bytes: 10,
            test_max_bytes: 11,
            ..Terms::default()
        };
        assert_eq!(
            UnderWay::new(terms, Contract::default()).room_bytes(0),
            None
        );
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(bytes: Vec<u8>) {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(FILE), bytes).unwrap();
            let _ = UnderWay::load(dir.path());
        }
    }
}
