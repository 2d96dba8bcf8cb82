//! Where on the way somebody interferes with a name, by first messages that end at each hop (`CenTrace`,
//! Raman et al. 2022; OONI ts-037).
//!
//! A message of TTL n passes n − 1 routers. What it meets at hop n and not before stands behind router
//! n − 1, or is that router: one that filters counts a packet down first.
mod facts;
mod find;
#[cfg(test)]
mod tests;

use super::finding::Finding;
use super::{Rule, Said};
use facts::{Fate, Walk, always};
use find::{Place, Sought};
use serde_json::{Value, json};
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::{Mechanism, Reason};

/// Times that each name must have been shown: what comes once is chance.
const REPEATS_MIN: usize = 2;
/// A box up to here may be the volunteer's own router: it is what stands before hop 2.
const HOME_HOPS: i64 = 2;

const LOCATED: Rule = Rule {
    id: "localisation.located",
    version: 1,
    about: "the target's name alone is cut off or swallowed, each time, from a hop on that lies before the server",
};
const COPIED_TTL: Rule = Rule {
    id: "localisation.copied_ttl",
    version: 1,
    about: "resets come only from farther on than messages vanish or the server stands, so they carry the TTL that was left",
};
const AT_SERVER: Rule = Rule {
    id: "localisation.at_server",
    version: 1,
    about: "the target's name is interfered with no sooner than where the server answers, which may do so itself",
};
const AT_HOME: Rule = Rule {
    id: "localisation.at_home",
    version: 1,
    about: "the target's name is interfered with so near that it may be done by the volunteer's own router",
};
const UNANSWERED: Rule = Rule {
    id: "localisation.unanswered",
    version: 1,
    about: "routers say too little of messages that end there for a place",
};
const UNSTEADY: Rule = Rule {
    id: "localisation.unsteady",
    version: 1,
    about: "messages under one name fare now so and now otherwise, or were too few",
};
const ALIKE: Rule = Rule {
    id: "localisation.alike",
    version: 1,
    about: "messages under a neutral name are not answered either, so the name is not the reason",
};
const NOTHING: Rule = Rule {
    id: "localisation.nothing",
    version: 1,
    about: "the target's name is answered as the neutral one is, so there is nothing to locate",
};
const IN_PATH: Rule = Rule {
    id: "localisation.in_path",
    version: 1,
    about: "messages under the target's name go no farther: no router behind says that they ended",
};
const ON_PATH: Rule = Rule {
    id: "localisation.on_path",
    version: 1,
    about: "messages under the target's name are cut off and go on all the same: a router behind or the server answers",
};

pub(super) const RULES: &[Rule] = &[
    LOCATED, COPIED_TTL, AT_SERVER, AT_HOME, UNANSWERED, UNSTEADY, ALIKE, NOTHING, IN_PATH, ON_PATH,
];

pub(super) fn judge(observations: &[Observation]) -> Said {
    let walk = facts::read(observations);
    match sought(&walk) {
        Err(finding) => finding.into(),
        Ok(sought) => match find::place(&walk, sought) {
            None => undecided(&walk, sought).into(),
            Some(place) => said(&walk, sought, &place),
        },
    }
}

/// How the target's name fares the whole way; a finding where there is no place to look for.
fn sought(walk: &Walk) -> Result<Sought, Finding> {
    let whole = &walk.whole;
    let insufficient = |rule, would_change| {
        let at = whole.pointers();
        Err(Finding::insufficient(
            rule,
            Reason::BelowFloor,
            at,
            would_change,
        ))
    };
    let is_all = |probes, fate| always(probes, REPEATS_MIN, |one| one == fate);
    let is_neutral_answered = is_all(&whole.neutral, Fate::Answered);
    if is_neutral_answered && is_all(&whole.target, Fate::Answered) {
        return insufficient(&NOTHING, "a failure under the target's name");
    }
    if always(&whole.neutral, REPEATS_MIN, |fate| fate != Fate::Answered) {
        return insufficient(&ALIKE, "an answer under the neutral name");
    }
    match () {
        () if !is_neutral_answered => {}
        () if is_all(&whole.target, Fate::Cut) => return Ok(Sought::Cut),
        () if is_all(&whole.target, Fate::Silent) => return Ok(Sought::Silence),
        () => {}
    }
    insufficient(
        &UNSTEADY,
        "two messages or more under each name that fare alike",
    )
}

/// Why there is no place though somebody interferes.
fn undecided(walk: &Walk, sought: Sought) -> Finding {
    let at = pointers(walk);
    if find::contradicts(walk, sought) {
        let would_change = "messages that fare alike at each hop, each time";
        return Finding::insufficient(&UNSTEADY, Reason::BelowFloor, at, would_change);
    }
    let would_change = "words of routers about messages that end there";
    Finding::insufficient(&UNANSWERED, Reason::BelowFloor, at, would_change)
}

fn pointers(walk: &Walk) -> Vec<String> {
    let hops = walk.hops.values().flat_map(facts::Hop::pointers);
    walk.whole.pointers().into_iter().chain(hops).collect()
}

fn said(walk: &Walk, sought: Sought, place: &Place) -> Said {
    let mut at = walk.whole.pointers();
    at.extend(place.at.iter().cloned());
    let mut notes = Vec::new();
    if !place.in_path.is_empty() {
        notes.push((&IN_PATH, place.in_path.clone()));
    } else if !place.on_path.is_empty() {
        notes.push((&ON_PATH, place.on_path.clone()));
    }
    let finding = finding(sought, place, at).with_notes(notes);
    Said {
        overall: finding.into_verdict(),
        effect: Some(effect(walk, place)),
    }
}

fn finding(sought: Sought, place: &Place, at: Vec<String>) -> Finding {
    if place.last <= HOME_HOPS {
        let would_change = "the same beyond the first router, or from another line of the operator";
        return Finding::insufficient(&AT_HOME, Reason::BelowFloor, at, would_change);
    }
    if place.is_at_server {
        let would_change = "the same name at the same address from elsewhere";
        return Finding::insufficient(&AT_SERVER, Reason::NoControl, at, would_change);
    }
    let mechanism = match sought {
        Sought::Cut => Mechanism::TlsResetSni,
        Sought::Silence => Mechanism::TlsTimeout,
    };
    let rule = if place.copies_ttl {
        &COPIED_TTL
    } else {
        &LOCATED
    };
    let would_change = "an answer under the target's name, or another place when tried again";
    Finding::likely(rule, mechanism, at, would_change)
}

/// Hops, and the routers around them: addresses, `null` for those that are not known or not written.
fn effect(walk: &Walk, place: &Place) -> Value {
    let address = |ttl: i64| walk.routers.get(&ttl).and_then(|one| one.address.clone());
    let position = match () {
        () if !place.in_path.is_empty() => "in_path",
        () if !place.on_path.is_empty() => "on_path",
        () => "unknown",
    };
    json!({
        "first_hop": place.first,
        "last_hop": place.last,
        "server_hop": place.server,
        "position": position,
        "copies_ttl": place.copies_ttl,
        "router_before": address(place.first - 1),
        "router_behind": address(place.last),
    })
}
