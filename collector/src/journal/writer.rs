//! The one writer of the journal: a thread that commits what is waiting in groups.
//!
//! 1. A group is what waits when the thread becomes free, at most [`GROUP_MAX_ROWS`] rows. Nothing
//!    waits for company: a lone record costs one sync, and under load groups fill by themselves.
//! 2. A reply leaves after the commit, and a commit has returned from its sync.
//! 3. A record that the journal has is answered with its stored receipt, byte for byte.
//! 4. When a commit fails nothing of its group was stored, and its indexes are given out again:
//!    the sequence has no holes.
use super::entry::{marks_to_column, receipt_from_columns, receipt_to_columns};
use super::{Appended, ChainPlace, FILE_NAME, JournalReader, NewEntry, ReadError, schema::SCHEMA};
use crate::metrics::Metrics;
use crate::store::{self, StoreError};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tonle_evidence::SigningKey;
use tonle_evidence::entry::Mark;
use tonle_evidence::hash::{Hash, PublicKey};
use tonle_evidence::receipt::{RECEIPT_SCHEMA, Receipt, SignedReceipt, sign_batch};
use tonle_net::clock::Stopwatch;

/// Most rows of one commit.
pub const GROUP_MAX_ROWS: usize = 512;
/// Most appends that may wait; beyond it `append` itself waits.
const QUEUE_MAX_JOBS: usize = 256;

/// Why entries were not appended. Nothing of the append was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The disk or the file refused.
    #[error("write the journal: {0}")]
    Write(String),
    /// The writer has ended.
    #[error("the journal is closed")]
    Closed,
}

struct Job {
    entries: Vec<NewEntry>,
    reply: oneshot::Sender<Result<Vec<Appended>, JournalError>>,
}

/// A handle on the journal. The writer ends when the last clone is gone and its queue is empty.
#[derive(Debug, Clone)]
pub struct Journal {
    jobs: mpsc::Sender<Job>,
    committed: watch::Receiver<u64>,
    path: PathBuf,
}

impl Journal {
    /// Opens or creates the journal in `dir` and starts its writer. The caller holds the lock of
    /// the directory, so there is never a second writer.
    pub fn open(dir: &Path, collector_key: SigningKey) -> Result<Self, StoreError> {
        Self::open_measured(dir, collector_key, Arc::default())
    }

    /// As [`Journal::open`]; the writer tells `metrics` of its commits and its queue.
    pub fn open_measured(
        dir: &Path,
        collector_key: SigningKey,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let path = dir.join(FILE_NAME);
        let connection = store::open(&path, &SCHEMA)?;
        let failed = |reason: String| StoreError::Open {
            path: path.clone(),
            reason,
        };
        let next_index = connection
            .query_row("SELECT max(entry_index) + 1 FROM entry", [], |row| {
                row.get::<_, Option<i64>>(0)
            })
            .map_err(|error| failed(error.to_string()))?
            .map_or(0, i64::cast_unsigned);
        let (jobs, queue) = mpsc::channel(QUEUE_MAX_JOBS);
        let (progress, committed) = watch::channel(next_index);
        let writer = Writer {
            connection,
            key: collector_key,
            next_index,
            progress,
            metrics,
        };
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(queue))
            .map_err(|error| failed(format!("start its writer: {error}")))?;
        Ok(Self {
            jobs,
            committed,
            path,
        })
    }

    /// Appends entries and waits until they are on the disk. One answer per entry, in order.
    pub async fn append(&self, entries: Vec<NewEntry>) -> Result<Vec<Appended>, JournalError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { entries, reply };
        let sent = self.jobs.send(job).await;
        sent.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// The number of committed entries, and a way to wait for more.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.committed.clone()
    }

    /// A reader with a connection of its own.
    pub fn reader(&self) -> Result<JournalReader, ReadError> {
        JournalReader::open(&self.path)
    }

    /// Waits until the writer has ended. Returns only once every other clone is gone.
    pub async fn close(self) {
        let Self {
            jobs,
            mut committed,
            ..
        } = self;
        drop(jobs);
        while committed.changed().await.is_ok() {}
    }
}

