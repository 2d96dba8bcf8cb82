//! Continuity of chains: which places are empty, and which record does not follow the one before.
//!
//! None of it is a forgery by itself: a spool that was full has gaps, a restored backup or a cloned
//! card has conflicts. It is stated, so that a reader knows what is missing.
use crate::check::Link;
use serde::Serialize;
use std::collections::BTreeMap;
use tonle_evidence::hash::{Hash, Hex, Id64, PublicKey};

/// The chains met so far.
#[derive(Debug, Default)]
pub struct Chains {
    chains: BTreeMap<(PublicKey, Id64), BTreeMap<u64, Vec<Place>>>,
}

#[derive(Debug)]
struct Place {
    hash: Hash,
    prev_hash: Hash,
}

/// What is known of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainFacts {
    /// The agent's key.
    pub key: PublicKey,
    /// The chain.
    pub chain_id: Id64,
    /// Distinct records of it.
    pub records: u64,
    /// Lowest place seen.
    pub first: u64,
    /// Highest place seen.
    pub last: u64,
    /// Runs of places between `first` and `last` without a record, each (from, to) inclusive.
    pub gaps: Vec<(u64, u64)>,
    /// Places whose record does not name the record before it.
    pub breaks: Vec<u64>,
    /// Places that more than one record claims.
    pub conflicts: Vec<u64>,
}

impl ChainFacts {
    /// True when every record of `first..=last` is here, once, and follows the one before.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.gaps.is_empty() && self.breaks.is_empty() && self.conflicts.is_empty()
    }
}

impl Chains {
    /// Takes a record in. Returns false when it was there already.
    pub fn add(&mut self, hash: Hash, link: &Link) -> bool {
        let chain = self.chains.entry((link.key, link.chain_id)).or_default();
        let places = chain.entry(link.sequence).or_default();
        if places.iter().any(|place| place.hash == hash) {
            return false;
        }
        places.push(Place {
            hash,
            prev_hash: link.prev_hash,
        });
        true
    }

    /// What is known of every chain, by key and chain.
    #[must_use]
    pub fn facts(&self) -> Vec<ChainFacts> {
        self.chains
            .iter()
            .filter_map(|((key, chain_id), chain)| facts_of(*key, *chain_id, chain))
            .collect()
    }
}

fn facts_of(
    key: PublicKey,
    chain_id: Id64,
    chain: &BTreeMap<u64, Vec<Place>>,
) -> Option<ChainFacts> {
    let (first, _) = chain.first_key_value()?;
    let (last, _) = chain.last_key_value()?;
    let mut facts = ChainFacts {
        key,
        chain_id,
        records: chain.values().map(|places| places.len() as u64).sum(),
        first: *first,
        last: *last,
        gaps: Vec::new(),
        breaks: Vec::new(),
        conflicts: Vec::new(),
    };
    let mut before: Option<(u64, &[Place])> = None;
    for (sequence, places) in chain {
        if places.len() > 1 {
            facts.conflicts.push(*sequence);
        }
        match before {
            Some((earlier, _)) if earlier + 1 < *sequence => {
                facts.gaps.push((earlier + 1, sequence - 1));
            }
            Some((_, earlier)) if !follow(places, earlier) => facts.breaks.push(*sequence),
            None if *sequence == 0 && !begin(places) => facts.breaks.push(0),
            _ => {}
        }
        before = Some((*sequence, places));
    }
    Some(facts)
}

/// True when each of the records names one of those at the place before.
fn follow(places: &[Place], before: &[Place]) -> bool {
    let names_one = |place: &Place| before.iter().any(|earlier| earlier.hash == place.prev_hash);
    places.iter().all(names_one)
}

/// True when each of the records names none before it.
fn begin(places: &[Place]) -> bool {
    places.iter().all(|place| place.prev_hash == Hex::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tonle_evidence::hash::sha256;

    fn hash(sequence: u64) -> Hash {
        sha256(&sequence.to_be_bytes())
    }

    fn link(sequence: u64) -> Link {
        let prev_hash = sequence.checked_sub(1).map_or(Hex::ZERO, hash);
        Link {
            key: Hex([1; 32]),
            chain_id: Hex([2; 8]),
            sequence,
            prev_hash,
        }
    }

    fn chain_of(sequences: &[u64]) -> ChainFacts {
        let mut chains = Chains::default();
        for sequence in sequences {
            chains.add(hash(*sequence), &link(*sequence));
        }
        chains.facts().remove(0)
    }

    #[test]
    fn a_chain_without_holes_is_whole_in_any_order() {
        assert!(chain_of(&[3, 1, 0, 2]).is_whole());
    }

    #[test]
    fn missing_places_are_gaps_and_not_breaks() {
        let facts = chain_of(&[0, 1, 4, 7, 8]);
        assert_eq!(facts.gaps, [(2, 3), (5, 6)]);
        assert_eq!(facts.breaks, Vec::<u64>::new());
    }

    #[test]
    fn a_record_that_names_another_before_it_is_a_break() {
        let mut chains = Chains::default();
        chains.add(hash(0), &link(0));
        chains.add(
            hash(1),
            &Link {
                prev_hash: hash(9),
                ..link(1)
            },
        );
        assert_eq!(chains.facts()[0].breaks, [1]);
    }

    #[test]
    fn a_first_record_that_names_one_before_it_is_a_break() {
        let mut chains = Chains::default();
        chains.add(
            hash(0),
            &Link {
                prev_hash: hash(9),
                ..link(0)
            },
        );
        assert_eq!(chains.facts()[0].breaks, [0]);
    }

    #[test]
    fn two_records_at_one_place_are_a_conflict_and_a_repeated_one_is_not() {
        let mut chains = Chains::default();
        assert!(chains.add(hash(0), &link(0)));
        assert!(!chains.add(hash(0), &link(0)));
        assert!(chains.facts()[0].is_whole());
        assert!(chains.add(hash(5), &link(0)));
        assert_eq!(chains.facts()[0].conflicts, [0]);
    }

    proptest! {
        #[test]
        fn gaps_and_records_together_fill_the_chain(sequences in proptest::collection::btree_set(0u64..60, 1..40)) {
            let facts = chain_of(&sequences.iter().copied().collect::<Vec<_>>());
            let missing: u64 = facts.gaps.iter().map(|(from, to)| to - from + 1).sum();
            prop_assert_eq!(facts.records + missing, facts.last - facts.first + 1);
        }
    }
}
