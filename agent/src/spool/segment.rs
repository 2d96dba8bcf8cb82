//! What the spool knows of one segment file, and everything it does to one.
use super::frame::{self, HEADER, Meta};
use super::{Because, FOLDER, RecordId, SPANS_PER_AGE, Spool, SpoolError};
use crate::files::{Files, is_full, remove_if_there};
use std::io;

/// One record of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// Where its frame begins, bytes from the start of the file.
    pub(super) offset: u64,
    /// Length of its frame, bytes.
    pub(super) length: usize,
    /// What its frame says.
    pub(super) meta: Meta,
    /// It need not be sent again.
    pub(super) is_settled: bool,
}

/// One segment file.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its place among the segments.
    pub(super) number: u64,
    /// Its length, bytes.
    pub(super) bytes: u64,
    /// Its records, oldest first.
    pub(super) records: Vec<Kept>,
}

impl Segment {
    /// Its records that are still to be sent.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Kept> {
        self.records.iter().filter(|kept| !kept.is_settled)
    }

    /// When its oldest record was kept, leaving out clocks that were never set.
    pub(super) fn oldest_at_us(&self, earliest_us: i64) -> Option<i64> {
        let times = self.records.iter().map(|kept| kept.meta.kept_at_us);
        times.filter(|time| *time >= earliest_us).min()
    }
}

/// Path of a segment file.
pub(super) fn path_of(number: u64) -> String {
    format!("{FOLDER}/{number:020}.seg")
}

/// Number of a segment file, from its name.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    let is_ours = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_ours.then(|| digits.parse().ok()).flatten()
}

/// Names the operation and the file of what the system said.
pub(super) fn failed(operation: &'static str, path: &str) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io {
        operation,
        path,
        source,
    }
}

impl<F: Files> Spool<F> {
    /// Bytes of all segment files.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The records still to be sent behind `after`, oldest first.
    pub(super) fn waiting(&self, after: Option<RecordId>) -> Vec<(RecordId, Kept)> {
        let of_segment = |segment: &Segment| {
            let number = segment.number;
            let with_id = move |kept: &Kept| {
                let id = RecordId {
                    segment: number,
                    offset: kept.offset,
                };
                (id, *kept)
            };
            segment.waiting().map(with_id).collect::<Vec<_>>()
        };
        let all = self.segments.iter().flat_map(of_segment);
        all.filter(|(id, _)| after.is_none_or(|after| *id > after))
            .collect()
    }

    /// The record at a place, if it is still there.
    pub(super) fn kept_mut(&mut self, id: RecordId) -> Option<&mut Kept> {
        let place = self
            .segments
            .binary_search_by_key(&id.segment, |segment| segment.number)
            .ok()?;
        let records = &mut self.segments[place].records;
        let place = records
            .binary_search_by_key(&id.offset, |kept| kept.offset)
            .ok()?;
        Some(&mut records[place])
    }

    /// The line of a record; `None` when its frame is damaged or gone.
    pub(super) fn read(&self, id: RecordId, kept: Kept) -> io::Result<Option<String>> {
        let read = self
            .files
            .read_at(&path_of(id.segment), id.offset, kept.length);
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let line = match frame::decode(&bytes) {
            Some((_, meta, line)) if meta == kept.meta => Some(line.to_owned()),
            _ => None,
        };
        Ok(line)
    }

    /// Leaves a damaged record out from now on, and counts it.
    pub(super) fn give_up_damaged(&mut self, id: RecordId) {
        self.settle(&[id]);
        self.memory.damaged += 1;
        tracing::error!(
            damaged.total = self.memory.damaged,
            "a spooled record is damaged and left out"
        );
        if let Err(error) = self.memory.save(&self.files) {
            tracing::warn!(%error, "the count of damaged records is not saved yet");
        }
    }

    /// Ends the last segment when it is long enough, in bytes or in time.
    pub(super) fn close_segment_if_due(&mut self, now_us: i64) {
        let Some(last) = self.segments.back() else {
            return;
        };
        let max_age_us =
            i64::try_from(self.limits.max_age_s).map_or(i64::MAX, |s| s.saturating_mul(1_000_000));
        let spans_long = last.records.first().is_some_and(|first| {
            now_us.abs_diff(first.meta.kept_at_us) > (max_age_us / SPANS_PER_AGE).unsigned_abs()
        });
        if spans_long || last.bytes >= self.limits.segment_bytes {
            self.is_open = false;
        }
    }

