//! What the collector promises in return for a record, and how the agent checks it.
//!
//! One signature covers all receipts of a commit: it is over the Merkle root of their bytes, and
//! each receipt carries its path to that root. So a receipt proves itself alone, and a replay
//! returns it byte for byte, whatever batch the record comes back in.
use crate::dsse::{self, types};
use crate::entry::Mark;
use crate::hash::Hash;
use crate::merkle;
use crate::strict_json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// Schema id of a receipt.
pub const RECEIPT_SCHEMA: &str = "tonle.receipt/1";

/// What the collector says of one stored record. Facts of the intake, no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`RECEIPT_SCHEMA`].
    pub schema: String,
    /// The record.
    pub record_hash: Hash,
    /// Its place in the journal.
    pub entry_index: u64,
    /// Collector's clock, microseconds since the Unix epoch.
    pub received_at_us: i64,
    /// Autonomous system of the source address, where a table was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Country of the source network by the same table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_country: Option<String>,
    /// Whether the upload came over TLS that the collector itself terminated, a trusted proxy
    /// did (`proxy`), or none (`none`).
    pub tls: String,
    /// What the checks at intake found.
    pub marks: Vec<Mark>,
}

/// A receipt as it travels and is stored: exact bytes with their proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// Exact bytes of the receipt, base64.
    pub receipt: String,
    /// Position among the receipts of its commit.
    pub index: u64,
    /// How many receipts the commit had.
    pub count: u64,
    /// Path to the signed root, lowest first.
    pub path: Vec<Hash>,
    /// The collector's signature over the root, base64.
    pub sig: String,
}

/// Why a receipt is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// A field cannot be read.
    #[error("receipt cannot be read: {0}")]
    Malformed(String),
    /// The path does not fit the stated position.
    #[error("receipt's path does not fit its position")]
    Path,
    /// The root is not signed by this collector.
    #[error("receipt is not signed by the pinned collector key")]
    Signature,
}

/// Signs the receipts of one commit with one signature.
#[must_use]
pub fn sign_batch(key: &SigningKey, receipts: &[Receipt]) -> Vec<SignedReceipt> {
    let bytes: Vec<Vec<u8>> = receipts
        .iter()
        .map(|receipt| serde_json_canonicalizer::to_vec(receipt).expect("a receipt is always JSON"))
        .collect();
    let leaves: Vec<Hash> = bytes.iter().map(|bytes| merkle::leaf_hash(bytes)).collect();
    let Some((root, paths)) = merkle::root_and_paths(&leaves) else {
        return Vec::new();
    };
    let sig = BASE64.encode(dsse::sign(key, types::RECEIPTS, &root.0));
    let signed = |(index, (bytes, path)): (usize, (&Vec<u8>, Vec<Hash>))| SignedReceipt {
        receipt: BASE64.encode(bytes),
        index: index as u64,
        count: leaves.len() as u64,
        path,
        sig: sig.clone(),
    };
    bytes.iter().zip(paths).enumerate().map(signed).collect()
}

impl SignedReceipt {
    /// Checks path and signature against the collector's pinned key and reads the receipt.
    pub fn open(&self, collector: &VerifyingKey) -> Result<Receipt, ReceiptError> {
        let malformed = |what: &str| ReceiptError::Malformed(what.to_owned());
        let bytes = BASE64
            .decode(&self.receipt)
            .map_err(|_| malformed("receipt is not base64"))?;
        let signature = BASE64
            .decode(&self.sig)
            .map_err(|_| malformed("sig is not base64"))?;
        let signature: [u8; 64] = signature
            .try_into()
            .map_err(|_| malformed("sig is not 64 bytes"))?;
        let index = usize::try_from(self.index).map_err(|_| ReceiptError::Path)?;
        let count = usize::try_from(self.count).map_err(|_| ReceiptError::Path)?;
        let leaf = merkle::leaf_hash(&bytes);
        let root =
            merkle::root_from_path(leaf, index, count, &self.path).ok_or(ReceiptError::Path)?;
        if !dsse::verify(collector, types::RECEIPTS, &root.0, &signature) {
            return Err(ReceiptError::Signature);
        }
        strict_json::parse_as(&bytes).map_err(|error| ReceiptError::Malformed(error.to_string()))
    }
}

/// What happened to one line of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ItemResult {
    /// Durable, now or since an earlier batch.
    Stored {
        /// The record.
        record_hash: Hash,
        /// Its receipt, the same bytes at every replay.
        receipt: SignedReceipt,
    },
    /// Will never be accepted: the agent moves it to its `refused` folder.
    Refused {
        /// Short machine word: `signature`, `format`, `too_long`, `revoked`, ….
        reason: String,
        /// One line for a person, with the remedy.
        detail: String,
    },
    /// Not accepted now: keep it and send it again later.
    Retry {
        /// Short machine word: `unknown_key`, `storage`, ….
        reason: String,
        /// One line for a person, with the remedy.
        detail: String,
    },
}

/// Answer to a batch: one result per line, in the order of the lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchReply {
    /// One per non-empty line.
    pub results: Vec<ItemResult>,
    /// Collector's clock when it answered, microseconds since the Unix epoch: the agent's offset.
    pub now_us: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{Hex, sha256};

    fn receipts(count: u64) -> Vec<Receipt> {
        let receipt = |index: u64| Receipt {
            schema: RECEIPT_SCHEMA.into(),
            record_hash: sha256(&index.to_be_bytes()),
            entry_index: index,
            received_at_us: 1_700_000_000_000_000,
            asn: Some(64_500),
            network_country: None,
            tls: "none".into(),
            marks: vec![Mark::Late],
        };
        (0..count).map(receipt).collect()
    }

    #[test]
    fn each_receipt_of_a_batch_proves_itself_alone() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let batch = receipts(5);
        for (signed, receipt) in sign_batch(&key, &batch).iter().zip(&batch) {
            assert_eq!(signed.open(&key.verifying_key()).as_ref(), Ok(receipt));
        }
    }

    #[test]
    fn a_changed_receipt_or_another_collector_is_not_believed() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let other = SigningKey::from_bytes(&[4; 32]);
        let mut signed = sign_batch(&key, &receipts(3)).remove(1);
        assert_eq!(
            signed.open(&other.verifying_key()),
            Err(ReceiptError::Signature)
        );
        signed.path[0] = Hex::ZERO;
        assert_eq!(
            signed.open(&key.verifying_key()),
            Err(ReceiptError::Signature)
        );
        signed.path.clear();
        assert_eq!(signed.open(&key.verifying_key()), Err(ReceiptError::Path));
    }
}
