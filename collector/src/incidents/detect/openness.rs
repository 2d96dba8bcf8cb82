//! Blocking of a target in a network, and targets that are down everywhere.
use super::Visit;
use super::cusum::{Episode, Walk, walk};
use super::finding::{Finding, Seen};
use super::visits::{Asked, Evidence, evidence, ill_before, input_hash, points};
use std::collections::BTreeMap;
use tonle_evidence::incident::{Kind, Level};
use tonle_evidence::verdict::State;

/// Fewest independent agents of a corroborated claim.
const CORROBORATED_AGENTS: u32 = 3;
/// Fewest hours that it spans.
const CORROBORATED_HOURS: i64 = 6;
/// Part of the conclusive evidence that agrees, thousandths.
const CORROBORATED_AGREEMENT: i64 = 667;
/// Fewest independent agents of a claim about a whole network.
const NETWORK_WIDE_AGENTS: u32 = 5;
/// Fewest provinces of it.
const NETWORK_WIDE_PROVINCES: usize = 2;
/// Fewest networks in which a target fails as it does for the controls.
const SITE_DOWN_NETWORKS: usize = 2;

/// Interference against success. What fails for the controls says nothing of the network.
fn interference(state: State) -> Option<bool> {
    match state {
        State::Blocked | State::LikelyBlocked => Some(true),
        State::Ok => Some(false),
        State::Impaired | State::Down | State::Insufficient => None,
    }
}

/// Failure everywhere against success anywhere.
fn failure_everywhere(state: State) -> Option<bool> {
    match state {
        State::Down => Some(true),
        State::Ok => Some(false),
        State::Blocked | State::LikelyBlocked | State::Impaired | State::Insufficient => None,
    }
}

/// Looks at every target × network, and at every target.
pub(super) fn judge(visits: &[&Visit], seen: &mut Seen) {
    let mut cells: BTreeMap<(&str, &str), Vec<&Visit>> = BTreeMap::new();
    let mut targets: BTreeMap<&str, Vec<&Visit>> = BTreeMap::new();
    for visit in visits.iter().copied() {
        let cell = cells.entry((&visit.target, &visit.network)).or_default();
        cell.push(visit);
        targets.entry(&visit.target).or_default().push(visit);
    }
    for ((target, network), visits) in cells {
        let key = format!("blocking {network} {target}");
        judge_cell(Kind::Blocking, &key, &visits, seen);
    }
    for (target, visits) in targets {
        let is_down = |visit: &&Visit| visit.state == State::Down;
        if visits.iter().any(is_down) {
            judge_cell(
                Kind::SiteDown,
                &format!("site_down {target}"),
                &visits,
                seen,
            );
        }
    }
}

/// Looks at the visits of one cell, in rising order of hours.
pub(super) fn judge_cell(kind: Kind, key: &str, visits: &[&Visit], seen: &mut Seen) {
    let asked: Asked = match kind {
        Kind::SiteDown => failure_everywhere,
        _ => interference,
    };
    let Walk {
        episodes,
        well_since,
    } = walk(&points(visits, asked));
    let found = episodes
        .into_iter()
        .filter_map(|episode| finding(kind, key, visits, asked, episode));
    seen.findings.extend(found);
    if let Some(hour) = well_since {
        seen.well.insert(key.to_owned(), hour);
    }
}

/// An episode that is corroborated; what fewer saw stays in the cells.
fn finding(
    kind: Kind,
    key: &str,
    visits: &[&Visit],
    asked: Asked,
    episode: Episode,
) -> Option<Finding> {
    let ill = ill_before(visits, asked, episode.onset);
    let others: Vec<&Visit> = visits
        .iter()
        .copied()
        .filter(|visit| !ill.contains(&visit.unit))
        .collect();
    let evidence = evidence(&others, asked, episode.onset, episode.end);
    let level = level_of(&evidence)?;
    if kind == Kind::SiteDown && evidence.scope.networks.len() < SITE_DOWN_NETWORKS {
        return None;
    }
    Some(Finding {
        kind,
        key: key.to_owned(),
        onset: episode.onset,
        end: episode.end,
        since_before: episode.since_before,
        level,
        scope: evidence.scope,
        fingerprint: (kind == Kind::Blocking).then_some(evidence.fingerprint),
        agents: evidence.agents,
        agreement_permille: u16::try_from(evidence.agreement).unwrap_or(1_000),
        worse_permille: None,
        histogram: evidence.histogram,
        witnesses: evidence.witnesses,
        input_hash: input_hash(visits),
    })
}

fn level_of(evidence: &Evidence) -> Option<Level> {
    let is_corroborated = evidence.agents >= CORROBORATED_AGENTS
        && evidence.span_h >= CORROBORATED_HOURS
        && evidence.agreement >= CORROBORATED_AGREEMENT;
    let is_wide = evidence.agents >= NETWORK_WIDE_AGENTS
        && evidence.scope.provinces.len() >= NETWORK_WIDE_PROVINCES;
    match (is_corroborated, is_wide) {
        (false, _) => None,
        (true, false) => Some(Level::Corroborated),
        (true, true) => Some(Level::NetworkWide),
    }
}
