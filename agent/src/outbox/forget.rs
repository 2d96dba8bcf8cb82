//! Forgetting a stream for good, when the consent to it was withdrawn.
use super::{Outbox, OutboxError, failed};
use crate::files::Files;
use crate::receipts::stream_of;
use tonle_evidence::record::Stream;

impl<F: Files> Outbox<F> {
    /// Erases everything of a stream: records waiting, records sent whose bytes are still there, refused
    /// ones, and the log of what was sent. Returns how many were waiting; they are never sent.
    pub fn forget(&mut self, stream: Stream) -> Result<usize, OutboxError> {
        let unsent = self.spool.erase(|line| stream_of(line) == Some(stream))?;
        self.refused
            .forget(stream)
            .map_err(failed("forget refused records"))?;
        self.receipts
            .forget(stream)
            .map_err(failed("forget receipts"))?;
        Ok(unsent)
    }
}