    /// Writes a frame to the last segment, or to a new one, and syncs it.
    pub(super) fn write(&mut self, frame: &[u8], meta: Meta) -> Result<(), SpoolError> {
        let number = match self.segments.back() {
            Some(last) if self.is_open => last.number,
            _ => self.begin_segment(),
        };
        let path = path_of(number);
        let last = self
            .segments
            .back()
            .expect("begun above unless it was there");
        let length_before = last.bytes;
        let written = if length_before == 0 {
            let bytes = [HEADER.as_slice(), frame].concat();
            self.files
                .append(&path, &bytes)
                .and_then(|()| self.files.sync(&path))
                .and_then(|()| self.files.sync_folder(FOLDER))
        } else {
            self.files
                .append(&path, frame)
                .and_then(|()| self.files.sync(&path))
        };
        if let Err(source) = written {
            self.take_back(number, length_before);
            return Err(failed("write", &path)(source));
        }
        let last = self.segments.back_mut().expect("as above");
        let offset = length_before.max(HEADER.len() as u64);
        last.bytes = offset + frame.len() as u64;
        last.records.push(Kept {
            offset,
            length: frame.len(),
            meta,
            is_settled: false,
        });
        self.newest = Some(meta.link);
        Ok(())
    }

    fn begin_segment(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.segments.push_back(Segment {
            number,
            bytes: 0,
            records: Vec::new(),
        });
        self.is_open = true;
        number
    }

    /// After a failed write: removes what may be there of it, and never writes to that file again.
    fn take_back(&mut self, number: u64, length_before: u64) {
        self.is_open = false;
        let path = path_of(number);
        let taken_back = if length_before == 0 {
            self.segments.pop_back();
            remove_if_there(&self.files, &path)
        } else {
            let cut = self.files.truncate(&path, length_before);
            cut.and_then(|()| self.files.sync(&path))
        };
        if let Err(error) = taken_back {
            tracing::warn!(%error, "what a failed write left in the spool is still there");
        }
    }

    /// Drops the oldest segment, counting its unsent records first. On a full disk there may be no
    /// room for the count before the segment is gone; then it is saved right after.
    pub(super) fn drop_oldest(&mut self, because: Because) -> Result<(), SpoolError> {
        let Some(oldest) = self.segments.front() else {
            return Ok(());
        };
        let number = oldest.number;
        let unsent = oldest.waiting().count() as u64;
        if self.segments.len() == 1 {
            self.is_open = false;
        }
        match because {
            Because::Size => self.memory.dropped_size += unsent,
            Because::Age => self.memory.dropped_age += unsent,
        }
        self.memory.first_segment = number + 1;
        self.memory.newest = self.newest;
        tracing::warn!(dropped.records = unsent, dropped.because = ?because, "{unsent} unsent records are dropped");
        match self.memory.save(&self.files) {
            Ok(()) => self.remove(number),
            Err(error) if is_full(&error) => {
                self.remove(number)?;
                self.save_memory()
            }
            Err(error) => Err(failed("write", "spool/state.json")(error)),
        }
    }

    /// Makes sure that the newest record is known after its segment is gone.
    pub(super) fn remember_newest(&mut self) -> Result<(), SpoolError> {
        if self.memory.newest == self.newest {
            return Ok(());
        }
        self.memory.newest = self.newest;
        self.save_memory()
    }

    fn save_memory(&mut self) -> Result<(), SpoolError> {
        let saved = self.memory.save(&self.files);
        saved.map_err(failed("write", "spool/state.json"))
    }

    /// Removes a segment file. Should its name come back after a power cut, its records are sent
    /// again, or, if they were dropped, it is removed again: so this needs no sync.
    pub(super) fn remove(&mut self, number: u64) -> Result<(), SpoolError> {
        let path = path_of(number);
        remove_if_there(&self.files, &path).map_err(failed("remove", &path))?;
        self.segments.retain(|segment| segment.number != number);
        Ok(())
    }
}
