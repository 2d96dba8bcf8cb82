//! Pure: findings become incidents, and are held against those that the log knows.
//!
//! 1. Findings of one kind whose onsets lie within two hours of the first (three for outages, which are
//!    seen in blocks of three) are one incident; blockings also need one fingerprint.
//! 2. A finding of a cell that an incident already holds, and that overlaps it, is that incident's.
//! 3. Nothing is closed for want of data: a member ends when its detector says so, or when its cell is
//!    positively well.
//! 4. An entry is due only when the substance differs: state, times, level, scope or fingerprint. Counts
//!    that grow are none.
use super::finding::{Finding, MIXED, Scope, Seen};
use super::{Hour, RULES};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::hash::{Hash, sha256};
use tonle_evidence::incident::{Event, Kind, Level};

/// Networks with one fingerprint at one time, for a hypothesis of a gateway.
pub const GATEWAY_NETWORKS: usize = 3;
/// Hours within which onsets are one.
const TOGETHER_H: Hour = 2;
/// The same of outages.
const OUTAGES_TOGETHER_H: Hour = 3;
/// So soon after a window's beginning what it sees still depends on what it does not.
const SETTLES_H: Hour = 48;
/// Letters of an id.
const ID_LETTERS: usize = 16;

/// A grouped, dated change, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name: from kind, cell and onset of its first finding, so that whoever recomputes it finds it.
    pub id: String,
    /// What changed.
    pub kind: Kind,
    /// First hour, hours since the Unix epoch.
    pub onset: Hour,
    /// First hour in which it is over for every cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Hour>,
    /// It may have begun before `onset`.
    #[serde(default)]
    pub since_before: bool,
    /// How well it is corroborated.
    pub level: Level,
    /// What it is about.
    pub scope: Scope,
    /// What its blockings have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Rules that found it.
    pub rules: String,
    /// SHA-256 over the input hashes of its findings, in the order of their keys.
    pub input_hash: Hash,
    /// Its findings by cell.
    pub members: BTreeMap<String, Finding>,
}

/// An entry that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it says.
    pub event: Event,
    /// The incident as it is now.
    pub incident: Incident,
}

impl Incident {
    fn of(members: BTreeMap<String, Finding>) -> Option<Self> {
        let first = members
            .values()
            .min_by_key(|finding| (finding.onset, &finding.key))?;
        let name = format!("{} {} {}", first.kind, first.key, first.onset);
        let mut id = sha256(name.as_bytes()).to_string();
        id.truncate(ID_LETTERS);
        let mut incident = Self {
            id,
            kind: first.kind,
            onset: first.onset,
            end: None,
            since_before: first.since_before,
            level: first.level,
            scope: Scope::default(),
            fingerprint: first.fingerprint.clone(),
            rules: RULES.to_owned(),
            input_hash: Hash::ZERO,
            members,
        };
        incident.bring_up_to_date();
        Some(incident)
    }

    /// Everything that follows from the members.
    fn bring_up_to_date(&mut self) {
        let members = || self.members.values();
        let mut scope = Scope::default();
        members().for_each(|member| scope.merge(&member.scope));
        let ends: Option<Vec<Hour>> = members().map(|member| member.end).collect();
        let hashes: Vec<String> = members()
            .map(|member| member.input_hash.to_string())
            .collect();
        let own = members().map(|member| member.level).max();
        let level = if self.is_at_a_gateway() {
            Level::GatewayHypothesis
        } else {
            own.unwrap_or(Level::Observed)
        };
        self.input_hash = sha256(hashes.join("\n").as_bytes());
        self.end = ends.and_then(|ends| ends.into_iter().max());
        (self.scope, self.level) = (scope, level);
        RULES.clone_into(&mut self.rules);
    }

    /// One fingerprint in networks that are known by their numbers.
    fn is_at_a_gateway(&self) -> bool {
        let is_one = self
            .fingerprint
            .as_deref()
            .is_some_and(|print| print != MIXED);
        let networks: BTreeSet<&String> = self
            .members
            .values()
            .flat_map(|member| &member.scope.networks)
            .filter(|network| is_numbered(network))
            .collect();
        self.kind == Kind::Blocking && is_one && networks.len() >= GATEWAY_NETWORKS
    }

