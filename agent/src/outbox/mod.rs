//! The order in which durable things happen to a record, from its sealing to its receipt.
//!
//! Rules:
//! 1. A record counts as measured when [`Outbox::keep`] returns: it is sealed, chained and durable.
//! 2. A record leaves the spool only behind its receipt or its place in the refused folder, each
//!    synced first.
//! 3. A defect of an experiment costs its figures, never the run: the record then says `panicked`.
//! 4. A full disk must not keep records from leaving: a ballast file gives the room that receipts need.
mod ballast;
mod forget;
#[cfg(test)]
mod tests;

use crate::experiments::Recorded;
use crate::files::{Files, is_full};
use crate::identity::{Chain, Identity, recover};
use crate::receipts::{Acknowledged, KeptReceipt, ReceiptLog};
use crate::record::{self, Built, Entropy, RecordError, RunContext};
use crate::refused::{Refused, RefusedRecord, RefusedStatus};
use crate::spool::{
    Batch, BatchItem, EARLIEST_CLOCK_US, Limits, RecordId, Spool, SpoolError, SpoolStatus,
};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tonle_evidence::hash::{Hash, Hex};
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{Context, Outcome};

/// Time between two looks for receipts that are too old, microseconds.
const RECEIPTS_LOOK_US: u64 = 3_600_000_000;

/// Why a record could not be kept, or could not leave.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The spool failed.
    #[error("spool: {0}")]
    Spool(#[from] SpoolError),
    /// No record could be built.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A file beside the spool could not be read or written.
    #[error("{operation}: {source}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no randomness to give.
    #[error("ask the system for randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

impl OutboxError {
    fn is_full(&self) -> bool {
        match self {
            Self::Spool(error) => error.is_full(),
            Self::Io { source, .. } => is_full(source),
            Self::Record(_) | Self::Randomness(_) => false,
        }
    }
}

/// A record that is durable in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its hash.
    pub hash: Hash,
    /// How the run ended, as the record says.
    pub outcome: Outcome,
    /// What its steps saw, scrubbed.
    pub observations: Vec<Observation>,
    /// What the device knew of itself.
    pub context: Context,
    /// Length of the envelope as it travels, bytes.
    pub size_bytes: usize,
}

/// What came of one record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The collector has it, and its receipt was verified.
    Acknowledged(Acknowledged),
    /// The collector will never take it.
    Refused {
        /// Short machine word.
        reason: String,
        /// One line for a person.
        detail: String,
    },
    /// It stays and is sent again.
    Later,
}

/// What a person may know of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct OutboxStatus {
    /// Records waiting to be sent.
    pub spool: SpoolStatus,
    /// Records the collector refused.
    pub refused: RefusedStatus,
    /// Receipts ever received.
    pub receipts: u64,
}

/// The agent's key, chain, spool, receipts and refused records.
#[derive(Debug)]
pub struct Outbox<F> {
    files: F,
    identity: Identity,
    chain: Chain,
    spool: Spool<F>,
    receipts: ReceiptLog<F>,
    refused: Refused<F>,
    receipts_looked_at_us: i64,
    wake: Arc<Notify>,
}

/// An outbox that the runner, the uploader and the commands share.
pub type SharedOutbox<F> = Arc<Mutex<Outbox<F>>>;

