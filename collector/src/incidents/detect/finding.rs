//! What a detector finds: a dated episode of one cell, with what it rests on.
use super::Hour;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::hash::{Hash, sha256};
use tonle_evidence::incident::{Kind, Level};

/// Most witness records that are named; the rest is counted.
pub const WITNESSES_MAX: usize = 200;
/// Stands for a fingerprint where agents do not agree on one.
pub const MIXED: &str = "mixed";

/// What an incident is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Targets.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub targets: BTreeSet<String>,
    /// Networks: `as` and the number, or an operator's id where the number is not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub networks: BTreeSet<String>,
    /// ISO 3166-2 codes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub provinces: BTreeSet<String>,
    /// Metric ids; of degradations.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub metrics: BTreeSet<String>,
    /// Releases of the agent; of instrument defects.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub software: BTreeSet<String>,
}

/// An episode of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What changed.
    pub kind: Kind,
    /// Names the cell; the same in every window.
    pub key: String,
    /// First hour, hours since the Unix epoch.
    pub onset: Hour,
    /// First hour in which there is positive evidence that it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Hour>,
    /// It may have begun before `onset`: nothing else was seen before.
    #[serde(default)]
    pub since_before: bool,
    /// How well it is corroborated.
    pub level: Level,
    /// What it is about.
    pub scope: Scope,
    /// How it is done: mechanism and artefact; of blocking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Independent agents that it rests on; of outages, those that were expected.
    pub agents: u32,
    /// Part of the conclusive evidence that agrees, thousandths, each agent weighing the same.
    pub agreement_permille: u16,
    /// How much worse than usual, thousandths of the usual; of degradations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worse_permille: Option<i64>,
    /// Records by what is said of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histogram: BTreeMap<String, u64>,
    /// Places of witness records in the journal, at most [`WITNESSES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<u64>,
    /// SHA-256 of every input of the cell in the window.
    pub input_hash: Hash,
}

/// What a window tells: what is wrong, and what is positively well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// First hour that was judged.
    pub from: Hour,
    /// What is wrong or was.
    pub findings: Vec<Finding>,
    /// Cells by key that are well, each with the hour since which.
    pub well: BTreeMap<String, Hour>,
}

impl Scope {
    /// Everything that either is about.
    pub fn merge(&mut self, other: &Self) {
        self.targets.extend(other.targets.iter().cloned());
        self.networks.extend(other.networks.iter().cloned());
        self.provinces.extend(other.provinces.iter().cloned());
        self.metrics.extend(other.metrics.iter().cloned());
        self.software.extend(other.software.iter().cloned());
    }
}

/// The hash of inputs, one per line, in the order of the lines' bytes.
pub(super) fn hash_of_lines(mut lines: Vec<String>) -> Hash {
    lines.sort_unstable();
    sha256(lines.join("\n").as_bytes())
}
