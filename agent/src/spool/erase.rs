//! Taking records out of the spool for good: their bytes are off the disk, sent or not.
use super::frame::{self, FRAME_OVERHEAD_BYTES};
use super::segment::{failed, path_of};
use super::{RecordId, Spool, SpoolError};
use crate::files::Files;

impl<F: Files> Spool<F> {
    /// Erases the records whose line `is_unwanted` says, and returns how many of them were still to be
    /// sent. Each leaves a blank of its own length, so that what a batch on its way says of the others'
    /// places stays true; a blank is never sent, after the next opening either.
    pub fn erase(&mut self, is_unwanted: impl Fn(&str) -> bool) -> Result<usize, SpoolError> {
        let mut erased = Vec::new();
        for segment in &self.segments {
            let path = path_of(segment.number);
            let mut bytes = self.files.read(&path).map_err(failed("read", &path))?;
            let before = erased.len();
            for kept in &segment.records {
                let from = usize::try_from(kept.offset).expect("the file was read into memory");
                let Some(place) = bytes.get_mut(from..from + kept.length) else {
                    continue;
                };
                let is_to_go = match frame::decode(place) {
                    Some((_, _, line)) => is_unwanted(line),
                    None => false, // damaged: found out and counted when its turn comes
                };
                if is_to_go {
                    let blank = " ".repeat(kept.length - FRAME_OVERHEAD_BYTES);
                    place.copy_from_slice(&frame::encode(&kept.meta, &blank));
                    let id = RecordId {
                        segment: segment.number,
                        offset: kept.offset,
                    };
                    erased.push((id, kept.is_settled));
                }
            }
            if erased.len() > before {
                let replaced = self.files.replace(&path, &bytes);
                replaced.map_err(failed("write", &path))?;
            }
        }
        let unsent = erased
            .iter()
            .filter(|(_, was_settled)| !was_settled)
            .count();
        let ids: Vec<RecordId> = erased.into_iter().map(|(id, _)| id).collect();
        self.settle(&ids);
        self.reclaim()?;
        Ok(unsent)
    }
}