/// Locks a shared outbox. After a panic under the lock it is still right: what counts is on disk, and
/// memory only ever follows it.
pub fn lock<F>(outbox: &Mutex<Outbox<F>>) -> MutexGuard<'_, Outbox<F>> {
    outbox.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Files> Outbox<F> {
    /// Opens everything, whatever a crash left, and drops what has grown too old by `now_us`.
    pub fn open(
        files: F,
        identity: Identity,
        limits: Limits,
        now_us: i64,
    ) -> Result<Self, OutboxError> {
        let saved = Chain::load(&files).map_err(failed("read chain.json"))?;
        let opened = Spool::open(files.clone(), limits, saved.map(|chain| chain.chain_id))?;
        let spool = opened.spool;
        let fresh = Hex(random()?);
        let (chain, start) = recover(saved, spool.newest(), opened.is_certain, fresh);
        if saved.map(|saved| saved.chain_id) != Some(chain.chain_id) {
            tracing::info!(chain.start = ?start, "a new chain of records begins");
            chain.save(&files).map_err(failed("write chain.json"))?;
        }
        let mut outbox = Self {
            receipts: ReceiptLog::open(files.clone()).map_err(failed("open receipts"))?,
            refused: Refused::open(files.clone()).map_err(failed("open refused"))?,
            files,
            identity,
            chain,
            spool,
            receipts_looked_at_us: i64::MIN / 2,
            wake: Arc::default(),
        };
        outbox.expire(now_us);
        ballast::fill(&outbox.files);
        Ok(outbox)
    }

    /// Seals what a run recorded and keeps it; durable when it returns.
    pub fn keep(
        &mut self,
        context: &RunContext,
        recorded: Recorded,
        now_us: i64,
    ) -> Result<Kept, OutboxError> {
        let built = self.build(context, recorded)?;
        if built.bodies_dropped + built.observations_dropped > 0 {
            tracing::warn!(
                record.id = %built.link.hash,
                dropped.bodies = built.bodies_dropped,
                dropped.observations = built.observations_dropped,
                "a record was too long and has been shortened"
            );
        }
        self.expire(now_us);
        self.spool.append(&built.envelope, built.link, now_us)?;
        self.wake.notify_one();
        Ok(Kept {
            hash: built.link.hash,
            outcome: built.outcome,
            observations: built.observations,
            context: built.context,
            size_bytes: built.envelope.to_line().len(),
        })
    }

    /// Rule 3: what an experiment did wrong is logged as the defect it is, and the record keeps what
    /// can be kept: the times and failures of its observations.
    fn build(&mut self, context: &RunContext, recorded: Recorded) -> Result<Built, OutboxError> {
        let error = match self.try_build(context, recorded.clone()) {
            Err(OutboxError::Record(error)) => error,
            other => return other,
        };
        tracing::error!(%error, "an experiment recorded what no record may hold");
        let without_detail = |observation: Observation| Observation {
            detail: std::collections::BTreeMap::new(),
            ..observation
        };
        let remains = Recorded {
            observations: recorded
                .observations
                .into_iter()
                .map(without_detail)
                .collect(),
            limited_by: recorded.limited_by,
            ..Recorded::default()
        };
        let panicked = RunContext {
            outcome: Outcome::Panicked,
            ..context.clone()
        };
        self.try_build(&panicked, remains)
    }

    fn try_build(
        &mut self,
        context: &RunContext,
        recorded: Recorded,
    ) -> Result<Built, OutboxError> {
        let entropy = Entropy {
            record_id: random()?,
            blind: random()?,
        };
        let key = self.identity.key();
        let built = record::build(
            context,
            recorded,
            record::catalogue(),
            key,
            &mut self.chain,
            entropy,
        );
        Ok(built?)
    }

    /// The oldest unsent records: see [`Spool::batch`].
    pub fn batch(
        &mut self,
        after: Option<RecordId>,
        max_lines: usize,
        max_bytes: usize,
    ) -> Option<Batch> {
        self.spool.batch(after, max_lines, max_bytes)
    }

    /// Takes note of what came of a batch: one fate per record, in order. After an error the records
    /// are still in the spool, and will be sent again.
    pub fn settle(
        &mut self,
        batch: &Batch,
        fates: &[Fate],
        now_us: i64,
    ) -> Result<(), OutboxError> {
        debug_assert_eq!(batch.items.len(), fates.len(), "one fate per record");
        let settled = self.try_settle(batch, fates, now_us);
        if !settled.as_ref().is_err_and(OutboxError::is_full) {
            return settled;
        }
        ballast::release(&self.files).map_err(failed("release ballast"))?;
        let settled = self.try_settle(batch, fates, now_us);
        ballast::fill(&self.files);
        settled
    }

    fn try_settle(
        &mut self,
        batch: &Batch,
        fates: &[Fate],
        now_us: i64,
    ) -> Result<(), OutboxError> {
        let mut acknowledged = Vec::new();
        let mut refused = Vec::new();
        let mut done = Vec::new();
        for (item, fate) in batch.items.iter().zip(fates) {
            match fate {
                Fate::Later => continue,
                Fate::Acknowledged(receipt) => {
                    let at_us = kept_at_us(item, now_us);
                    acknowledged.push(receipt.clone().kept(&item.line, at_us));
                }
                Fate::Refused { reason, detail } => {
                    let at_us = kept_at_us(item, now_us);
                    let line = item.line.clone();
                    refused.push(RefusedRecord::new(item.hash, reason, detail, line, at_us));
                }
            }
            done.push(item.id);
        }
        self.receipts
            .append(&acknowledged)
            .map_err(failed("log receipts"))?;
        self.refused
            .append(&refused)
            .map_err(failed("keep refused records"))?;
        self.spool.settle(&done);
        self.spool.reclaim()?;
        Ok(())
    }

    /// Drops what has grown too old. A failure is logged: it comes up again at the next record.
    pub fn expire(&mut self, now_us: i64) {
        let spool = self.spool.expire(now_us).map_err(OutboxError::from);
        let refused = self
            .refused
            .expire(now_us)
            .map_err(failed("expire refused records"));
        let receipts = self.expire_receipts(now_us);
        if let Err(error) = spool.and(refused).and(receipts) {
            tracing::warn!(%error, "old records cannot be dropped now");
        }
    }

    /// The log is read whole for that: once an hour is enough.
    fn expire_receipts(&mut self, now_us: i64) -> Result<(), OutboxError> {
        if now_us.abs_diff(self.receipts_looked_at_us) < RECEIPTS_LOOK_US {
            return Ok(());
        }
        self.receipts_looked_at_us = now_us;
        self.receipts
            .expire(now_us)
            .map_err(failed("expire receipts"))
    }

    /// The receipts still kept, oldest first.
    pub fn receipts(&self) -> Result<Vec<KeptReceipt>, OutboxError> {
        self.receipts.all().map_err(failed("read receipts"))
    }

    /// The refused records still kept, oldest first.
    pub fn refused(&self) -> Result<Vec<RefusedRecord>, OutboxError> {
        self.refused.all().map_err(failed("read refused records"))
    }

    /// Records waiting to be sent.
    #[must_use]
    pub fn waiting_records(&self) -> usize {
        self.spool.waiting_records()
    }

    /// The agent's key.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What a person may know.
    #[must_use]
    pub fn status(&self) -> OutboxStatus {
        OutboxStatus {
            spool: self.spool.status(),
            refused: self.refused.status(),
            receipts: self.receipts.ever(),
        }
    }

    /// Is notified of every record kept.
    #[must_use]
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// To be shared by the runner, the uploader and the commands.
    #[must_use]
    pub fn shared(self) -> SharedOutbox<F> {
        Arc::new(Mutex::new(self))
    }
}

/// When a record was made, as far as the device knew the time then.
fn kept_at_us(item: &BatchItem, now_us: i64) -> i64 {
    if item.kept_at_us < EARLIEST_CLOCK_US {
        now_us
    } else {
        item.kept_at_us
    }
}

fn failed(operation: &'static str) -> impl FnOnce(io::Error) -> OutboxError {
    move |source| OutboxError::Io { operation, source }
}

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
