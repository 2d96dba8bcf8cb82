//! The receipts the agent holds: its own proof of what the collector promised to keep.
//!
//! `receipts.log` and `receipts.1.log` (see `line_log`), one line per acknowledged record:
//! `{"record_hash":"<64 hex>","receipt":{…}}`. A line is synced before the record leaves the spool.
use crate::files::Files;
use crate::line_log::{Bounds, LineLog};
use serde::{Deserialize, Serialize};
use std::io;
use tonle_evidence::VerifyingKey;
use tonle_evidence::hash::Hash;
use tonle_evidence::receipt::{Receipt, ReceiptError, SignedReceipt};

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
    /// What the collector signed.
    pub receipt: SignedReceipt,
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
    pub fn append(&mut self, acknowledged: &[Acknowledged]) -> io::Result<()> {
        let line = |acknowledged: &Acknowledged| {
            let kept = KeptReceipt {
                record_hash: acknowledged.record_hash,
                receipt: acknowledged.receipt.clone(),
            };
            serde_json::to_string(&kept).expect("strings and integers are always JSON")
        };
        let lines: Vec<String> = acknowledged.iter().map(line).collect();
        self.log.append(&lines)
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
            .append(&[acknowledged.unwrap()])
            .unwrap();
        files.power_cut(1);
        let log = ReceiptLog::open(files).unwrap();
        let kept = log.all().unwrap();
        assert_eq!((kept.len(), log.ever()), (1, 1));
        let receipt = kept[0].receipt.open(&key.verifying_key()).unwrap();
        assert_eq!(receipt.record_hash, hash);
    }
}
