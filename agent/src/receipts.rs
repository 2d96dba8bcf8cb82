//! The receipts the agent holds: its own proof of what the collector promised to keep.
//!
//! `receipts.log` and `receipts.1.log` (see `line_log`), one line per acknowledged record:
//! `{"record_hash":"<64 hex>","at_us":n,"sent":{"stream":…,"experiment":…,"target":…},"receipt":{…}}`. A
//! line is synced before the record leaves the spool. What is not known to be about quality leaves the
//! log when the measurement is seven days old.
use crate::config::OPENNESS_MAX_AGE_S;
use crate::files::Files;
use crate::line_log::{Bounds, LineLog};
use crate::spool::EARLIEST_CLOCK_US;
use serde::{Deserialize, Serialize};
use std::io;
use tonle_evidence::VerifyingKey;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::Hash;
use tonle_evidence::receipt::{Receipt, ReceiptError, SignedReceipt};
use tonle_evidence::record::Stream;

/// About four thousand receipts.
const BOUNDS: Bounds = Bounds {
    max_bytes: 4 << 20,
    max_lines: usize::MAX,
};

/// A receipt that was verified for its record: there is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    record_hash: Hash,
    receipt: SignedReceipt,
}

/// Why a record does not count as acknowledged.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotBelieved {
    /// The receipt does not verify under the pinned key.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// It is a true receipt of something else.
    #[error("the receipt is for record {got}, not for {sent}")]
    OtherRecord {
        /// What was sent.
        sent: Hash,
        /// What the receipt names.
        got: Hash,
    },
}

impl Acknowledged {
    /// Believes a receipt only if the pinned collector signed it and it names the record sent.
    pub fn check(
        sent: Hash,
        receipt: SignedReceipt,
        collector: &VerifyingKey,
    ) -> Result<Self, NotBelieved> {
        let Receipt { record_hash, .. } = receipt.open(collector)?;
        if record_hash != sent {
            return Err(NotBelieved::OtherRecord {
                sent,
                got: record_hash,
            });
        }
        Ok(Self {
            record_hash,
            receipt,
        })
    }

    /// As it is logged, with what the record was about; `at_us` says when it was made.
    #[must_use]
    pub fn kept(self, line: &str, at_us: i64) -> KeptReceipt {
        KeptReceipt {
            record_hash: self.record_hash,
            at_us,
            sent: Sent::of(line),
            receipt: self.receipt,
        }
    }

    /// The record.
    #[must_use]
    pub fn record_hash(&self) -> Hash {
        self.record_hash
    }
}

/// A receipt as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptReceipt {
    /// The record.
    pub record_hash: Hash,
    /// When it was made, microseconds since the Unix epoch by the device's wall clock.
    pub at_us: i64,
    /// What it was about; absent when that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
    /// What the collector signed.
    pub receipt: SignedReceipt,
}

/// What a record was about, for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its stream.
    pub stream: Stream,
    /// The experiment.
    pub experiment: String,
    /// What it was directed at.
    pub target: String,
}

impl Sent {
    /// What the record in an envelope was about.
    #[must_use]
    pub fn of(line: &str) -> Option<Self> {
        let envelope = Envelope::from_line(line.as_bytes()).ok()?;
        let public = envelope.open().ok()?.public;
        Some(Self {
            stream: public.method.stream,
            experiment: public.method.id,
            target: public.target.value,
        })
    }
}

/// The stream of the record in an envelope; `None` when that cannot be read.
#[must_use]
pub fn stream_of(line: &str) -> Option<Stream> {
    Sent::of(line).map(|sent| sent.stream)
}

impl KeptReceipt {
    fn is_of(&self, stream: Stream) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.stream == stream)
    }

    /// True while it may be kept: for good when it is about quality, else for seven days. A time that
    /// lies ahead as far is of a clock that was wrong.
    #[must_use]
    pub fn may_stay(&self, now_us: i64) -> bool {
        self.is_of(Stream::Quality)
            || now_us < EARLIEST_CLOCK_US
            || now_us.abs_diff(self.at_us) <= OPENNESS_MAX_AGE_S * 1_000_000
    }
}

/// The log.
#[derive(Debug)]
pub struct ReceiptLog<F> {
    log: LineLog<F>,
}

impl<F: Files> ReceiptLog<F> {
    /// Opens the log; what a crash tore is passed over.
    pub fn open(files: F) -> io::Result<Self> {
        let log = LineLog::open(files, "receipts", BOUNDS)?;
        Ok(Self { log })
    }

    /// Logs receipts; durable when it returns.
    pub fn append(&mut self, kept: &[KeptReceipt]) -> io::Result<()> {
        let line = |kept: &KeptReceipt| {
            serde_json::to_string(kept).expect("strings and integers are always JSON")
        };
        let lines: Vec<String> = kept.iter().map(line).collect();
        self.log.append(&lines)
    }

