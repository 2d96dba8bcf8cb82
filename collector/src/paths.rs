//! What the journal's path records come to under the present rules: `tonle collector paths`.
//!
//! Only records that the rules of `analysis` admit as evidence. No agent is named; how many there
//! were is for whoever runs the collector, and published nowhere.
use crate::analysis::path::{Atlas, Leaves, Registered, Sightings, Verdict, Way, exit, judge};
use crate::analysis::{Ground, admitted};
use crate::cells::received;
use crate::country::Nation;
use crate::ingest::network::NetworkTable;
use crate::journal::{Entry, JournalReader, ReadError};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use tonle_evidence::dsse::types;
use tonle_evidence::entry::EntryKind;
use tonle_evidence::hash::Hash;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::record::{PathClass, Public};
use tonle_evidence::strict_json;

/// Entries read at a time.
const BATCH_ENTRIES: usize = 500;

/// Where a way leaves, and whether the others do as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gateway {
    /// [`exit::RULES`].
    pub rules: &'static str,
    /// The rule that found it.
    pub rule: &'static str,
    /// The pair of ranges.
    #[serde(flatten)]
    pub exit: exit::Exit,
    /// Compared with the other ways of this network in this month.
    pub leaves: Leaves,
}

/// What the rules say of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its place in the journal.
    pub entry_index: u64,
    /// The record.
    pub record_hash: Hash,
    /// The country's month in which it was received.
    pub month: String,
    /// The network it came from, where a table knew it.
    pub network_asn: Option<u32>,
    /// Its target.
    pub target: String,
    /// Where the target's list says that it lies.
    pub declared: PathClass,
    /// Whether the target answered.
    pub reached: bool,
    /// The class of the way.
    pub path: Verdict,
    /// Where it leaves; absent where it does not, or nobody can tell.
    pub gateway: Option<Gateway>,
}

/// The ways of one network in one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The network; absent where no table knew it.
    pub network_asn: Option<u32>,
    /// The month.
    pub month: String,
    /// Ways that leave the country.
    pub leaving: usize,
    /// Of these, ways by the usual exit.
    pub by_the_usual: usize,
    /// The usual exit.
    pub usual: exit::Exit,
}

/// Every path record of a journal, and what they have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paths {
    /// The network table that was used now.
    pub asn_table: Option<String>,
    /// One for each record, in the journal's order.
    pub findings: Vec<Finding>,
    /// Networks and months with ways that leave.
    pub groups: Vec<Group>,
}

type GroupKey = (Option<u32>, String);

/// Judges every path record of the journal.
pub fn judge_all(
    journal: &JournalReader,
    nation: &Nation,
    table: &NetworkTable,
) -> Result<Paths, ReadError> {
    let mut judged = Judged::default();
    let mut next = 0;
    loop {
        let entries = journal.entries_from(next, BATCH_ENTRIES)?;
        let Some(last) = entries.last() else { break };
        next = last.entry_index + 1;
        for entry in &entries {
            judged.take(entry, nation, table);
        }
    }
    Ok(judged.close(table))
}

#[derive(Default)]
struct Judged {
    findings: Vec<Finding>,
    sightings: BTreeMap<GroupKey, Sightings>,
}

impl Judged {
    fn take(&mut self, entry: &Entry, nation: &Nation, table: &NetworkTable) {
        let Some((public, way)) = way_of(entry, &nation.ground) else {
            return;
        };
        let country = &nation.ground.country;
        let lookup = |address: IpAddr| {
            let found = table.lookup(address);
            Registered {
                asn: found.asn,
                country: found.country,
            }
        };
        let atlas = Atlas {
            country,
            exchanges: &nation.exchanges,
            lookup: &lookup,
        };
        let access = access_networks(entry.network.asn, &public, nation);
        let month = LocalHour::at(entry.received_at_us, country.utc_offset_s)
            .day
            .month()
            .to_string();
        let found = exit::of(&way, &access, &atlas);
        let gateway = found.map(|(rule, exit)| Gateway {
            rules: exit::RULES,
            rule,
            exit,
            leaves: Leaves::Only,
        });
        if let (Some(gateway), Some(key)) = (&gateway, &entry.key) {
            let group = (entry.network.asn, month.clone());
            let sightings = self.sightings.entry(group).or_default();
            sightings.add(&gateway.exit, &key.to_string());
        }
        self.findings.push(Finding {
            entry_index: entry.entry_index,
            record_hash: entry.record_hash,
            month,
            network_asn: entry.network.asn,
            target: way.target.clone(),
            declared: way.declared,
            reached: way.reached,
            path: judge(&way, &access, &atlas),
            gateway,
        });
    }

    /// Compares each with the others, now that all are known.
    fn close(mut self, table: &NetworkTable) -> Paths {
        for finding in &mut self.findings {
            let group = (finding.network_asn, finding.month.clone());
            if let (Some(gateway), Some(sightings)) =
                (&mut finding.gateway, self.sightings.get(&group))
            {
                gateway.leaves = sightings.compare(&gateway.exit);
            }
        }
        let group = |((network_asn, month), sightings): (&GroupKey, &Sightings)| {
            let (usual, by_the_usual) = sightings.usual()?;
            Some(Group {
                network_asn: *network_asn,
                month: month.clone(),
                leaving: sightings.ways(),
                by_the_usual,
                usual: usual.clone(),
            })
        };
        Paths {
            asn_table: table.version().map(str::to_owned),
            groups: self.sightings.iter().filter_map(group).collect(),
            findings: self.findings,
        }
    }
}

/// The way of an entry that is admitted as evidence.
fn way_of(entry: &Entry, ground: &Ground) -> Option<(Public, Way)> {
    if entry.kind != EntryKind::Record || entry.payload_type != types::RECORD {
        return None;
    }
    let public: Public = strict_json::parse_as(&entry.public).ok()?;
    admitted(&public, &received(entry), ground).ok()?;
    let way = Way::of(&public)?;
    Some((public, way))
}

/// The networks of the operator of a line: of the network the record came from, else of the one that
/// the volunteer named.
fn access_networks(asn: Option<u32>, public: &Public, nation: &Nation) -> Vec<u32> {
    let country = &nation.ground.country;
    let operator = match asn {
        Some(asn) => country.operator_of(asn),
        None => country
            .operators
            .iter()
            .find(|one| Some(&one.id) == public.operator.declared.as_ref()),
    };
    let mut networks = operator.map_or(Vec::new(), |one| one.asns.clone());
    networks.extend(asn.filter(|asn| !networks.contains(asn)));
    networks
}
