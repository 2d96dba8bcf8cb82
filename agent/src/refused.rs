//! Records that the collector will never take: kept apart for a while, bounded, counted and shown.
//!
//! `refused/refused.log` and `refused/refused.1.log` (see `line_log`), one line per record:
//! `{"record_hash":…,"reason":…,"detail":…,"at_us":n,"line":"<envelope>"|null}`.
use crate::files::Files;
use crate::line_log::{Bounds, LineLog};
use crate::receipts::stream_of;
use crate::spool::EARLIEST_CLOCK_US;
use serde::{Deserialize, Serialize};
use std::io;
use tonle_evidence::hash::Hash;
use tonle_evidence::record::Stream;

/// The folder.
const FOLDER: &str = "refused";
const BOUNDS: Bounds = Bounds {
    max_bytes: 4 << 20,
    max_lines: 400,
};
/// A longer envelope is not kept, only the fact: one record must not push all others out.
const LINE_MAX_BYTES: usize = 256 << 10;
/// The collector's own words are cut to this, characters.
const WORDS_MAX_CHARS: usize = 300;
/// What is about openness stays on a device for seven days at most; refused records are all held to
/// that, microseconds.
const MAX_AGE_US: i64 = 7 * 86_400 * 1_000_000;

/// A refused record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRecord {
    /// The record.
    pub record_hash: Hash,
    /// Short machine word of the collector, or our own `too_large`, `unprocessable`.
    pub reason: String,
    /// One line for a person.
    pub detail: String,
    /// When it was made, microseconds since the Unix epoch by the device's wall clock.
    pub at_us: i64,
    /// The envelope as it was sent, unless it is very long.
    pub line: Option<String>,
}

impl RefusedRecord {
    /// A refusal as it is kept: words cut to one short line, a very long envelope left out; `at_us` is
    /// when the record was made, which is what bounds its stay.
    #[must_use]
    pub fn new(record_hash: Hash, reason: &str, detail: &str, line: String, at_us: i64) -> Self {
        Self {
            record_hash,
            reason: one_line(reason),
            detail: one_line(detail),
            at_us,
            line: (line.len() <= LINE_MAX_BYTES).then_some(line),
        }
    }
}

/// Words from outside as one short line.
pub(crate) fn one_line(words: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    words.chars().map(visible).take(WORDS_MAX_CHARS).collect()
}

/// What a person may know of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RefusedStatus {
    /// Records ever refused.
    pub ever: u64,
    /// Refused records still kept.
    pub kept: u64,
    /// Bytes they take.
    pub bytes: u64,
}

/// The folder.
#[derive(Debug)]
pub struct Refused<F> {
    log: LineLog<F>,
}

impl<F: Files> Refused<F> {
    /// Opens the folder; what a crash tore is passed over.
    pub fn open(files: F) -> io::Result<Self> {
        files.make_folder(FOLDER)?;
        let log = LineLog::open(files, "refused/refused", BOUNDS)?;
        Ok(Self { log })
    }

    /// Keeps refused records; durable when it returns.
    pub fn append(&mut self, records: &[RefusedRecord]) -> io::Result<()> {
        let line = |record: &RefusedRecord| {
            serde_json::to_string(record).expect("strings and integers are always JSON")
        };
        let lines: Vec<String> = records.iter().map(line).collect();
        self.log.append(&lines)
    }

    /// Takes out everything of a stream; still counted. A record whose envelope was too long to keep
    /// says nothing of its stream but what it is called, and stays.
    pub fn forget(&mut self, stream: Stream) -> io::Result<()> {
        self.log.retain(|line| {
            let record: Option<RefusedRecord> = serde_json::from_str(line).ok();
            let envelope = record.and_then(|record| record.line);
            envelope.is_none_or(|envelope| stream_of(&envelope) != Some(stream))
        })
    }

    /// Forgets records made more than seven days ago, and lines that cannot be read. A time that lies
    /// ahead as far is of a clock that was wrong.
    pub fn expire(&mut self, now_us: i64) -> io::Result<()> {
        self.log.retain(|line| {
            let record: Option<RefusedRecord> = serde_json::from_str(line).ok();
            let age_us = record.map(|record| now_us.abs_diff(record.at_us));
            now_us < EARLIEST_CLOCK_US
                || age_us.is_some_and(|age_us| age_us <= MAX_AGE_US.unsigned_abs())
        })
    }

    /// The records still kept, oldest first.
    pub fn all(&self) -> io::Result<Vec<RefusedRecord>> {
        let lines = self.log.lines()?;
        let read = |line: &String| serde_json::from_str(line).ok();
        Ok(lines.iter().filter_map(read).collect())
    }

    /// What a person may know.
    #[must_use]
    pub fn status(&self) -> RefusedStatus {
        RefusedStatus {
            ever: self.log.ever(),
            kept: self.log.kept(),
            bytes: self.log.bytes() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::simulated::SimulatedFiles;
    use tonle_evidence::hash::sha256;

    const NOW_US: i64 = 1_790_000_000_000_000;

    fn record(number: u32, line_bytes: usize) -> RefusedRecord {
        let hash = sha256(&number.to_le_bytes());
        RefusedRecord::new(
            hash,
            "signature",
            "made\nup",
            "x".repeat(line_bytes),
            NOW_US,
        )
    }

    #[test]
    fn the_folder_stays_within_its_bounds_and_counts_all() {
        let files = SimulatedFiles::default();
        let mut refused = Refused::open(files.clone()).unwrap();
        for number in 0..900 {
            refused.append(&[record(number, 30_000)]).unwrap();
        }
        let status = Refused::open(files.clone()).unwrap().status();
        assert_eq!(status.ever, 900);
        assert!(
            status.kept <= 400 && status.bytes <= (4 << 20) + 40_000,
            "{status:?}"
        );
        let last = Refused::open(files).unwrap().all().unwrap().pop();
        assert_eq!(last, Some(record(899, 30_000)));
    }

    #[test]
    fn a_very_long_record_is_counted_without_its_bytes() {
        assert_eq!(record(1, LINE_MAX_BYTES + 1).line, None);
        assert_eq!(record(1, 3).detail, "made up");
    }

    #[test]
    fn refused_records_are_forgotten_after_seven_days_and_still_counted() {
        let mut refused = Refused::open(SimulatedFiles::default()).unwrap();
        refused.append(&[record(1, 10)]).unwrap();
        refused.expire(NOW_US + MAX_AGE_US).unwrap();
        assert_eq!(refused.status().kept, 1);
        refused.expire(NOW_US + MAX_AGE_US + 1).unwrap();
        assert_eq!((refused.status().kept, refused.status().ever), (0, 1));
    }
}
