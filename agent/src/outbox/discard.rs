//! Taking unsent records back for good, such as those whose consent was withdrawn.
use super::{Outbox, OutboxError};
use crate::files::Files;
use tonle_evidence::envelope::Envelope;

/// Records looked at in one go.
const LOOK_LINES: usize = 64;
/// Bytes looked at in one go.
const LOOK_BYTES: usize = 1 << 20;

impl<F: Files> Outbox<F> {
    /// Takes out of the spool what `is_unwanted` says, and returns how many that were. They are never
    /// sent; their bytes leave the disk with the others of their segment file.
    pub fn discard(
        &mut self,
        is_unwanted: impl Fn(&Envelope) -> bool,
    ) -> Result<usize, OutboxError> {
        let mut after = None;
        let mut unwanted = Vec::new();
        while let Some(batch) = self.spool.batch(after, LOOK_LINES, LOOK_BYTES) {
            after = batch.items.last().map(|item| item.id);
            let is_to_go = |line: &str| {
                Envelope::from_line(line.as_bytes()).is_ok_and(|envelope| is_unwanted(&envelope))
            };
            let found = batch.items.iter().filter(|item| is_to_go(&item.line));
            unwanted.extend(found.map(|item| item.id));
        }
        self.spool.settle(&unwanted);
        self.spool.reclaim()?;
        Ok(unwanted.len())
    }
}
