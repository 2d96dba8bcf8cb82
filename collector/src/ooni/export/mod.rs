//! What leaves the journal in OONI's format: one line per measurement, or why there is none.
//!
//! 1. Of a record of `web_connectivity` its public half is written as a measurement (`record`).
//!    Records of other kinds, and what this version cannot read, are not meant.
//! 2. A measurement of an OONI client is given byte for byte; line breaks in it, which can only stand
//!    between its tokens, become spaces.
//! 3. What the scan for addresses finds fault with is withheld.
//! 4. A site that stands on no list of this collector may have been typed by a volunteer: it is
//!    withheld until somebody has looked ([`Export::unlisted`]).
//! 5. Records come in the order of their hour and hash, not in that of the journal, where those of
//!    one agent stand together.
mod events;
mod record;

pub use record::measurement;

use super::scan::{Finding, scan};
use crate::journal::{Entry, JournalReader, ReadError};
use std::collections::{BTreeMap, HashSet};
use tonle_evidence::country::Country;
use tonle_evidence::dsse::types;
use tonle_evidence::entry::{EntryKind, Mark, Provenance};
use tonle_evidence::hash::Hash;
use tonle_evidence::local_time::{LocalDay, LocalHour};
use tonle_evidence::record::{PUBLIC_SCHEMA, Public};
use tonle_evidence::strict_json;
use tonle_wire::ooni::{Measurement, WEB_CONNECTIVITY};

/// Entries read at a time.
const BATCH_ENTRIES: usize = 500;

/// Why something is withheld that was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withheld {
    /// The scan found fault with it.
    Scan(Finding),
    /// Its site stands on no list.
    Unlisted,
}

impl Withheld {
    /// The word as it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scan(finding) => finding.as_str(),
            Self::Unlisted => "unlisted_site",
        }
    }
}

/// How much was written and withheld.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Own records.
    pub records: u64,
    /// Measurements of OONI clients.
    pub ooni: u64,
    /// What was withheld, by reason.
    pub withheld: BTreeMap<Withheld, u64>,
}

/// What is to be exported.
#[derive(Debug)]
pub struct Export<'a> {
    /// Whose clock and operators apply.
    pub country: &'a Country,
    /// Sites that may be named.
    pub listed: HashSet<&'a str>,
    /// Whether other sites may be named too: somebody has looked through them.
    pub unlisted: bool,
    /// First day, by the country's clock: of the measurement for own records, of receipt for others.
    pub since: Option<LocalDay>,
}

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output.
    #[error("write the export: {0}")]
    Write(#[from] std::io::Error),
}

/// Where an own record stands, in the order of rule 5.
type Place = (LocalHour, Hash, u64);

impl Export<'_> {
    /// Gives every line of the journal's export to `write`, without its line break.
    pub fn run(
        &self,
        journal: &JournalReader,
        write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<Tally, ExportError> {
        let mut tally = Tally::default();
        let (mut places, mut next): (Vec<Place>, u64) = (Vec::new(), 0);
        loop {
            let entries = journal.entries_from(next, BATCH_ENTRIES)?;
            let Some(last) = entries.last() else { break };
            next = last.entry_index + 1;
            for entry in &entries {
                places.extend(self.place_of(entry));
                let Some(judged) = self.of_client(entry) else {
                    continue;
                };
                tally.ooni += give(judged, &mut tally.withheld, write)?;
            }
        }
        places.sort_unstable();
        for (_, _, entry_index) in places {
            for entry in journal.entries_from(entry_index, 1)? {
                let Some(judged) = self.of_record(&entry) else {
                    continue;
                };
                tally.records += give(judged, &mut tally.withheld, write)?;
            }
        }
        Ok(tally)
    }

    /// The measurement of an entry that an OONI client made; `None` for other entries.
    fn of_client(&self, entry: &Entry) -> Option<Result<Vec<u8>, Withheld>> {
        if entry.kind != EntryKind::OoniMeasurement {
            return None;
        }
        let received = LocalHour::at(entry.received_at_us, self.country.utc_offset_s);
        if !self.is_meant(received) {
            return None;
        }
        let bytes = &entry.private;
        let input = Measurement::parse(bytes).ok().and_then(|read| read.input);
        Some(self.judge(input.as_deref(), bytes))
    }

    /// Where an own record stands that is meant.
    fn place_of(&self, entry: &Entry) -> Option<Place> {
        let public = public_of(entry)?;
        let hour: LocalHour = public.local_hour.parse().ok()?;
        let place = (hour, entry.record_hash, entry.entry_index);
        self.is_meant(hour).then_some(place)
    }

    fn of_record(&self, entry: &Entry) -> Option<Result<Vec<u8>, Withheld>> {
        let public = public_of(entry)?;
        let made = measurement(&public, &entry.record_hash, &entry.network, self.country);
        Some(self.judge(Some(&public.target.value), made.to_string().as_bytes()))
    }

    fn judge(&self, input: Option<&str>, bytes: &[u8]) -> Result<Vec<u8>, Withheld> {
        let may_be_named = |site: &str| site.is_empty() || self.listed.contains(site);
        if !self.unlisted && !may_be_named(input.unwrap_or_default()) {
            return Err(Withheld::Unlisted);
        }
        scan(bytes).map_err(Withheld::Scan)?;
        Ok(one_line(bytes))
    }

    fn is_meant(&self, hour: LocalHour) -> bool {
        self.since.is_none_or(|since| hour.day >= since)
    }
}

/// 1 for a line that was written.
fn give(
    judged: Result<Vec<u8>, Withheld>,
    withheld: &mut BTreeMap<Withheld, u64>,
    write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<u64, ExportError> {
    match judged {
        Ok(line) => {
            write(&line)?;
            Ok(1)
        }
        Err(reason) => {
            *withheld.entry(reason).or_default() += 1;
            Ok(0)
        }
    }
}

/// The public half of a record that is exported.
fn public_of(entry: &Entry) -> Option<Public> {
    let is_readable = entry.kind == EntryKind::Record
        && entry.payload_type == types::RECORD
        && entry.provenance == Provenance::Signed
        && !entry.marks.contains(&Mark::NewerVersion);
    if !is_readable {
        return None;
    }
    let public: Public = strict_json::parse_as(&entry.public).ok()?;
    let is_visit = public.schema == PUBLIC_SCHEMA && public.method.id == WEB_CONNECTIVITY;
    is_visit.then_some(public)
}

/// Rule 2.
fn one_line(bytes: &[u8]) -> Vec<u8> {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let space = |byte: &u8| if is_break(byte) { b' ' } else { *byte };
    bytes.iter().map(space).collect()
}

#[cfg(test)]
mod tests;
