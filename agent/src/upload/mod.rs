//! Spool to collector: a record leaves on a verified receipt, or on a permanent refusal.
//!
//! Rules:
//! 1. A drain goes through the spool once, from the oldest record on; what the collector wants later
//!    stays behind and holds nothing up.
//! 2. No receipt is believed that the pinned key did not sign or that names another record, whatever
//!    the answer says, and whoever gives it.
//! 3. A batch that is too large or cannot be processed is halved until the line at fault is alone;
//!    that one is refused, the others are not.
//! 4. When one collector cannot be reached or gives no usable answer, the next alternate is asked.
//! 5. Sending is idempotent: what may or may not have arrived is sent again.
mod backoff;
mod exchange;
mod pace;
mod retry_after;

pub use exchange::ClockOffset;
pub(crate) use retry_after::http_date_us;

use crate::files::Files;
use crate::outbox::{Fate, Outbox, OutboxError, SharedOutbox, lock};
use crate::spool::{Batch, RecordId};
use exchange::{Answer, Reply};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tonle_evidence::VerifyingKey;
use tonle_evidence::envelope::BATCH_MAX_LINES;
use tonle_evidence::hash::Hash;
use tonle_net::clock::wall_us;
use url::Url;

/// Lines of a batch: small enough that a cut line costs little, and their receipts fit the ballast.
const BATCH_LINES: usize = 100;
const _: () = assert!(BATCH_LINES <= BATCH_MAX_LINES);
/// Bytes of the lines of a batch, before compression.
const BATCH_BYTES: usize = 1 << 20;

/// Why a drain ended before the end of the spool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Told to.
    #[error("cancelled")]
    Cancelled,
    /// No collector answered, or none usably.
    #[error("collector cannot be reached: {0}")]
    Unreachable(String),
    /// The collector wants to be left alone for a while.
    #[error("collector is busy: {detail}")]
    Busy {
        /// For how long, seconds, if it says.
        retry_after_s: Option<u64>,
        /// In its own words.
        detail: String,
    },
    /// The collector does not accept this agent.
    #[error("collector does not accept this agent ({status}): {detail}")]
    Forbidden {
        /// 401 or 403.
        status: u16,
        /// In its own words.
        detail: String,
    },
    /// An answer that no collector gives: a wrong URL, a captive portal, a broken server.
    #[error("unexpected answer {status} from the collector: {detail}")]
    Unexpected {
        /// The status.
        status: u16,
        /// In its own words.
        detail: String,
    },
    /// Whoever answered does not hold the pinned key.
    #[error("{0} receipts are not from the collector that was joined")]
    NotBelieved(usize),
    /// What came of a batch could not be written down; its records stay.
    #[error("{0}")]
    Storage(String),
}

/// What a drain came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadReport {
    /// Records now known to be durable at the collector, in the order of the spool.
    pub acknowledged: Vec<Hash>,
    /// Records the collector refused for ever.
    pub refused: Vec<Hash>,
    /// Records still in the spool.
    pub left: usize,
    /// Why it ended early, if it did.
    pub stop: Option<Stop>,
}

/// Where to send, and whom to believe.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Collectors that hold the same key, each URL ending in `/`; never empty.
    pub collectors: Vec<Url>,
    /// The pinned key.
    pub key: VerifyingKey,
}

/// Takes records from the outbox to the collector.
#[derive(Debug)]
pub struct Uploader<F> {
    outbox: SharedOutbox<F>,
    client: reqwest::Client,
    to: Destination,
    /// The collector that answered last.
    current: AtomicUsize,
    compresses: AtomicBool,
    clock: Mutex<Option<ClockOffset>>,
    seed: u64,
}

impl<F: Files> Uploader<F> {
    /// An uploader; `client` as made by [`crate::http::client`], `seed` for the jitter.
    ///
    /// # Panics
    /// When `to` names no collector.
    #[must_use]
    pub fn new(
        outbox: SharedOutbox<F>,
        client: reqwest::Client,
        to: Destination,
        seed: u64,
    ) -> Self {
        assert!(!to.collectors.is_empty(), "an enrolment names a collector");
        Self {
            outbox,
            client,
            to,
            current: AtomicUsize::new(0),
            compresses: AtomicBool::new(true),
            clock: Mutex::new(None),
            seed,
        }
    }

    /// How far the collector's clock was from ours in the best exchange of the last drain that had one.
    #[must_use]
    pub fn clock_offset(&self) -> Option<ClockOffset> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uploads whenever there is reason to, until cancelled.
    pub async fn run(&self, cancel: CancellationToken) {
        let wake = lock(&self.outbox).wake();
        let random = StdRng::seed_from_u64(self.seed);
        pace::repeat(|| self.drain(&cancel), &wake, random, &cancel).await;
    }

    /// Goes through the spool once.
    pub async fn drain(&self, cancel: &CancellationToken) -> UploadReport {
        let mut drain = Drain::default();
        let stop = loop {
            let (after, lines) = (drain.after, drain.lines);
            let batch = self
                .with_outbox(move |outbox| outbox.batch(after, lines, BATCH_BYTES))
                .await;
            let Some(batch) = batch else {
                break None;
            };
            let answer = tokio::select! {
                answer = self.send(&batch) => answer,
                () = cancel.cancelled() => break Some(Stop::Cancelled),
            };
            if let Err(stop) = self.take(batch, answer, &mut drain).await {
                break Some(stop);
            }
        };
        if drain.clock.is_some() {
            *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = drain.clock;
        }
        drain.report.left = lock(&self.outbox).waiting_records();
        log(stop.as_ref(), &drain.report);
        UploadReport {
            stop,
            ..drain.report
        }
    }