struct Writer {
    connection: Connection,
    key: SigningKey,
    next_index: u64,
    progress: watch::Sender<u64>,
    metrics: Arc<Metrics>,
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut held = None;
        while let Some(first) = held.take().or_else(|| queue.blocking_recv()) {
            let mut rows = first.entries.len();
            let mut group = vec![first];
            while let Ok(job) = queue.try_recv() {
                if rows + job.entries.len() > GROUP_MAX_ROWS {
                    held = Some(job);
                    break;
                }
                rows += job.entries.len();
                group.push(job);
            }
            let waiting = queue.len() + usize::from(held.is_some());
            let waiting = i64::try_from(waiting).expect("a bounded queue");
            self.metrics.journal_queue_jobs.set(waiting);
            self.commit_and_reply(group, rows);
        }
    }

    fn commit_and_reply(&mut self, group: Vec<Job>, rows: usize) {
        let mut entries = Vec::with_capacity(rows);
        let mut replies = Vec::with_capacity(group.len());
        for job in group {
            replies.push((job.entries.len(), job.reply));
            entries.extend(job.entries);
        }
        let clock = Stopwatch::start();
        match self.commit(&entries) {
            Ok(appended) => {
                let seconds = clock.elapsed_us() as f64 / 1e6;
                self.metrics.journal_commit_seconds.observe(seconds);
                self.progress.send_if_modified(|committed| {
                    let moved = *committed != self.next_index;
                    *committed = self.next_index;
                    moved
                });
                let mut appended = appended.into_iter();
                for (count, reply) in replies {
                    // Whoever asked may have gone; the entries are stored all the same.
                    let _ = reply.send(Ok(appended.by_ref().take(count).collect()));
                }
            }
            Err(error) => {
                tracing::error!(reason = %error, rows, "journal commit failed: {error}");
                for (_, reply) in replies {
                    let _ = reply.send(Err(JournalError::Write(error.to_string())));
                }
            }
        }
    }

    fn commit(&mut self, entries: &[NewEntry]) -> Result<Vec<Appended>, rusqlite::Error> {
        let transaction = self.connection.transaction()?;
        let plan = Plan::make(&transaction, entries, self.next_index)?;
        let receipts = plan.receipts(entries);
        let signed = sign_batch(&self.key, &receipts);
        insert(&transaction, entries, &plan, &signed)?;
        transaction.commit()?;
        self.next_index += signed.len() as u64;
        Ok(plan.answers(entries, &signed))
    }
}

/// What becomes of one entry of a group.
enum Fate {
    /// Stored before this group.
    Known(u64, Box<SignedReceipt>),
    /// New: its place among the new ones, and whether it conflicts with another.
    New { place: usize, equivocation: bool },
    /// The same bytes came earlier in this group.
    Repeated { place: usize },
}

struct Plan {
    fates: Vec<Fate>,
    first_index: u64,
}

impl Plan {
    fn make(
        transaction: &Transaction<'_>,
        entries: &[NewEntry],
        first_index: u64,
    ) -> Result<Self, rusqlite::Error> {
        let mut fates = Vec::with_capacity(entries.len());
        let mut new_by_hash: HashMap<Hash, usize> = HashMap::with_capacity(entries.len());
        let mut places: HashSet<(PublicKey, ChainPlace)> = HashSet::with_capacity(entries.len());
        for entry in entries {
            if let Some(place) = new_by_hash.get(&entry.record_hash) {
                fates.push(Fate::Repeated { place: *place });
                continue;
            }
            if let Some((index, receipt)) = find_receipt(transaction, &entry.record_hash)? {
                fates.push(Fate::Known(index, Box::new(receipt)));
                continue;
            }
            let equivocation = match entry.key.zip(entry.chain) {
                Some(place) => !places.insert(place) || is_taken(transaction, place)?,
                None => false,
            };
            let place = new_by_hash.len();
            new_by_hash.insert(entry.record_hash, place);
            fates.push(Fate::New {
                place,
                equivocation,
            });
        }
        Ok(Self { fates, first_index })
    }

