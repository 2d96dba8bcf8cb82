//! The chain of an agent's records: which comes next, and how that is known again after a crash.
//!
//! `chain.json`: `{"format":1,"chain_id":"<16 hex>","next_sequence":n,"prev_hash":"<64 hex>"}`.
//!
//! Rules:
//! 1. A sequence is never used for two different records that could both leave the device. A chain
//!    moves on when a record is sealed, whether or not the spool could keep it.
//! 2. A chain is written to `chain.json` before its first record; after that the spool remembers its
//!    newest record, so nothing is written twice per record.
//! 3. Whenever the place in the chain cannot be proved, a new chain begins: a restart is not a conflict.
use crate::files::{Files, read_if_there};
use serde::{Deserialize, Serialize};
use std::io;
use tonle_evidence::hash::{Hash, Hex, Id64};
use tonle_evidence::strict_json;

/// The file.
const CHAIN_FILE: &str = "chain.json";
/// Version of the file.
const FORMAT: u32 = 1;

/// A record's place in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The chain.
    pub chain_id: Id64,
    /// The place, from 0.
    pub sequence: u64,
    /// The record's hash.
    pub hash: Hash,
}

/// The place that the next record will have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The chain.
    pub chain_id: Id64,
    /// Sequence of the next record.
    pub next_sequence: u64,
    /// Hash of the record before it; zeros for the first.
    pub prev_hash: Hash,
}

#[derive(Serialize, Deserialize)]
struct ChainFile {
    format: u32,
    #[serde(flatten)]
    chain: Chain,
}

/// How a chain came to be what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainStart {
    /// The saved chain goes on.
    Continued,
    /// There was no saved chain: a first start, or a lost file.
    New,
    /// The place in the saved chain cannot be proved.
    Lost,
}

impl Chain {
    /// An empty chain.
    #[must_use]
    pub fn new(chain_id: Id64) -> Self {
        Self {
            chain_id,
            next_sequence: 0,
            prev_hash: Hex::ZERO,
        }
    }

    /// Moves past the record of this hash and returns its place.
    pub fn advance(&mut self, hash: Hash) -> Link {
        let link = Link {
            chain_id: self.chain_id,
            sequence: self.next_sequence,
            hash,
        };
        self.next_sequence += 1;
        self.prev_hash = hash;
        link
    }

    /// The chain after a record.
    fn after(link: Link) -> Self {
        Self {
            chain_id: link.chain_id,
            next_sequence: link.sequence + 1,
            prev_hash: link.hash,
        }
    }

    /// Reads `chain.json`; `None` when there is none or it cannot be read as a chain.
    pub fn load<F: Files>(files: &F) -> io::Result<Option<Self>> {
        Ok(read_if_there(files, CHAIN_FILE)?.and_then(|bytes| Self::parse(&bytes)))
    }

    /// Writes `chain.json` durably.
    pub fn save<F: Files>(&self, files: &F) -> io::Result<()> {
        let file = ChainFile {
            format: FORMAT,
            chain: *self,
        };
        let bytes = serde_json::to_vec(&file).expect("integers and strings are always JSON");
        files.replace(CHAIN_FILE, &bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let file: ChainFile = strict_json::parse_as(bytes).ok()?;
        (file.format == FORMAT).then_some(file.chain)
    }
}

/// The chain to go on with, from what survived.
///
/// `newest` is the newest record that the spool knows of; `is_certain` is false when the spool was
/// damaged, so that a newer one may have been there; `fresh` is random.
#[must_use]
pub fn recover(
    saved: Option<Chain>,
    newest: Option<Link>,
    is_certain: bool,
    fresh: Id64,
) -> (Chain, ChainStart) {
    let Some(saved) = saved else {
        return (Chain::new(fresh), ChainStart::New);
    };
    if !is_certain {
        return (Chain::new(fresh), ChainStart::Lost);
    }
    match newest {
        Some(link) if link.chain_id == saved.chain_id && link.sequence >= saved.next_sequence => {
            (Chain::after(link), ChainStart::Continued)
        }
        _ => (saved, ChainStart::Continued),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tonle_evidence::hash::sha256;

    const FRESH: Id64 = Hex([9; 8]);

    fn saved(next_sequence: u64) -> Chain {
        Chain {
            chain_id: Hex([1; 8]),
            next_sequence,
            prev_hash: sha256(b"saved"),
        }
    }

    fn link(chain: u8, sequence: u64) -> Link {
        Link {
            chain_id: Hex([chain; 8]),
            sequence,
            hash: sha256(b"newest"),
        }
    }

    #[test]
    fn a_spooled_record_ahead_of_the_saved_chain_is_what_comes_before_the_next() {
        let (chain, start) = recover(Some(saved(3)), Some(link(1, 7)), true, FRESH);
        assert_eq!(start, ChainStart::Continued);
        assert_eq!(
            (chain.next_sequence, chain.prev_hash),
            (8, sha256(b"newest"))
        );
    }

    #[test]
    fn a_spooled_record_behind_or_of_an_older_chain_changes_nothing() {
        for newest in [None, Some(link(1, 2)), Some(link(2, 90))] {
            let (chain, _) = recover(Some(saved(3)), newest, true, FRESH);
            assert_eq!(chain, saved(3));
        }
    }

    #[test]
    fn a_lost_place_begins_a_new_chain() {
        for (saved, is_certain) in [(None, true), (None, false), (Some(saved(3)), false)] {
            let (chain, start) = recover(saved, Some(link(1, 7)), is_certain, FRESH);
            assert_eq!(chain, Chain::new(FRESH));
            assert_ne!(start, ChainStart::Continued);
        }
    }

    #[test]
    fn a_chain_file_of_another_format_is_not_guessed_at() {
        let text = serde_json::to_string(&ChainFile {
            format: 2,
            chain: saved(1),
        });
        assert_eq!(Chain::parse(text.unwrap().as_bytes()), None);
    }

    proptest! {
        #[test]
        fn no_chain_file_makes_it_panic(bytes: Vec<u8>) {
            let _ = Chain::parse(&bytes);
        }

        #[test]
        fn a_chain_reads_back_from_its_file(id: [u8; 8], next in 0..1_u64 << 53, prev: [u8; 32]) {
            let chain = Chain { chain_id: Hex(id), next_sequence: next, prev_hash: Hex(prev) };
            let file = serde_json::to_vec(&ChainFile { format: FORMAT, chain }).unwrap();
            prop_assert_eq!(Chain::parse(&file), Some(chain));
        }
    }
}
