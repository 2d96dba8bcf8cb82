//! Records that the collector has not acknowledged yet, on disk: bounded, and safe against a kill
//! and a power cut.
//!
//! Rules:
//! 1. A record is durable when [`Spool::append`] returns: one write and one sync, and one sync more
//!    for the name of a new segment file.
//! 2. Nothing is rewritten when a record is settled: a segment file is removed when all its records
//!    are. Only what its volunteer takes back is blanked at once ([`Spool::erase`]). What was settled but is still there after a crash is sent again, which is harmless.
//! 3. Beyond its bounds the oldest segment is dropped first, and its unsent records are counted
//!    before they are gone.
//! 4. Opening succeeds whatever a crash left: see [`open`](Spool::open).
//! 5. A segment to which a write failed is never written to again.
mod erase;
mod frame;
mod memory;
mod open;
mod segment;

#[cfg(test)]
mod tests;

pub use open::Opened;

use crate::files::{Files, is_full};
use crate::identity::Link;
use frame::{FRAME_OVERHEAD_BYTES, HEADER, Meta};
use memory::Memory;
use segment::Segment;
use std::collections::VecDeque;
use std::io;
use tonle_evidence::envelope::{Envelope, LINE_MAX_BYTES};
use tonle_evidence::hash::Hash;

/// The folder.
const FOLDER: &str = "spool";
/// A wall clock before this (2025-01-01) was never set: many small devices have no clock of their
/// own, and what they kept before the first synchronisation must not look decades old.
pub(crate) const EARLIEST_CLOCK_US: i64 = 1_735_689_600_000_000;
/// A segment spans at most this part of the greatest age, so that age drops little at a time.
const SPANS_PER_AGE: i64 = 8;

/// How much the spool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all segment files together.
    pub max_bytes: u64,
    /// Age of the oldest record, seconds.
    pub max_age_s: u64,
    /// A segment file is closed when it has reached this size, bytes.
    pub segment_bytes: u64,
    /// Whether a full disk makes room by dropping the oldest records.
    pub drop_when_disk_full: bool,
}

impl Limits {
    /// Bounds as configured, in segments of a sixteenth of the whole between 64 KiB and 1 MiB.
    #[must_use]
    pub fn new(max_bytes: u64, max_age_s: u64) -> Self {
        Self {
            max_bytes,
            max_age_s,
            segment_bytes: (max_bytes / 16).clamp(64 << 10, 1 << 20),
            drop_when_disk_full: true,
        }
    }
}

/// Why the spool could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// No room on the disk, and none could be made.
    #[error("disk is full, record {0} cannot be kept; free some space")]
    DiskFull(Hash),
    /// The record alone is more than the spool may hold.
    #[error(
        "record {hash} of {bytes} bytes does not fit a spool of {max_bytes}; raise spool_max_bytes"
    )]
    TooLarge {
        /// The record.
        hash: Hash,
        /// Its size in the spool.
        bytes: u64,
        /// The bound.
        max_bytes: u64,
    },
    /// The system refused.
    #[error("{operation} {path}: {source}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The file, relative to the data directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl SpoolError {
    /// True when the disk is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::DiskFull(_) => true,
            Self::TooLarge { .. } => false,
            Self::Io { source, .. } => is_full(source),
        }
    }
}

/// Where a record lies; ordered from the oldest to the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    segment: u64,
    offset: u64,
}

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchItem {
    /// Where it lies.
    pub id: RecordId,
    /// Its hash.
    pub hash: Hash,
    /// When it was kept, microseconds since the Unix epoch by the device's wall clock.
    pub kept_at_us: i64,
    /// The envelope as it travels, without a newline.
    pub line: String,
}

/// Some unsent records, oldest first; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The records.
    pub items: Vec<BatchItem>,
}

/// What a person may know of the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct SpoolStatus {
    /// Records waiting.
    pub records: u64,
    /// Bytes of the segment files.
    pub bytes: u64,
    /// When the oldest waiting record was kept, microseconds since the Unix epoch.
    pub oldest_at_us: Option<i64>,
    /// Records ever dropped unsent because the spool or the disk was full.
    pub dropped_size: u64,
    /// Records ever dropped unsent because they grew too old.
    pub dropped_age: u64,
    /// Stretches of damage ever stepped over.
    pub damaged: u64,
}

/// Why a segment is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    Size,
    Age,
}

/// The spool.
#[derive(Debug)]
pub struct Spool<F> {
    files: F,
    limits: Limits,
    segments: VecDeque<Segment>,
    memory: Memory,
    newest: Option<Link>,
    next_number: u64,
    /// Whether the last segment may be written to.
    is_open: bool,
}

