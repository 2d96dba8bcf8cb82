//! What of an incident may be told. API and alerts show this and nothing beside it.
//!
//! A finding that rests on fewer than k independent agents is told by target, network and day: no province, no
//! hour, no witness, no count but "1–4".
use super::detect::group::Incident;
use super::detect::{Finding, Hour, Scope};
use super::log::{Logged, Reply};
use crate::statements::Rules;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::local_time::LocalHour;
use utoipa::ToSchema;

/// Stands for a number of agents that is not told.
pub const FEW: &str = "1–4";

const HOUR_US: i64 = 3_600_000_000;

/// What an incident is about; what does not apply is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScopeView {
    /// Targets.
    pub targets: BTreeSet<String>,
    /// Networks: `as` and the number, or an operator's id.
    pub networks: BTreeSet<String>,
    /// ISO 3166-2 codes; none of findings that rest on fewer than five agents.
    pub provinces: BTreeSet<String>,
    /// Metric ids; of degradations.
    pub metrics: BTreeSet<String>,
    /// Releases of the agent; of instrument defects.
    pub software: BTreeSet<String>,
}

/// What was found of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FindingView {
    /// What it is about.
    pub scope: ScopeView,
    /// First hour, or day where fewer than five agents stand behind it; local time.
    #[schema(example = "2026-11-10T12")]
    pub onset: String,
    /// First hour or day in which there is positive evidence that it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// It may have begun before.
    pub since_before: bool,
    /// `corroborated` or `network_wide`.
    pub level: &'static str,
    /// Independent agents behind it (of outages: that were expected), or `1–4`.
    pub agents: String,
    /// Part of the conclusive evidence that agrees, thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_permille: Option<u16>,
    /// How bad it is, thousandths of what is usual; of degradations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worse_permille: Option<i64>,
    /// Records by what is said of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<BTreeMap<String, u64>>,
    /// Places of witness records in the journal, at most 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witnesses: Option<Vec<u64>>,
    /// SHA-256 of every input of the cell in the window.
    pub input_hash: String,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncidentView {
    /// Its id.
    #[schema(example = "0f3b6c1d2e4a5968")]
    pub id: String,
    /// `blocking`, `outage`, `degradation`, `site_down` or `instrument_defect`.
    pub kind: &'static str,
    /// True where something is said of a network, and not of a site or of the agents' program.
    pub of_the_line: bool,
    /// `open` or `closed`.
    pub state: &'static str,
    /// First hour, or day where fewer than five agents stand behind a finding; local time.
    #[schema(example = "2026-11-10T12")]
    pub onset: String,
    /// First hour or day in which there is positive evidence that it is over everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// It may have begun before.
    pub since_before: bool,
    /// `corroborated`, `network_wide` or `gateway_hypothesis`.
    pub level: &'static str,
    /// What it is about.
    pub scope: ScopeView,
    /// Mechanism and artefact that its findings share; `mixed` where agents saw several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Rules that found it.
    pub rules: String,
    /// SHA-256 over the hashes of the inputs of its findings.
    pub input_hash: String,
    /// What was found, by cell.
    pub findings: Vec<FindingView>,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EntryView {
    /// Its place, from 1.
    pub sequence: u64,
    /// `opened`, `changed` or `closed`.
    pub event: &'static str,
    /// When, local hour of the country.
    pub at: String,
    /// SHA-256 over the entry before and this one.
    pub hash: String,
}

/// A signed reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReplyView {
    /// When it was attached, local hour of the country.
    pub at: String,
    /// Whose.
    pub name: String,
    /// `operator` or `authority`.
    pub role: String,
    /// The key that signed it, hex.
    pub key: String,
    /// What it says.
    pub text: String,
    /// The signed document: `body` and `sig`, base64.
    pub document: String,
}

