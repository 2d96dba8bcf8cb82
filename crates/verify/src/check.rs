//! One line → what it proves. Pure: the collector's key is an argument.
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tonle_evidence::VerifyingKey;
use tonle_evidence::complaint::{Complaint, SignedComplaint};
use tonle_evidence::envelope::{Envelope, EnvelopeError, LINE_MAX_BYTES, Opened};
use tonle_evidence::hash::{Hash, Id64, PublicKey};
use tonle_evidence::receipt::{Receipt, ReceiptError, SignedReceipt};

/// Place of a record in its agent's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The agent's key.
    pub key: PublicKey,
    /// The chain.
    pub chain_id: Id64,
    /// Place in the chain, from 0.
    pub sequence: u64,
    /// Hash of the record before, as this one claims.
    pub prev_hash: Hash,
}

/// What a line proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    /// A record whose signature verifies.
    Record {
        /// Its name.
        hash: Hash,
        /// Its place; `None` when its type is newer than this program, which then cannot read it.
        link: Option<Link>,
        /// Its halves, where this program can read them.
        opened: Option<Box<Opened>>,
    },
    /// A complaint that the key beside it signed; what it says of records is checked with them.
    Complaint {
        /// Whose.
        key: PublicKey,
        /// What was signed.
        complaint: Box<Complaint>,
    },
    /// A receipt that the given collector signed.
    Receipt(Receipt),
}

/// Why a line proves nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotProven {
    /// Longer than any line of a batch may be.
    #[error("line is longer than {LINE_MAX_BYTES} bytes")]
    TooLong,
    /// Neither an envelope nor a receipt.
    #[error("line is neither a record's envelope nor a receipt: {0}")]
    Unknown(String),
    /// An envelope that does not hold.
    #[error("record: {0}")]
    Record(EnvelopeError),
    /// A complaint that does not hold.
    #[error("complaint: {0}")]
    Complaint(String),
    /// A receipt that does not hold.
    #[error("{0}")]
    Receipt(ReceiptError),
    /// A true receipt that is kept as that of another record.
    #[error("receipt is for record {named}, and is kept as that of {kept_for}")]
    OtherRecord {
        /// The record that the receipt names.
        named: Hash,
        /// The record it is kept for.
        kept_for: Hash,
    },
    /// A receipt, and no key to check it with.
    #[error("receipt cannot be checked without the collector's key")]
    NoCollectorKey,
}

/// Checks one line: an envelope by its own key, a receipt by the collector's.
pub fn check_line(line: &[u8], collector: Option<&VerifyingKey>) -> Result<Proven, NotProven> {
    if line.len() > LINE_MAX_BYTES {
        return Err(NotProven::TooLong);
    }
    let value: Value =
        serde_json::from_slice(line).map_err(|error| NotProven::Unknown(error.to_string()))?;
    match value.get("receipt") {
        Some(Value::Object(_)) => return check_kept(line, collector),
        Some(_) => return check_receipt(&read(line)?, collector),
        None => {}
    }
    if value.get("complaint").is_some() {
        return check_complaint(line);
    }
    if value.get("public").is_none() {
        let reason = "it has neither 'public' nor 'receipt'".to_owned();
        return Err(NotProven::Unknown(reason));
    }
    check_record(line).map_err(NotProven::Record)
}

fn check_record(line: &[u8]) -> Result<Proven, EnvelopeError> {
    let envelope = Envelope::from_line(line)?;
    envelope.verify()?;
    let hash = envelope.hash();
    if !envelope.is_current() {
        return Ok(Proven::Record {
            hash,
            link: None,
            opened: None,
        });
    }
    let opened = envelope.open()?;
    let private = &opened.private;
    let place = Link {
        key: envelope.record.key,
        chain_id: private.chain_id,
        sequence: private.sequence,
        prev_hash: private.prev_hash,
    };
    Ok(Proven::Record {
        hash,
        link: Some(place),
        opened: Some(Box::new(opened)),
    })
}

fn check_complaint(line: &[u8]) -> Result<Proven, NotProven> {
    let wrong = |error: &dyn std::fmt::Display| NotProven::Complaint(error.to_string());
    let signed: SignedComplaint = serde_json::from_slice(line).map_err(|error| wrong(&error))?;
    let complaint = signed.open().map_err(|error| wrong(&error))?;
    Ok(Proven::Complaint {
        key: signed.key,
        complaint: Box::new(complaint),
    })
}

/// A receipt as an agent keeps it: beside the hash of the record that it sent.
#[derive(Deserialize)]
struct Kept {
    record_hash: Hash,
    receipt: SignedReceipt,
}

fn read<T: DeserializeOwned>(line: &[u8]) -> Result<T, NotProven> {
    let malformed = |error: serde_json::Error| ReceiptError::Malformed(error.to_string());
    serde_json::from_slice(line).map_err(|error| NotProven::Receipt(malformed(error)))
}

fn check_kept(line: &[u8], collector: Option<&VerifyingKey>) -> Result<Proven, NotProven> {
    let kept: Kept = read(line)?;
    let proven = check_receipt(&kept.receipt, collector)?;
    match &proven {
        Proven::Receipt(receipt) if receipt.record_hash != kept.record_hash => {
            Err(NotProven::OtherRecord {
                named: receipt.record_hash,
                kept_for: kept.record_hash,
            })
        }
        _ => Ok(proven),
    }
}

fn check_receipt(
    signed: &SignedReceipt,
    collector: Option<&VerifyingKey>,
) -> Result<Proven, NotProven> {
    let collector = collector.ok_or(NotProven::NoCollectorKey)?;
    signed
        .open(collector)
        .map(Proven::Receipt)
        .map_err(NotProven::Receipt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = check_line(&line, None);
        }

        #[test]
        fn no_json_of_known_fields_makes_it_panic(
            field in "public|receipt|type",
            text in "[A-Za-z0-9+/=]{0,100}",
        ) {
            let line = format!("{{\"{field}\":\"{text}\"}}");
            prop_assert!(check_line(line.as_bytes(), None).is_err());
        }
    }
}