impl<F: Files> Spool<F> {
    /// Keeps a record; durable when it returns. After an error the record is not in the spool, and
    /// the spool goes on.
    pub fn append(
        &mut self,
        envelope: &Envelope,
        link: Link,
        now_us: i64,
    ) -> Result<(), SpoolError> {
        let meta = Meta {
            kept_at_us: now_us,
            link,
        };
        let frame = frame::encode(&meta, &envelope.to_line());
        let bytes = (HEADER.len() + frame.len()) as u64;
        let fits_a_frame = frame.len() <= FRAME_OVERHEAD_BYTES + LINE_MAX_BYTES;
        if bytes > self.limits.max_bytes || !fits_a_frame {
            return Err(SpoolError::TooLarge {
                hash: link.hash,
                bytes,
                max_bytes: self.limits.max_bytes,
            });
        }
        while self.bytes() + bytes > self.limits.max_bytes {
            self.drop_oldest(Because::Size)?;
        }
        self.close_segment_if_due(now_us);
        while let Err(error) = self.write(&frame, meta) {
            if !error.is_full() {
                return Err(error);
            }
            if !self.limits.drop_when_disk_full || self.segments.is_empty() {
                return Err(SpoolError::DiskFull(link.hash));
            }
            self.drop_oldest(Because::Size)?;
        }
        Ok(())
    }

    /// The oldest unsent records behind `after` (from the beginning when `None`), at most
    /// `max_lines` of them and `max_bytes` of lines, but at least one; `None` when there are none.
    ///
    /// A record that turned out to be damaged is counted and left out.
    pub fn batch(
        &mut self,
        after: Option<RecordId>,
        max_lines: usize,
        max_bytes: usize,
    ) -> Option<Batch> {
        let mut items: Vec<BatchItem> = Vec::new();
        let mut bytes = 0;
        for (id, kept) in self.waiting(after) {
            if items.len() == max_lines || (!items.is_empty() && bytes + kept.length > max_bytes) {
                break;
            }
            match self.read(id, kept) {
                Ok(Some(line)) => {
                    bytes += kept.length;
                    items.push(BatchItem {
                        id,
                        hash: kept.meta.link.hash,
                        kept_at_us: kept.meta.kept_at_us,
                        line,
                    });
                }
                Ok(None) => self.give_up_damaged(id),
                // Perhaps only now: the record stays, and the others are not held up by it.
                Err(error) => tracing::warn!(%error, "a spooled record cannot be read now"),
            }
        }
        (!items.is_empty()).then_some(Batch { items })
    }

    /// Says that these records need not be sent again. Those that are gone already do not matter.
    pub fn settle(&mut self, ids: &[RecordId]) {
        for id in ids {
            if let Some(kept) = self.kept_mut(*id) {
                kept.is_settled = true;
            }
        }
    }

    /// Removes the segment files of which every record is settled.
    pub fn reclaim(&mut self) -> Result<(), SpoolError> {
        let is_done = |segment: &Segment| segment.waiting().next().is_none();
        if self.segments.back().is_some_and(is_done) {
            self.remember_newest()?;
            self.is_open = false;
        }
        let done: Vec<u64> = self
            .segments
            .iter()
            .filter(|segment| is_done(segment))
            .map(|segment| segment.number)
            .collect();
        for number in done {
            self.remove(number)?;
        }
        Ok(())
    }

    /// Drops and counts what is older than the bound, and whatever was kept before that.
    pub fn expire(&mut self, now_us: i64) -> Result<(), SpoolError> {
        let max_age_us =
            i64::try_from(self.limits.max_age_s).map_or(i64::MAX, |s| s.saturating_mul(1_000_000));
        let is_expired = |segment: &Segment| {
            let kept_at_us = segment.oldest_at_us(EARLIEST_CLOCK_US);
            kept_at_us.is_some_and(|kept_at_us| now_us.saturating_sub(kept_at_us) > max_age_us)
        };
        while self.segments.iter().any(is_expired) {
            self.drop_oldest(Because::Age)?;
        }
        Ok(())
    }

    /// The newest record of the chain that was ever kept, still there or not.
    #[must_use]
    pub fn newest(&self) -> Option<Link> {
        self.newest
    }

    /// Records waiting to be sent.
    #[must_use]
    pub fn waiting_records(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| segment.waiting().count())
            .sum()
    }

    /// What a person may know.
    #[must_use]
    pub fn status(&self) -> SpoolStatus {
        let mut waiting = self.segments.iter().flat_map(Segment::waiting);
        SpoolStatus {
            records: self.waiting_records() as u64,
            bytes: self.bytes(),
            oldest_at_us: waiting.next().map(|kept| kept.meta.kept_at_us),
            dropped_size: self.memory.dropped_size,
            dropped_age: self.memory.dropped_age,
            damaged: self.memory.damaged,
        }
    }
}