/// What of an incident may be told, on a clock `utc_offset_s` east of UTC.
#[must_use]
pub fn publish(incident: &Incident, utc_offset_s: i32) -> IncidentView {
    let findings: Vec<FindingView> = incident
        .members
        .values()
        .map(|finding| finding_view(finding, utc_offset_s))
        .collect();
    let mut scope = ScopeView::default();
    for finding in &findings {
        scope.add(&finding.scope);
    }
    let is_told = incident.members.values().all(is_told);
    IncidentView {
        id: incident.id.clone(),
        kind: incident.kind.as_str(),
        of_the_line: incident.kind.is_of_the_line(),
        state: if incident.end.is_some() {
            "closed"
        } else {
            "open"
        },
        onset: time(incident.onset, is_told, utc_offset_s),
        end: incident.end.map(|end| time(end, is_told, utc_offset_s)),
        since_before: incident.since_before,
        level: incident.level.as_str(),
        scope,
        fingerprint: incident.fingerprint.clone(),
        rules: incident.rules.clone(),
        input_hash: incident.input_hash.to_string(),
        findings,
    }
}

/// Whether enough agents stand behind a finding for counts, hours and provinces.
pub(super) fn is_told(finding: &Finding) -> bool {
    Rules::PUBLISHED.tells(usize::try_from(finding.agents).unwrap_or(usize::MAX))
}

fn finding_view(finding: &Finding, utc_offset_s: i32) -> FindingView {
    let is_told = is_told(finding);
    FindingView {
        scope: ScopeView::of(&finding.scope, is_told),
        onset: time(finding.onset, is_told, utc_offset_s),
        end: finding.end.map(|end| time(end, is_told, utc_offset_s)),
        since_before: finding.since_before,
        level: finding.level.as_str(),
        agents: if is_told {
            finding.agents.to_string()
        } else {
            FEW.to_owned()
        },
        agreement_permille: is_told.then_some(finding.agreement_permille),
        worse_permille: finding.worse_permille.filter(|_| is_told),
        records: (is_told && !finding.histogram.is_empty()).then(|| finding.histogram.clone()),
        witnesses: (is_told && !finding.witnesses.is_empty()).then(|| finding.witnesses.clone()),
        input_hash: finding.input_hash.to_string(),
    }
}

fn time(hour: Hour, is_told: bool, utc_offset_s: i32) -> String {
    let at = LocalHour::at(hour.saturating_mul(HOUR_US), utc_offset_s);
    if is_told {
        at.to_string()
    } else {
        at.day.to_string()
    }
}

impl ScopeView {
    fn of(scope: &Scope, is_told: bool) -> Self {
        Self {
            targets: scope.targets.clone(),
            networks: scope.networks.clone(),
            provinces: if is_told {
                scope.provinces.clone()
            } else {
                BTreeSet::new()
            },
            metrics: scope.metrics.clone(),
            software: scope.software.clone(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.targets.extend(other.targets.iter().cloned());
        self.networks.extend(other.networks.iter().cloned());
        self.provinces.extend(other.provinces.iter().cloned());
        self.metrics.extend(other.metrics.iter().cloned());
        self.software.extend(other.software.iter().cloned());
    }
}

impl EntryView {
    /// An entry without what it says of the incident.
    #[must_use]
    pub fn of(logged: &Logged, utc_offset_s: i32) -> Self {
        Self {
            sequence: logged.sequence,
            event: logged.event.as_str(),
            at: LocalHour::at(logged.at_us, utc_offset_s).to_string(),
            hash: logged.hash.to_string(),
        }
    }
}

impl ReplyView {
    /// A reply as it is shown.
    #[must_use]
    pub fn of(reply: &Reply, utc_offset_s: i32) -> Self {
        Self {
            at: LocalHour::at(reply.at_us, utc_offset_s).to_string(),
            name: reply.name.clone(),
            role: reply.role.clone(),
            key: reply.key.to_string(),
            text: reply.text.clone(),
            document: reply.document.clone(),
        }
    }
}