    /// Asks the collectors in turn, from the one that answered last, until one gives a usable answer.
    async fn send(&self, batch: &Batch) -> Answer {
        let count = self.to.collectors.len();
        let first = self.current.load(Ordering::Relaxed);
        let mut answer = Answer::Unreachable("no collector".into());
        for turn in 0..count {
            let place = (first + turn) % count;
            self.current.store(place, Ordering::Relaxed);
            let compresses = self.compresses.load(Ordering::Relaxed);
            answer =
                exchange::send(&self.client, &self.to.collectors[place], batch, compresses).await;
            if !matches!(answer, Answer::Unreachable(_) | Answer::Unexpected { .. }) {
                return answer;
            }
        }
        self.next_collector();
        answer
    }

    /// Acts on an answer; an error ends the drain.
    async fn take(&self, batch: Batch, answer: Answer, drain: &mut Drain) -> Result<(), Stop> {
        match answer {
            Answer::Reply(reply) => self.take_reply(batch, reply, drain).await,
            Answer::TooLarge(detail) => self.halve(batch, "too_large", detail, drain).await,
            Answer::Unprocessable(detail) => {
                self.halve(batch, "unprocessable", detail, drain).await
            }
            Answer::WrongEncoding(detail) => {
                if self.compresses.swap(false, Ordering::Relaxed) {
                    return Ok(());
                }
                Err(Stop::Unexpected {
                    status: 415,
                    detail,
                })
            }
            Answer::Busy {
                retry_after_s,
                detail,
            } => Err(Stop::Busy {
                retry_after_s,
                detail,
            }),
            Answer::Forbidden { status, detail } => Err(Stop::Forbidden { status, detail }),
            Answer::Unexpected { status, detail } => Err(Stop::Unexpected { status, detail }),
            Answer::Unreachable(reason) => Err(Stop::Unreachable(reason)),
        }
    }

    async fn take_reply(&self, batch: Batch, reply: Reply, drain: &mut Drain) -> Result<(), Stop> {
        let (fates, disbelieved) = exchange::judge(&batch, reply.results, &self.to.key);
        self.settle(batch, fates, drain).await?;
        if disbelieved > 0 {
            self.next_collector();
            return Err(Stop::NotBelieved(disbelieved));
        }
        drain.believe(reply.clock);
        drain.lines = (drain.lines * 2).min(BATCH_LINES);
        Ok(())
    }

    /// Rule 3.
    async fn halve(
        &self,
        batch: Batch,
        reason: &str,
        detail: String,
        drain: &mut Drain,
    ) -> Result<(), Stop> {
        if batch.items.len() > 1 {
            drain.lines = batch.items.len() / 2;
            return Ok(());
        }
        let reason = reason.to_owned();
        self.settle(batch, vec![Fate::Refused { reason, detail }], drain)
            .await
    }

    async fn settle(&self, batch: Batch, fates: Vec<Fate>, drain: &mut Drain) -> Result<(), Stop> {
        let (settled, batch, fates) = self
            .with_outbox(move |outbox| {
                let settled = outbox.settle(&batch, &fates, wall_us());
                (settled, batch, fates)
            })
            .await;
        settled.map_err(|error: OutboxError| Stop::Storage(error.to_string()))?;
        for (item, fate) in batch.items.iter().zip(&fates) {
            match fate {
                Fate::Acknowledged(_) => drain.report.acknowledged.push(item.hash),
                Fate::Refused { .. } => drain.report.refused.push(item.hash),
                Fate::Later => {}
            }
        }
        drain.after = batch.items.last().map(|item| item.id);
        Ok(())
    }

    fn next_collector(&self) {
        let next = (self.current.load(Ordering::Relaxed) + 1) % self.to.collectors.len();
        self.current.store(next, Ordering::Relaxed);
    }

    /// Works on the outbox where waiting for the disk holds nobody up.
    async fn with_outbox<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Outbox<F>) -> T + Send + 'static,
    ) -> T {
        let outbox = SharedOutbox::clone(&self.outbox);
        let done = tokio::task::spawn_blocking(move || work(&mut lock(&outbox))).await;
        done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }
}

/// How far a drain has come.
#[derive(Debug)]
struct Drain {
    after: Option<RecordId>,
    lines: usize,
    clock: Option<ClockOffset>,
    report: UploadReport,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            after: None,
            lines: BATCH_LINES,
            clock: None,
            report: UploadReport::default(),
        }
    }
}

impl Drain {
    /// Keeps the offset of the exchange with the shortest round trip.
    fn believe(&mut self, clock: ClockOffset) {
        let best = self.clock.map_or(i64::MAX, |best| best.uncertainty_us);
        if clock.uncertainty_us < best {
            self.clock = Some(clock);
        }
    }
}

fn log(stop: Option<&Stop>, report: &UploadReport) {
    let (acknowledged, refused) = (report.acknowledged.len(), report.refused.len());
    if refused > 0 {
        tracing::warn!(
            records.refused = refused,
            "the collector refused {refused} records for ever"
        );
    }
    match stop {
        Some(stop @ (Stop::Forbidden { .. } | Stop::Storage(_))) => {
            tracing::error!(error = %stop, records.left = report.left, "upload stopped: {stop}");
        }
        Some(stop) => {
            tracing::warn!(error = %stop, records.left = report.left, "upload stopped: {stop}");
        }
        None => tracing::debug!(
            records.acknowledged = acknowledged,
            records.left = report.left,
            "uploaded"
        ),
    }
}
