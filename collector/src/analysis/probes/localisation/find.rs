//! The place: the hop from which on the target's name alone fares as it does the whole way.
use super::REPEATS_MIN;
use super::facts::{Fate, Hop, Probe, Walk, always};

/// How the target's name fares the whole way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    /// Cut off.
    Cut,
    /// Swallowed.
    Silence,
}

/// Where somebody interferes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The nearest hop that it can be.
    pub(super) first: i64,
    /// The farthest; the same where the place is exact.
    pub(super) last: i64,
    /// The hop at which the server answers the neutral name, where messages went so far.
    pub(super) server: Option<i64>,
    pub(super) is_at_server: bool,
    pub(super) copies_ttl: bool,
    /// What shows the place.
    pub(super) at: Vec<String>,
    /// What shows that messages go no farther.
    pub(super) in_path: Vec<String>,
    /// What shows that they go on.
    pub(super) on_path: Vec<String>,
}

fn is_heard(fate: Fate) -> bool {
    matches!(fate, Fate::Answered | Fate::Ended)
}

/// Whether messages under the target's name vanish where others do not.
fn vanishes(hop: &Hop) -> bool {
    always(&hop.target, REPEATS_MIN, |fate| fate == Fate::Silent)
        && always(&hop.neutral, REPEATS_MIN, is_heard)
}

/// Whether the target's name is cut off here each time, and the neutral one never.
fn is_cut(hop: &Hop) -> bool {
    let is_neutral_cut = hop.neutral.iter().any(|one| one.fate == Fate::Cut);
    !is_neutral_cut && always(&hop.target, REPEATS_MIN, |fate| fate == Fate::Cut)
}

/// Whether something is heard of the target's name that an interference would not leave.
fn is_heard_of(hop: &Hop) -> bool {
    hop.target.iter().any(|one| is_heard(one.fate))
}

/// Whether hops speak against one place: interference before it, or none behind it.
pub(super) fn contradicts(walk: &Walk, sought: Sought) -> bool {
    let cut = |hop: &Hop| hop.target.iter().any(|one| one.fate == Fate::Cut);
    match sought {
        Sought::Silence => {
            let start = walk.hops.iter().find(|(_, hop)| vanishes(hop));
            let is_cut = walk.hops.values().any(cut);
            let goes_on = |(start, _)| walk.hops.range(start..).any(|(_, hop)| is_heard_of(hop));
            is_cut || start.is_some_and(goes_on)
        }
        Sought::Cut => {
            let start = walk.hops.iter().find(|(_, hop)| is_cut(hop));
            let Some((start, _)) = start else {
                return walk.hops.values().any(cut);
            };
            let is_early = walk.hops.range(..start).any(|(_, hop)| cut(hop));
            is_early || walk.hops.range(start..).any(|(_, hop)| !is_cut(hop))
        }
    }
}

/// The place, where the hops agree on one.
pub(super) fn place(walk: &Walk, sought: Sought) -> Option<Place> {
    if contradicts(walk, sought) {
        return None;
    }
    let answered = |hop: &Hop| hop.neutral.iter().any(|one| one.fate == Fate::Answered);
    let server = walk.hops.iter().find(|(_, hop)| answered(hop));
    let server = server.map(|(ttl, _)| *ttl);
    match sought {
        Sought::Silence => of_silence(walk, server),
        Sought::Cut => of_cut(walk, server),
    }
}

/// The hops between the last that is heard of and the first at which messages vanish.
fn vanishing(walk: &Walk) -> Option<(i64, i64)> {
    let (last, _) = walk.hops.iter().find(|(_, hop)| vanishes(hop))?;
    let before = walk.hops.range(..last);
    let heard = before.rev().find(|(_, hop)| is_heard_of(hop));
    Some((heard.map_or(1, |(ttl, _)| ttl + 1), *last))
}

fn of_silence(walk: &Walk, server: Option<i64>) -> Option<Place> {
    let (first, last) = vanishing(walk)?;
    let is_at_server = server.is_some_and(|server| first >= server);
    // Silent routers before the server: whether it is the server itself is not known.
    let is_vague = !is_at_server && server.is_some_and(|server| last >= server);
    let at = between(walk, first - 1, last);
    let found = Place {
        first,
        last,
        server,
        is_at_server,
        copies_ttl: false,
        in_path: at.clone(),
        at,
        on_path: Vec::new(),
    };
    (!is_vague).then_some(found)
}

fn of_cut(walk: &Walk, server: Option<i64>) -> Option<Place> {
    let (cut, _) = walk.hops.iter().find(|(_, hop)| is_cut(hop))?;
    let vanishing = vanishing(walk).filter(|(_, last)| last < cut);
    let is_beyond = server.is_some_and(|server| *cut > server);
    let (first, last) = match vanishing {
        Some(vanishing) => vanishing,
        // A reset with the TTL that was left at hop k must last for k − 1 routers back: 2k − 1.
        None if is_beyond => ((cut + 1) / 2, (cut + 1) / 2),
        None => (*cut, *cut),
    };
    let copies_ttl = vanishing.is_some() || is_beyond;
    let mut at = between(walk, first - 1, last);
    at.extend(between(walk, *cut, *cut));
    let beside = |probe: &&Probe| probe.is_beside;
    let targets = |hop: &Hop| -> Vec<String> {
        let beside = hop.target.iter().filter(beside);
        beside.map(|probe| probe.at.clone()).collect()
    };
    let on_path = walk.hops.values().chain([&walk.whole]).flat_map(targets);
    let (on_path, in_path) = match vanishing {
        Some(_) => (Vec::new(), between(walk, first, last)),
        None => (on_path.collect(), Vec::new()),
    };
    Some(Place {
        first,
        last,
        server,
        is_at_server: server.is_some_and(|server| first >= server),
        copies_ttl,
        at,
        in_path,
        on_path,
    })
}

/// Where the messages of these hops stand, and the routers there.
fn between(walk: &Walk, first: i64, last: i64) -> Vec<String> {
    let hops = walk.hops.range(first..=last);
    let probes = hops.flat_map(|(_, hop)| hop.pointers());
    let routers = walk.routers.range(first..=last);
    probes
        .chain(routers.map(|(_, router)| router.at.clone()))
        .collect()
}
