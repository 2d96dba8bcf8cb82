//! Visits of one cell: shares by hour, and what an episode rests on.
use super::cusum::Point;
use super::finding::{MIXED, Scope, WITNESSES_MAX, hash_of_lines};
use super::{Hour, Visit};
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::hash::Hash;
use tonle_evidence::verdict::State;

/// Fewest bad visits of an agent that sees it.
const BAD_VISITS: i64 = 2;

/// What a visit says of the question that is asked: bad, good, or nothing.
pub(super) type Asked = fn(State) -> Option<bool>;

/// Bad and all visits of one agent.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    bad: i64,
    all: i64,
}

impl Tally {
    /// More than one odd visit, and most of all.
    fn sees_it(&self) -> bool {
        self.bad >= BAD_VISITS && self.bad * 2 > self.all
    }
}

/// The mean over agents of their shares of bad visits, thousandths. An agent counts once, however often
/// it asked.
fn share<'a>(tallies: impl ExactSizeIterator<Item = &'a Tally>) -> i64 {
    let count = i64::try_from(tallies.len()).unwrap_or(i64::MAX).max(1);
    let shares = tallies.map(|tally| tally.bad * 1_000 / tally.all.max(1));
    shares.sum::<i64>() / count
}

/// Share by hour, of hours in which anything conclusive was seen.
pub(super) fn points(visits: &[&Visit], asked: Asked) -> Vec<Point> {
    let mut hours: BTreeMap<Hour, BTreeMap<u32, Tally>> = BTreeMap::new();
    for visit in visits {
        let Some(is_bad) = asked(visit.state) else {
            continue;
        };
        let units = hours.entry(visit.hour).or_default();
        let tally = units.entry(visit.unit).or_default();
        tally.bad += i64::from(is_bad);
        tally.all += 1;
    }
    let point = |(hour, units): (Hour, BTreeMap<u32, Tally>)| Point {
        hour,
        share: share(units.values()),
    };
    hours.into_iter().map(point).collect()
}

/// What an episode rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evidence {
    /// Independent agents that saw it.
    pub(super) agents: u32,
    /// Part of the conclusive evidence that agrees, thousandths.
    pub(super) agreement: i64,
    /// Hours from the first bad visit to the last.
    pub(super) span_h: i64,
    pub(super) scope: Scope,
    pub(super) fingerprint: String,
    pub(super) histogram: BTreeMap<String, u64>,
    pub(super) witnesses: Vec<u64>,
}

/// Gathers what was seen from `onset` on, and before `end`.
pub(super) fn evidence(
    visits: &[&Visit],
    asked: Asked,
    onset: Hour,
    end: Option<Hour>,
) -> Evidence {
    let is_in = |hour: Hour| hour >= onset && end.is_none_or(|end| hour < end);
    let within: Vec<&&Visit> = visits.iter().filter(|visit| is_in(visit.hour)).collect();
    let mut units: BTreeMap<u32, Tally> = BTreeMap::new();
    let mut evidence = Evidence {
        agents: 0,
        agreement: 0,
        span_h: 0,
        scope: Scope::default(),
        fingerprint: MIXED.to_owned(),
        histogram: BTreeMap::new(),
        witnesses: Vec::new(),
    };
    let (mut first, mut last) = (Hour::MAX, Hour::MIN);
    for visit in within.iter().copied() {
        let count = evidence.histogram.entry(visit.state.as_str().to_owned());
        *count.or_default() += 1;
        let Some(is_bad) = asked(visit.state) else {
            continue;
        };
        let tally = units.entry(visit.unit).or_default();
        tally.bad += i64::from(is_bad);
        tally.all += 1;
        if !is_bad {
            continue;
        }
        (first, last) = (first.min(visit.hour), last.max(visit.hour));
        evidence.witnesses.push(visit.entry_index);
        evidence.scope.targets.insert(visit.target.to_string());
        evidence.scope.networks.insert(visit.network.to_string());
        if !visit.province.is_empty() {
            evidence.scope.provinces.insert(visit.province.to_string());
        }
    }
    evidence.agreement = share(units.values());
    evidence.span_h = last.saturating_sub(first).saturating_add(1).max(0);
    let saw = units.values().filter(|tally| tally.sees_it()).count();
    evidence.agents = u32::try_from(saw).unwrap_or(u32::MAX);
    let bad = within
        .iter()
        .filter(|visit| asked(visit.state) == Some(true));
    if let Some(print) = common_fingerprint(bad.map(|visit| **visit)) {
        evidence.fingerprint = print;
    }
    evidence.witnesses.sort_unstable();
    evidence.witnesses.truncate(WITNESSES_MAX);
    evidence
}

/// The fingerprint that two thirds of the agents saw.
fn common_fingerprint<'a>(bad: impl Iterator<Item = &'a Visit>) -> Option<String> {
    let (mut prints, mut all) = (BTreeMap::<&str, BTreeSet<u32>>::new(), BTreeSet::new());
    for visit in bad {
        all.insert(visit.unit);
        prints
            .entry(&visit.fingerprint)
            .or_default()
            .insert(visit.unit);
    }
    let (print, units) = prints.into_iter().max_by_key(|(_, units)| units.len())?;
    (units.len() * 3 >= all.len() * 2 && !print.is_empty()).then(|| print.to_owned())
}

/// The hash of all visits of a cell. Agents are numbered in the order of their first entries, so that it
/// depends on nothing but the journal.
pub(super) fn input_hash(visits: &[&Visit]) -> Hash {
    let mut in_order: Vec<&&Visit> = visits.iter().collect();
    in_order.sort_by_key(|visit| visit.entry_index);
    let mut numbers = BTreeMap::new();
    let lines = in_order.into_iter().map(|visit| {
        let next = numbers.len();
        let number = *numbers.entry(visit.unit).or_insert(next);
        format!(
            "{} {} {} {number} {} {} {} {} {}",
            visit.entry_index,
            visit.target,
            visit.network,
            visit.hour,
            visit.province,
            visit.state,
            visit.fingerprint,
            visit.software,
        )
    });
    hash_of_lines(lines.collect())
}

/// Agents for whom most visits before `onset` were bad already, while it was well for the others: what they
/// see has its reason at their own place, such as a filter of the household.
pub(super) fn ill_before(visits: &[&Visit], asked: Asked, onset: Hour) -> BTreeSet<u32> {
    let mut units: BTreeMap<u32, Tally> = BTreeMap::new();
    for visit in visits.iter().filter(|visit| visit.hour < onset) {
        let Some(is_bad) = asked(visit.state) else {
            continue;
        };
        let tally = units.entry(visit.unit).or_default();
        tally.bad += i64::from(is_bad);
        tally.all += 1;
    }
    let ill = units
        .into_iter()
        .filter(|(_, tally)| tally.bad * 2 > tally.all);
    ill.map(|(unit, _)| unit).collect()
}