    /// The receipts of the new entries, in order of their places.
    fn receipts(&self, entries: &[NewEntry]) -> Vec<Receipt> {
        let receipt = |(fate, entry): (&Fate, &NewEntry)| {
            let Fate::New {
                place,
                equivocation,
            } = *fate
            else {
                return None;
            };
            Some(Receipt {
                schema: RECEIPT_SCHEMA.to_owned(),
                record_hash: entry.record_hash,
                entry_index: self.first_index + place as u64,
                received_at_us: entry.received_at_us,
                asn: entry.network.asn,
                network_country: entry.network.country.clone(),
                tls: entry.tls.clone(),
                marks: marks_of(entry, equivocation),
            })
        };
        self.fates.iter().zip(entries).filter_map(receipt).collect()
    }

    fn answers(self, entries: &[NewEntry], signed: &[SignedReceipt]) -> Vec<Appended> {
        let answer = |(fate, entry): (Fate, &NewEntry)| {
            let (entry_index, receipt, duplicate) = match fate {
                Fate::Known(index, receipt) => (index, *receipt, true),
                Fate::New { place, .. } => (
                    self.first_index + place as u64,
                    signed[place].clone(),
                    false,
                ),
                Fate::Repeated { place } => {
                    (self.first_index + place as u64, signed[place].clone(), true)
                }
            };
            Appended {
                entry_index,
                hash: entry.record_hash,
                duplicate,
                receipt,
            }
        };
        self.fates.into_iter().zip(entries).map(answer).collect()
    }
}

fn marks_of(entry: &NewEntry, equivocation: bool) -> Vec<Mark> {
    let mut marks = entry.marks.clone();
    if equivocation {
        marks.push(Mark::Equivocation);
    }
    marks
}

fn find_receipt(
    transaction: &Transaction<'_>,
    hash: &Hash,
) -> Result<Option<(u64, SignedReceipt)>, rusqlite::Error> {
    let mut statement = transaction
        .prepare_cached("SELECT entry_index, receipt, proof FROM entry WHERE record_hash = ?1")?;
    let found = statement.query_row([hash.0], |row| {
        let index = row.get::<_, i64>(0)?.cast_unsigned();
        let (receipt, proof): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
        let receipt = receipt_from_columns(&receipt, &proof);
        let damaged = "the stored proof of a receipt is damaged";
        receipt
            .map(|receipt| (index, receipt))
            .ok_or_else(|| rusqlite::Error::ToSqlConversionFailure(damaged.into()))
    });
    found.optional()
}

/// True when another record has the same key, chain and sequence.
fn is_taken(
    transaction: &Transaction<'_>,
    (key, place): (PublicKey, ChainPlace),
) -> Result<bool, rusqlite::Error> {
    transaction
        .prepare_cached("SELECT 1 FROM entry WHERE key = ?1 AND chain_id = ?2 AND sequence = ?3")?
        .exists(params![
            key.0,
            place.chain_id.0,
            place.sequence.cast_signed()
        ])
}

fn insert(
    transaction: &Transaction<'_>,
    entries: &[NewEntry],
    plan: &Plan,
    signed: &[SignedReceipt],
) -> Result<(), rusqlite::Error> {
    let mut salts = vec![0; signed.len() * 16];
    getrandom::fill(&mut salts).map_err(|error| {
        rusqlite::Error::ToSqlConversionFailure(format!("random salt: {error}").into())
    })?;
    let mut statement = transaction.prepare_cached(
        "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
         ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
    )?;
    for (fate, entry) in plan.fates.iter().zip(entries) {
        let Fate::New {
            place,
            equivocation,
        } = *fate
        else {
            continue;
        };
        let (receipt, proof) = receipt_to_columns(&signed[place]);
        let chain = entry.chain.as_ref();
        statement.execute(params![
            (plan.first_index + place as u64).cast_signed(),
            entry.kind.as_str(),
            entry.payload_type,
            entry.record_hash.0,
            entry.public.as_stored(),
            entry.private.as_stored(),
            entry.key.as_ref().map(|key| key.0),
            entry.signature,
            chain.map(|chain| chain.chain_id.0),
            chain.map(|chain| chain.sequence.cast_signed()),
            entry.tier.as_str(),
            entry.provenance.as_str(),
            entry.received_at_us,
            entry.network.asn,
            entry.network.asn_table,
            entry.network.country,
            entry.network.group_id.map(|group| group.0),
            &salts[place * 16..][..16],
            marks_to_column(&marks_of(entry, equivocation)),
            receipt,
            proof,
            entry.network.resolver_asn,
        ])?;
    }
    Ok(())
}