    /// True when the log need not hear of the difference.
    fn says_the_same(&self, other: &Self) -> bool {
        let substance = |one: &Self| (one.onset, one.end, one.since_before, one.level);
        substance(self) == substance(other)
            && self.scope == other.scope
            && self.fingerprint == other.fingerprint
    }

    fn holds(&self, finding: &Finding) -> bool {
        let Some(own) = self.members.get(&finding.key) else {
            return false;
        };
        let begins_before_own_end = own.end.is_none_or(|end| finding.onset < end);
        let ends_after_own_onset = finding.end.is_none_or(|end| end > own.onset);
        begins_before_own_end && ends_after_own_onset
    }

    fn takes_in(&self, finding: &Finding) -> bool {
        let alike = self.kind == finding.kind
            && self.fingerprint == finding.fingerprint
            && self.fingerprint.as_deref() != Some(MIXED)
            && !self.members.contains_key(&finding.key);
        let together = match self.kind {
            Kind::Outage => OUTAGES_TOGETHER_H,
            _ => TOGETHER_H,
        };
        alike && (finding.onset - self.onset).abs() <= together
    }

    /// Takes a member's newest finding. A window that begins about its onset, or later, sees a part of it
    /// only: then its onset stays, what was known of it is added to, and what has ended has.
    fn update(&mut self, mut finding: Finding, from: Hour) {
        let before = self.members.get(&finding.key);
        if let Some(before) = before.filter(|before| before.onset < from + SETTLES_H) {
            if before.end.is_some() {
                return;
            }
            finding.onset = before.onset;
            finding.since_before = before.since_before;
            finding.level = finding.level.max(before.level);
            finding.agents = finding.agents.max(before.agents);
            finding.scope.merge(&before.scope);
            finding.fingerprint.clone_from(&before.fingerprint);
        }
        self.members.insert(finding.key.clone(), finding);
    }
}

fn is_numbered(network: &str) -> bool {
    let number = network.strip_prefix("as");
    number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// What the log is owed after a window, of the incidents that it knows.
#[must_use]
pub fn reconcile(known: &[Incident], seen: &Seen) -> Vec<Change> {
    let mut now: Vec<Incident> = known.to_vec();
    let mut fresh: Vec<Finding> = Vec::new();
    for finding in &seen.findings {
        let holder = now.iter_mut().find(|incident| incident.holds(finding));
        match holder {
            Some(incident) => incident.update(finding.clone(), seen.from),
            None => fresh.push(finding.clone()),
        }
    }
    for incident in &mut now {
        close_what_is_well(incident, &seen.well);
    }
    fresh.sort_by_key(|finding| (finding.onset, finding.key.clone()));
    for finding in fresh {
        let open = now.iter_mut().find(|incident| incident.takes_in(&finding));
        match open {
            Some(incident) => incident.update(finding, seen.from),
            None => now.extend(Incident::of([(finding.key.clone(), finding)].into())),
        }
    }
    now.into_iter()
        .enumerate()
        .filter_map(|(index, incident)| change(known.get(index), incident))
        .collect()
}

/// An incident that `before` is the last known state of.
fn change(before: Option<&Incident>, mut incident: Incident) -> Option<Change> {
    let first = incident.members.values().map(|member| member.onset).min()?;
    incident.onset = first;
    incident.bring_up_to_date();
    let event = match before {
        None => Event::Opened,
        Some(before) if incident.says_the_same(before) => return None,
        Some(before) if before.end.is_none() && incident.end.is_some() => Event::Closed,
        Some(_) => Event::Changed,
    };
    Some(Change { event, incident })
}

/// A cell that is well since after its member began has ended, if the window shows no episode of it any
/// more.
fn close_what_is_well(incident: &mut Incident, well: &BTreeMap<String, Hour>) {
    for member in incident.members.values_mut() {
        let since = well.get(&member.key);
        if let Some(since) = since.filter(|_| member.end.is_none()) {
            member.end = Some((*since).max(member.onset));
        }
    }
}
