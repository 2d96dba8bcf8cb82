//! The records that an incident rests on: read from the journal, judged again, and shown without anything that
//! names a volunteer.
//!
//! 1. Only findings that rest on k independent agents or more have witnesses that are told; see
//!    [`super::published`].
//! 2. A row has what the public half says of target, hour and network, the record's hash, by which anybody who
//!    holds the record finds it, and its place in the journal. It has no province, place, plan or agent.
//! 3. What is said of the record is reckoned anew: whoever doubts the log sees what it rests on today.
use super::detect::group::Incident;
use super::published::is_told;
use crate::analysis::Ground;
use crate::analysis::openness::{PAGE, visit};
use crate::analysis::web::Fingerprints;
use crate::cells::{opened, received};
use crate::journal::{Entry, JournalReader, ReadError};
use serde::Serialize;
use std::collections::BTreeSet;
use tonle_evidence::hash::Hash;
use tonle_evidence::verdict::State;
use utoipa::ToSchema;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EvidenceRow {
    /// Its place in the journal.
    pub entry_index: u64,
    /// SHA-256 of its body, hex.
    #[schema(value_type = String)]
    pub record_hash: Hash,
    /// The country's hour in which it began.
    #[schema(example = "2026-11-10T12")]
    pub local_hour: String,
    /// What was visited.
    pub target: String,
    /// `as` and the number of the network it came from, or an operator's id.
    pub network: String,
    /// What is said of the page.
    #[schema(value_type = String)]
    pub state: State,
    /// Mechanism and artefact; empty where nothing interferes.
    pub fingerprint: String,
}

/// The witness records of an incident in the order of the journal. A record that says nothing any more, by rules
/// that changed since, is none.
pub fn rows(
    incident: &Incident,
    journal: &JournalReader,
    ground: &Ground,
) -> Result<Vec<EvidenceRow>, ReadError> {
    let told = incident.members.values().filter(|finding| is_told(finding));
    let places: BTreeSet<u64> = told.flat_map(|finding| finding.witnesses.clone()).collect();
    let mut rows = Vec::new();
    for place in places {
        let entries = journal.entries_from(place, 1)?;
        let entry = entries.first().filter(|entry| entry.entry_index == place);
        rows.extend(entry.and_then(|entry| row(entry, ground)));
    }
    Ok(rows)
}

fn row(entry: &Entry, ground: &Ground) -> Option<EvidenceRow> {
    let record = opened(entry)?;
    let judged = visit(&record, &received(entry), ground, Fingerprints::built_in());
    let seen = judged.ok().flatten()?;
    let page = seen.said.into_iter().find(|said| said.layer == PAGE)?;
    Some(EvidenceRow {
        entry_index: entry.entry_index,
        record_hash: entry.record_hash,
        local_hour: seen.hour.to_string(),
        target: seen.target,
        network: seen.network,
        state: page.state,
        fingerprint: page.fingerprint,
    })
}
