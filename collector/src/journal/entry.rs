//! An entry on its way into the journal, and as it is read back.
//!
//! The `proof` column is: position and count (each a big-endian u64), the collector's 64-byte
//! signature over the root of the commit, then the path, 32 bytes per hash, lowest first.
use super::Blob;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tonle_evidence::entry::{EntryKind, Mark, Provenance, Tier};
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::{Hash, Hex, Id64, Id128, PublicKey, sha256};
use tonle_evidence::receipt::SignedReceipt;
use tonle_evidence::record::hash_of;

/// What is left of a source address: see design, *Decisions* 3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkIdentity {
    /// Autonomous system, where a table was loaded and has the address.
    pub asn: Option<u32>,
    /// Country of the network by the same table, ISO 3166-1.
    pub country: Option<String>,
    /// Which table said so.
    pub asn_table: Option<String>,
    /// HMAC of the prefix under the month's key; compares within one month only.
    pub group_id: Option<Id64>,
    /// Autonomous system from which the device's own resolver asks, where the record says an address of it
    /// and the table has that. Beside the first, never in its place: who sits on the line lies about both.
    pub resolver_asn: Option<u32>,
}

/// A record's place in its agent's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainPlace {
    /// The chain.
    pub chain_id: Id64,
    /// Position in it.
    pub sequence: u64,
}

/// An entry to append. Compressed and hashed by whoever makes it, to keep the writer thread free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// What it is.
    pub kind: EntryKind,
    /// The type its bytes are signed under, or their schema id.
    pub payload_type: String,
    /// Name of the entry.
    pub record_hash: Hash,
    /// Public half.
    pub public: Blob,
    /// Private half.
    pub private: Blob,
    /// Whose key, where there is one.
    pub key: Option<PublicKey>,
    /// The key's signature, where there is one.
    pub signature: Option<[u8; 64]>,
    /// Place in the agent's chain, for records this version can read.
    pub chain: Option<ChainPlace>,
    /// How well the agent is known.
    pub tier: Tier,
    /// Where it came from.
    pub provenance: Provenance,
    /// Collector's clock, microseconds since the Unix epoch.
    pub received_at_us: i64,
    /// What is left of the source address.
    pub network: NetworkIdentity,
    /// How it came: `direct`, `proxy` or `none` (see [`tonle_evidence::receipt::Receipt::tls`]).
    pub tls: String,
    /// What the checks at intake found; the writer adds [`Mark::Equivocation`].
    pub marks: Vec<Mark>,
}

impl NewEntry {
    /// An entry for a signed record, not yet marked, chained or placed in a network.
    #[must_use]
    pub fn record(envelope: &Envelope, tier: Tier, received_at_us: i64) -> Self {
        let record = &envelope.record;
        Self {
            kind: EntryKind::Record,
            payload_type: envelope.payload_type.clone(),
            record_hash: record.hash(),
            public: Blob::pack(&record.public),
            private: Blob::pack(&record.private),
            key: Some(record.key),
            signature: Some(record.signature),
            chain: None,
            tier,
            provenance: Provenance::Signed,
            received_at_us,
            network: NetworkIdentity::default(),
            tls: "none".to_owned(),
            marks: Vec::new(),
        }
    }

    /// An entry of the collector's own: an enrolment or a revocation.
    #[must_use]
    pub fn own(kind: EntryKind, schema: &str, public: &[u8], private: &[u8], tier: Tier) -> Self {
        Self {
            kind,
            payload_type: schema.to_owned(),
            record_hash: hash_of(&sha256(public), &sha256(private)),
            public: Blob::pack(public),
            private: Blob::pack(private),
            key: None,
            signature: None,
            chain: None,
            tier,
            provenance: Provenance::Signed,
            received_at_us: 0,
            network: NetworkIdentity::default(),
            tls: "none".to_owned(),
            marks: Vec::new(),
        }
    }
}

/// What became of an appended entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its place in the journal.
    pub entry_index: u64,
    /// Its name.
    pub hash: Hash,
    /// True when the journal already had it.
    pub duplicate: bool,
    /// The receipt, the same at every replay.
    pub receipt: SignedReceipt,
}

/// An entry as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the journal.
    pub entry_index: u64,
    /// What it is.
    pub kind: EntryKind,
    /// The type its bytes are signed under, or their schema id.
    pub payload_type: String,
    /// Its name.
    pub record_hash: Hash,
    /// Exact bytes of the public half.
    pub public: Vec<u8>,
    /// Exact bytes of the private half.
    pub private: Vec<u8>,
    /// Whose key.
    pub key: Option<PublicKey>,
    /// The key's signature.
    pub signature: Option<[u8; 64]>,
    /// Place in the agent's chain.
    pub chain: Option<ChainPlace>,
    /// How well the agent is known.
    pub tier: Tier,
    /// Where it came from.
    pub provenance: Provenance,
    /// Collector's clock, microseconds since the Unix epoch.
    pub received_at_us: i64,
    /// What is left of the source address.
    pub network: NetworkIdentity,
    /// Random bytes for the log's commitment; erasable.
    pub salt: Id128,
    /// What the checks at intake found.
    pub marks: Vec<Mark>,
    /// The receipt as it was given.
    pub receipt: SignedReceipt,
}

/// The two stored columns of a signed receipt.
pub(super) fn receipt_to_columns(signed: &SignedReceipt) -> (Vec<u8>, Vec<u8>) {
    let own = "made by this program a moment ago";
    let receipt = BASE64.decode(&signed.receipt).expect(own);
    let signature = BASE64.decode(&signed.sig).expect(own);
    let mut proof = Vec::with_capacity(80 + signed.path.len() * 32);
    proof.extend_from_slice(&signed.index.to_be_bytes());
    proof.extend_from_slice(&signed.count.to_be_bytes());
    proof.extend_from_slice(&signature);
    for hash in &signed.path {
        proof.extend_from_slice(&hash.0);
    }
    (receipt, proof)
}

/// The signed receipt of two stored columns; `None` when the proof is damaged.
pub(super) fn receipt_from_columns(receipt: &[u8], proof: &[u8]) -> Option<SignedReceipt> {
    let (index, rest) = proof.split_first_chunk::<8>()?;
    let (count, rest) = rest.split_first_chunk::<8>()?;
    let (signature, path) = rest.split_first_chunk::<64>()?;
    let (hashes, []) = path.as_chunks::<32>() else {
        return None;
    };
    Some(SignedReceipt {
        receipt: BASE64.encode(receipt),
        index: u64::from_be_bytes(*index),
        count: u64::from_be_bytes(*count),
        path: hashes.iter().map(|hash| Hex(*hash)).collect(),
        sig: BASE64.encode(signature),
    })
}

/// Marks as one column: words with a space between.
pub(super) fn marks_to_column(marks: &[Mark]) -> String {
    let words: Vec<&str> = marks.iter().map(|mark| mark.as_str()).collect();
    words.join(" ")
}
