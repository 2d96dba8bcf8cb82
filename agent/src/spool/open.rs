//! Opening the spool after whatever happened to it.
use super::frame;
use super::memory::Memory;
use super::segment::{Kept, Segment, failed, number_of, path_of};
use super::{FOLDER, Limits, Spool, SpoolError};
use crate::files::{Files, remove_if_there};
use crate::identity::Link;
use std::collections::VecDeque;
use tonle_evidence::hash::Id64;

/// An open spool, and what its opening found.
#[derive(Debug)]
pub struct Opened<F> {
    /// The spool.
    pub spool: Spool<F>,
    /// Whether [`Spool::newest`] is the newest record for certain: nothing was damaged, torn or lost.
    pub is_certain: bool,
    /// Segments of a newer program, left alone.
    pub newer_segments: u64,
}

/// What one segment file turned out to be.
enum Reading {
    Good(Segment),
    /// Damaged or torn; the segment has what could be read, and the number of damaged stretches.
    Damaged(Segment, u64),
    Newer,
}

impl<F: Files> Spool<F> {
    /// Opens the spool, whatever a kill or a power cut left of it:
    ///
    /// 1. A torn tail is cut off; it was never acknowledged to the caller.
    /// 2. Damage before whole frames is stepped over, counted, and the file rewritten without it.
    /// 3. Everything readable is synced before it counts: what a killed process left in the page
    ///    cache could otherwise be sent and then vanish at a power cut.
    ///
    /// `chain` is the chain in which [`Spool::newest`] is looked for: an older one may still have
    /// records here. Fails only when the folder cannot be made or read at all.
    pub fn open(files: F, limits: Limits, chain: Option<Id64>) -> Result<Opened<F>, SpoolError> {
        files.make_folder(FOLDER).map_err(failed("make", FOLDER))?;
        let names = files.list(FOLDER).map_err(failed("list", FOLDER))?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
        numbers.sort_unstable();
        let loaded = Memory::load(&files).map_err(failed("read", "spool/state.json"))?;
        let is_remembered = loaded.is_some();
        let mut opened = Opened {
            spool: Self {
                next_number: 1,
                newest: None,
                memory: loaded.unwrap_or_default(),
                files,
                limits,
                segments: VecDeque::new(),
                is_open: false,
            },
            is_certain: is_remembered,
            newer_segments: 0,
        };
        for number in numbers {
            opened.take_in(number)?;
        }
        let spool = &mut opened.spool;
        spool.newest = spool.newest_of(chain);
        spool.next_number = spool.next_number.max(spool.memory.first_segment);
        if !is_remembered {
            // So that its absence means a loss from now on.
            opened.save_memory();
        }
        Ok(opened)
    }
}

impl<F: Files> Spool<F> {
    fn newest_of(&self, chain: Option<Id64>) -> Option<Link> {
        let kept = self.segments.iter().flat_map(|segment| &segment.records);
        kept.map(|kept| kept.meta.link)
            .chain(self.memory.newest)
            .filter(|link| Some(link.chain_id) == chain)
            .max_by_key(|link| link.sequence)
    }
}

impl<F: Files> Opened<F> {
    fn take_in(&mut self, number: u64) -> Result<(), SpoolError> {
        let spool = &mut self.spool;
        spool.next_number = number + 1;
        let path = path_of(number);
        if number < spool.memory.first_segment {
            return remove_if_there(&spool.files, &path).map_err(failed("remove", &path));
        }
        let bytes = match spool.files.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, segment.number = number, "a spool segment cannot be read and is left alone");
                self.is_certain = false;
                return Ok(());
            }
        };
        match read(number, &bytes) {
            Reading::Newer => {
                tracing::warn!(
                    segment.number = number,
                    "a spool segment is of a newer program and left alone"
                );
                self.newer_segments += 1;
                self.is_certain = false;
            }
            Reading::Good(segment) => self.keep(segment),
            Reading::Damaged(segment, stretches) => {
                self.is_certain = false;
                let segment = self.repair(segment, stretches, &bytes);
                self.keep(segment);
            }
        }
        Ok(())
    }

    /// Counts a segment in, once it is durable.
    fn keep(&mut self, segment: Segment) {
        let path = path_of(segment.number);
        let spool = &mut self.spool;
        if segment.records.is_empty() {
            if let Err(error) = remove_if_there(&spool.files, &path) {
                tracing::warn!(%error, "an empty spool segment cannot be removed");
            }
            return;
        }
        let synced = spool.files.sync(&path);
        if let Err(error) = synced.and_then(|()| spool.files.sync_folder(FOLDER)) {
            tracing::error!(%error, "a spool segment cannot be synced");
            self.is_certain = false;
        }
        spool.segments.push_back(segment);
    }

    /// Writes a segment file again without its damage. Where that fails (a full disk), the file stays
    /// as it is, and its readable records count all the same.
    fn repair(&mut self, segment: Segment, stretches: u64, bytes: &[u8]) -> Segment {
        let path = path_of(segment.number);
        tracing::error!(
            segment.number,
            damaged.stretches = stretches,
            "a spool segment was damaged; its readable records are kept"
        );
        if stretches > 0 {
            self.spool.memory.damaged += stretches;
            self.save_memory();
        }
        let mut whole = frame::HEADER.to_vec();
        let mut moved = Vec::new();
        for kept in &segment.records {
            let from = usize::try_from(kept.offset).expect("the file was read into memory");
            moved.push(Kept {
                offset: whole.len() as u64,
                ..*kept
            });
            whole.extend_from_slice(&bytes[from..from + kept.length]);
        }
        match self.spool.files.replace(&path, &whole) {
            Ok(()) => Segment {
                bytes: whole.len() as u64,
                records: moved,
                ..segment
            },
            Err(error) => {
                tracing::warn!(%error, "a damaged spool segment cannot be rewritten now");
                segment
            }
        }
    }

    fn save_memory(&mut self) {
        if let Err(error) = self.spool.memory.save(&self.spool.files) {
            tracing::warn!(%error, "the state of the spool is not saved yet");
            self.is_certain = false;
        }
    }
}

fn read(number: u64, bytes: &[u8]) -> Reading {
    if frame::is_newer(bytes) {
        return Reading::Newer;
    }
    let scan = frame::scan(bytes);
    let kept = |found: &frame::Found| Kept {
        offset: found.offset as u64,
        length: found.length,
        meta: found.meta,
        is_settled: found.is_blank,
    };
    let segment = Segment {
        number,
        bytes: bytes.len() as u64,
        records: scan.frames.iter().map(kept).collect(),
    };
    let is_whole = bytes.starts_with(frame::HEADER) && scan.damaged == 0 && scan.torn_at.is_none();
    if is_whole {
        Reading::Good(segment)
    } else {
        Reading::Damaged(segment, scan.damaged)
    }
}