    /// Takes out what may not stay any longer, and lines that cannot be read; still counted.
    pub fn expire(&mut self, now_us: i64) -> io::Result<()> {
        self.log.retain(|line| {
            let kept: Option<KeptReceipt> = serde_json::from_str(line).ok();
            kept.is_some_and(|kept| kept.may_stay(now_us))
        })
    }

    /// Takes out everything of a stream; still counted.
    pub fn forget(&mut self, stream: Stream) -> io::Result<()> {
        self.log.retain(|line| {
            let kept: Option<KeptReceipt> = serde_json::from_str(line).ok();
            kept.is_some_and(|kept| !kept.is_of(stream))
        })
    }

    /// The receipts still kept, oldest first. One record may stand there more than once.
    pub fn all(&self) -> io::Result<Vec<KeptReceipt>> {
        let lines = self.log.lines()?;
        let read = |line: &String| serde_json::from_str(line).ok();
        Ok(lines.iter().filter_map(read).collect())
    }

    /// How many were ever logged.
    #[must_use]
    pub fn ever(&self) -> u64 {
        self.log.ever()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::files::simulated::SimulatedFiles;
    use tonle_evidence::SigningKey;
    use tonle_evidence::hash::sha256;
    use tonle_evidence::receipt::{RECEIPT_SCHEMA, sign_batch};

    pub(crate) fn receipt_of(hash: Hash, collector: &SigningKey) -> SignedReceipt {
        let receipt = Receipt {
            schema: RECEIPT_SCHEMA.into(),
            record_hash: hash,
            entry_index: 7,
            received_at_us: 1_790_000_000_000_000,
            asn: None,
            network_country: None,
            tls: "none".into(),
            marks: Vec::new(),
        };
        sign_batch(collector, &[receipt]).remove(0)
    }

    #[test]
    fn a_receipt_of_another_key_or_record_is_not_believed() {
        let (ours, other) = (
            SigningKey::from_bytes(&[1; 32]),
            SigningKey::from_bytes(&[2; 32]),
        );
        let sent = sha256(b"sent");
        let pinned = ours.verifying_key();
        assert!(Acknowledged::check(sent, receipt_of(sent, &ours), &pinned).is_ok());
        assert_eq!(
            Acknowledged::check(sent, receipt_of(sent, &other), &pinned),
            Err(NotBelieved::Receipt(ReceiptError::Signature))
        );
        let got = sha256(b"something else");
        assert_eq!(
            Acknowledged::check(sent, receipt_of(got, &ours), &pinned),
            Err(NotBelieved::OtherRecord { sent, got })
        );
    }

    #[test]
    fn logged_receipts_survive_a_power_cut_and_verify_again() {
        let files = SimulatedFiles::default();
        let key = SigningKey::from_bytes(&[1; 32]);
        let hash = sha256(b"record");
        let acknowledged = Acknowledged::check(hash, receipt_of(hash, &key), &key.verifying_key());
        ReceiptLog::open(files.clone())
            .unwrap()
            .append(&[acknowledged.unwrap().kept("not an envelope", 5)])
            .unwrap();
        files.power_cut(1);
        let log = ReceiptLog::open(files).unwrap();
        let kept = log.all().unwrap();
        assert_eq!((kept.len(), log.ever()), (1, 1));
        let receipt = kept[0].receipt.open(&key.verifying_key()).unwrap();
        assert_eq!(receipt.record_hash, hash);
    }

    #[test]
    fn what_was_sent_about_openness_leaves_the_log_after_seven_days_and_quality_stays() {
        const NOW_US: i64 = 1_790_000_000_000_000;
        const WEEK_US: i64 = 7 * 86_400 * 1_000_000;
        let key = SigningKey::from_bytes(&[1; 32]);
        let kept = |stream: Option<Stream>| {
            let hash = sha256(b"record");
            let checked =
                Acknowledged::check(hash, receipt_of(hash, &key), &key.verifying_key()).unwrap();
            KeptReceipt {
                sent: stream.map(|stream| Sent {
                    stream,
                    experiment: "x".into(),
                    target: "https://planted.example/".into(),
                }),
                ..checked.kept("", NOW_US)
            }
        };
        let files = SimulatedFiles::default();
        let mut log = ReceiptLog::open(files.clone()).unwrap();
        let streams = [Some(Stream::Quality), Some(Stream::Openness), None];
        log.append(&streams.map(kept)).unwrap();
        log.expire(0).unwrap();
        log.expire(NOW_US + WEEK_US).unwrap();
        assert_eq!(
            log.all().unwrap().len(),
            3,
            "a clock that was never set drops nothing"
        );
        log.expire(NOW_US + WEEK_US + 1).unwrap();
        assert_eq!(log.all().unwrap(), [kept(Some(Stream::Quality))]);
        assert_eq!(log.ever(), 3);
    }
}
