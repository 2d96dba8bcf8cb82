//! Failures that follow a release of the agent and no network.
//!
//! A release is compared with the others at the same target, in the same network, within six hours: where
//! its agents fail and theirs do not, in two networks at least, the instrument is at fault. Its visits to
//! such a target then say nothing of any network.
use super::finding::{Finding, Scope, Seen, WITNESSES_MAX};
use super::visits::input_hash;
use super::{Hour, Visit};
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::incident::{Kind, Level};
use tonle_evidence::verdict::State;

/// Visits so near in time are compared.
const COMPARED_H: i64 = 6;
/// Fewest independent agents on each side.
const AGENTS: usize = 3;
/// Fewest networks in which both sides were.
const NETWORKS: usize = 2;
/// After so long without a failure it is over.
const OVER_H: i64 = 48;

/// A release at a target.
type Suspect<'a> = (&'a str, &'a str);

/// One side of a comparison: agents by whether they failed.
#[derive(Debug, Default)]
struct Side {
    failing: BTreeSet<u32>,
    all: BTreeSet<u32>,
}

#[derive(Debug, Default)]
struct Comparison<'a> {
    own: Side,
    others: Side,
    networks: BTreeSet<&'a str>,
}

impl Side {
    fn add(&mut self, visit: &Visit) {
        self.all.insert(visit.unit);
        if visit.state.is_blocking() {
            self.failing.insert(visit.unit);
        }
    }
}

impl Comparison<'_> {
    fn is_defect(&self) -> bool {
        let enough = self.own.all.len() >= AGENTS
            && self.others.all.len() >= AGENTS
            && self.networks.len() >= NETWORKS;
        enough
            && self.own.failing.len() * 3 >= self.own.all.len() * 2
            && self.others.failing.len() * 3 <= self.others.all.len()
    }
}

/// Finds defects, and gives the visits that say something of a network.
pub(super) fn judge<'a>(visits: &'a [Visit], now: Hour, seen: &mut Seen) -> Vec<&'a Visit> {
    let defects = suspects(visits);
    let mut of_release: BTreeMap<&str, Vec<&Visit>> = BTreeMap::new();
    let mut rest = Vec::with_capacity(visits.len());
    for visit in visits {
        let suspect: Suspect<'_> = (&visit.software, &visit.target);
        match defects.get(&suspect) {
            Some(from) if visit.hour >= *from => {
                of_release.entry(&visit.software).or_default().push(visit);
            }
            _ => rest.push(visit),
        }
    }
    let found = of_release
        .into_iter()
        .filter_map(|(release, visits)| finding(release, &visits, now));
    seen.findings.extend(found);
    rest
}

/// Releases and targets that do not go together, each with the hour from which.
fn suspects(visits: &[Visit]) -> BTreeMap<Suspect<'_>, Hour> {
    let conclusive = visits
        .iter()
        .filter(|visit| visit.state == State::Ok || visit.state.is_blocking());
    let mut near: BTreeMap<(&str, &str, Hour), Vec<&Visit>> = BTreeMap::new();
    for visit in conclusive {
        let block = visit.hour.div_euclid(COMPARED_H);
        let place = (&*visit.target, &*visit.network, block);
        near.entry(place).or_default().push(visit);
    }
    let mut days: BTreeMap<(Suspect<'_>, Hour), Comparison<'_>> = BTreeMap::new();
    for ((target, network, block), visits) in near {
        let releases: BTreeSet<&str> = visits.iter().map(|visit| &*visit.software).collect();
        if releases.len() < 2 {
            continue;
        }
        for release in releases {
            let day = (block * COMPARED_H).div_euclid(24);
            let comparison = days.entry(((release, target), day)).or_default();
            comparison.networks.insert(network);
            for visit in &visits {
                let side = if &*visit.software == release {
                    &mut comparison.own
                } else {
                    &mut comparison.others
                };
                side.add(visit);
            }
        }
    }
    let mut suspects = BTreeMap::new();
    for ((suspect, day), comparison) in days {
        if comparison.is_defect() {
            suspects.entry(suspect).or_insert(day * 24);
        }
    }
    suspects
}

fn finding(release: &str, visits: &[&Visit], now: Hour) -> Option<Finding> {
    let failing = || visits.iter().filter(|visit| visit.state.is_blocking());
    let onset = failing().map(|visit| visit.hour).min()?;
    let last = failing().map(|visit| visit.hour).max()?;
    let mut scope = Scope::default();
    scope.software.insert(release.to_owned());
    let (mut agents, mut histogram) = (BTreeSet::new(), BTreeMap::new());
    for visit in visits {
        let count = histogram.entry(visit.state.as_str().to_owned());
        *count.or_default() += 1;
    }
    for visit in failing() {
        agents.insert(visit.unit);
        scope.targets.insert(visit.target.to_string());
        scope.networks.insert(visit.network.to_string());
    }
    let all: BTreeSet<u32> = visits.iter().map(|visit| visit.unit).collect();
    let mut witnesses: Vec<u64> = failing().map(|visit| visit.entry_index).collect();
    witnesses.sort_unstable();
    witnesses.truncate(WITNESSES_MAX);
    Some(Finding {
        kind: Kind::InstrumentDefect,
        key: format!("instrument_defect {release}"),
        onset,
        end: (now - last > OVER_H).then_some(last + 1),
        since_before: false,
        level: Level::Corroborated,
        scope,
        fingerprint: None,
        agents: u32::try_from(agents.len()).unwrap_or(u32::MAX),
        agreement_permille: u16::try_from(agents.len() * 1_000 / all.len().max(1)).unwrap_or(1_000),
        worse_permille: None,
        histogram,
        witnesses,
        input_hash: input_hash(visits),
    })
}
