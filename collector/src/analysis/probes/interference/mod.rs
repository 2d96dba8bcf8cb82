//! Requests in clear to the collector's own echo: whether the target's name in `Host` alone is minded, and
//! what a box on the way does to requests (OONI ts-006, ts-007).
//!
//! Server and address are ours under every name, so neither an outage of the target nor its own taste
//! looks like a filter. A box that only hands requests on blocks nothing: what it does stands beside the
//! verdict, or is its reason where nothing is filtered, and the state is then `ok`.
mod facts;
#[cfg(test)]
mod tests;

use super::attempts::Name;
use super::finding::Finding;
use super::{Rule, Said};
use facts::{Came, Exchange, Sent};
use std::collections::BTreeMap;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::{Mechanism, Reason};

/// Times that each thing must have been sent: what comes once is chance.
const REPEATS_MIN: usize = 2;

const HOST_FILTERED: Rule = Rule {
    id: "interference.host_filtered",
    version: 1,
    about: "requests to our own server fail the same way each time under the target's name, and never under a neutral one",
};
const CLEAN: Rule = Rule {
    id: "interference.clean",
    version: 1,
    about: "requests to our own server arrive under the target's name each time, and nothing is changed on the way",
};
const HEADERS_ALTERED: Rule = Rule {
    id: "interference.headers_altered",
    version: 1,
    about: "the head of requests to our own server is changed on the way, each time",
};
const LINE_ANSWERED: Rule = Rule {
    id: "interference.request_line_answered",
    version: 1,
    about: "something else than our own server answers a request line that is none, or changes it, each time",
};
const HOST_ALIKE: Rule = Rule {
    id: "interference.host_alike",
    version: 1,
    about: "requests to our own server do not arrive under a neutral name either, so the name is not the reason",
};
const NO_ECHO: Rule = Rule {
    id: "interference.no_echo",
    version: 1,
    about: "no request under our own server's name comes back, so there is nothing to compare with",
};
const UNSTEADY: Rule = Rule {
    id: "interference.unsteady",
    version: 1,
    about: "requests under one name fare now so and now otherwise, or were too few",
};

pub(super) const RULES: &[Rule] = &[
    HOST_FILTERED,
    CLEAN,
    HEADERS_ALTERED,
    LINE_ANSWERED,
    HOST_ALIKE,
    NO_ECHO,
    UNSTEADY,
];

/// What is seen beside the verdict: a rule, and what it stands on.
type Note = (&'static Rule, Vec<String>);

pub(super) fn judge(observations: &[Observation]) -> Said {
    find(&facts::read(observations)).into()
}

fn find(all: &[Exchange]) -> Finding {
    let at = |wanted: fn(&Sent) -> bool| pointers(all.iter().filter(|one| wanted(&one.sent)));
    let own = came(all, &Sent::Headers);
    if !own.iter().any(|came| came.is_echo()) {
        let would_change = "an answer of the collector's echo to a request under its own name";
        let at = at(|sent| *sent == Sent::Headers);
        return Finding::insufficient(&NO_ECHO, Reason::NoControl, at, would_change);
    }
    let notes = notes(all);
    let hosts = at(|sent| matches!(sent, Sent::Host(_)));
    let target = steady(&came(all, &Sent::Host(Name::Target)));
    let neutral = steady(&came(all, &Sent::Host(Name::Neutral)));
    let (Some(target), Some(neutral)) = (target, neutral) else {
        let would_change = "two requests or more under each name that fare alike";
        let reason = Reason::BelowFloor;
        return Finding::insufficient(&UNSTEADY, reason, hosts, would_change).with_notes(notes);
    };
    match target {
        _ if target.is_echo() => passes(all, notes),
        Came::Cut if neutral.is_echo() => filtered(Mechanism::HttpReset, hosts, notes),
        Came::Silent if neutral.is_echo() => filtered(Mechanism::HttpTimeout, hosts, notes),
        Came::Foreign if neutral.is_echo() => filtered(Mechanism::HttpOther, hosts, notes),
        _ => {
            let would_change =
                "an answer of the echo under the neutral name while the target's fails";
            Finding::insufficient(&HOST_ALIKE, Reason::BelowFloor, hosts, would_change)
                .with_notes(notes)
        }
    }
}

fn filtered(mechanism: Mechanism, at: Vec<String>, notes: Vec<Note>) -> Finding {
    let would_change = "an answer of the echo under the target's name when tried again";
    Finding::likely(&HOST_FILTERED, mechanism, at, would_change).with_notes(notes)
}

/// The name passes: the first thing that was seen beside it is what there is to say.
fn passes(all: &[Exchange], mut notes: Vec<Note>) -> Finding {
    if notes.is_empty() {
        let would_change = "a request that does not come back as it was sent";
        return Finding::ok(&CLEAN, pointers(all.iter()), would_change);
    }
    let (rule, at) = notes.remove(0);
    let would_change = "requests that come back as they were sent";
    Finding::ok(rule, at, would_change).with_notes(notes)
}

/// What a box does to requests, each time that they are sent.
fn notes(all: &[Exchange]) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    if steady(&came(all, &Sent::Headers)) == Some(Came::Altered) {
        let own = all.iter().filter(|one| one.sent == Sent::Headers);
        notes.push((&HEADERS_ALTERED, pointers(own)));
    }
    let mut lines: BTreeMap<&str, Vec<&Exchange>> = BTreeMap::new();
    for one in all {
        if let Sent::Line(kind) = &one.sent {
            lines.entry(kind).or_default().push(one);
        }
    }
    let answered = lines.into_values().filter(|alike| {
        let came: Vec<Came> = alike.iter().map(|one| one.came).collect();
        matches!(steady(&came), Some(Came::Foreign | Came::Altered))
    });
    let answered = pointers(answered.flatten());
    if !answered.is_empty() {
        notes.push((&LINE_ANSWERED, answered));
    }
    notes
}

fn pointers<'a>(exchanges: impl Iterator<Item = &'a Exchange>) -> Vec<String> {
    exchanges.map(|one| one.at.clone()).collect()
}

fn came(all: &[Exchange], sent: &Sent) -> Vec<Came> {
    let alike = all.iter().filter(|one| one.sent == *sent);
    alike.map(|one| one.came).collect()
}

/// What all exchanges came to, where that is the same and they are enough.
fn steady(all: &[Came]) -> Option<Came> {
    let first = all.first()?;
    let is_steady = all.len() >= REPEATS_MIN && all.iter().all(|one| one == first);
    is_steady.then_some(*first)
}
