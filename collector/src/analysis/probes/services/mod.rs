//! The places that a service's programs connect to: a part of the service is reached where one of its
//! places is.
//!
//! That a service is down for everybody looks like a block of its addresses; controls tell the two apart
//! ([`elsewhere`]). Without one, only what an outage does not look like is called interference: answers that
//! no public service can have, and handshakes that are cut off while connections stand.
mod elsewhere;
mod part;
#[cfg(test)]
mod tests;

use super::finding::Finding;
use super::{Rule, Said};
use elsewhere::Elsewhere;
use part::{Fate, Part};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::{Mechanism, Reason};

const REACHED: Rule = Rule {
    id: "services.reached",
    version: 2,
    about: "of every part of the service a place is reached",
};
const FORGED: Rule = Rule {
    id: "services.forged",
    version: 1,
    about: "all names of a part lead to addresses that no public service can have",
};
const CUT: Rule = Rule {
    id: "services.cut",
    version: 2,
    about: "connections of a part stand, and every handshake over them is cut off, repeatedly",
};
const UNREACHED: Rule = Rule {
    id: "services.unreached",
    version: 2,
    about: "no place of a part is reached, which an outage of the service looks like too",
};
const NOTHING: Rule = Rule {
    id: "services.nothing",
    version: 1,
    about: "no place of the service was tried",
};

const KEPT_OFF: Rule = Rule {
    id: "services.kept_off",
    version: 1,
    about: "no place of a part is reached, with the same failure repeatedly, and a control reaches one of them",
};
const DOWN: Rule = Rule {
    id: "services.down",
    version: 1,
    about: "no place of a part is reached, by any control that tried either",
};
const ELSEWHERE: Rule = Rule {
    id: "services.elsewhere",
    version: 1,
    about: "names of a part lead here to other networks than the service's, and a control to the service's",
};

pub(super) const RULES: &[Rule] = &[
    REACHED, FORGED, CUT, UNREACHED, NOTHING, KEPT_OFF, DOWN, ELSEWHERE,
];

/// Every part of a service, by its id, with what came of it.
type Parts<'a> = BTreeMap<&'a str, (Part, Fate)>;

pub(super) fn judge(observations: &[Observation]) -> Said {
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    for (index, seen) in observations.iter().enumerate() {
        if let Some(group) = seen.detail.get("group").and_then(Value::as_str) {
            parts.entry(group).or_default().add(index, seen);
        }
    }
    let elsewhere = Elsewhere::read(observations);
    let judged = parts.into_iter().map(|(group, part)| {
        let fate = Fate::of(&part, &elsewhere);
        (group, (part, fate))
    });
    let parts: Parts<'_> = judged.collect();
    let said = parts.iter().map(|(group, (_, fate))| {
        let word = Value::from(fate.word());
        ((*group).to_owned(), word)
    });
    let effect: Map<String, Value> = said.collect();
    Said {
        overall: find(&parts).into_verdict(),
        effect: Some(effect.into()),
    }
}

/// Interference with one part decides, then what cannot be told of another, then an outage.
fn find(parts: &Parts<'_>) -> Finding {
    let of = |is_so: fn(&Fate) -> bool| -> Vec<String> {
        let chosen = parts.values().filter(|(_, fate)| is_so(fate));
        let at = chosen.flat_map(|(part, fate)| [part.at.as_slice(), fate.heard()].concat());
        at.collect()
    };
    if parts.is_empty() {
        let would_change = "a run that tries the service";
        return Finding::insufficient(&NOTHING, Reason::InvalidRun, Vec::new(), would_change);
    }
    let forged = of(|fate| matches!(fate, Fate::Forged));
    if !forged.is_empty() {
        let would_change =
            "the same answers to a control elsewhere, or another resolver's by choice";
        return Finding::likely(&FORGED, Mechanism::DnsInjectionBogon, forged, would_change);
    }
    let cut = of(|fate| matches!(fate, Fate::Cut));
    if !cut.is_empty() {
        let would_change = "a handshake when tried again, or the same failure from elsewhere";
        return Finding::likely(&CUT, Mechanism::TlsResetOther, cut, would_change);
    }
    if let Some(mechanism) = parts.values().find_map(|(_, fate)| fate.kept_off()) {
        let at = of(|fate| matches!(fate, Fate::KeptOff { .. }));
        let would_change =
            "a place that is reached when tried again, or controls that all fail alike";
        return Finding::likely(&KEPT_OFF, mechanism, at, would_change);
    }
    let strange = of(|fate| matches!(fate, Fate::Elsewhere { .. }));
    if !strange.is_empty() {
        let would_change =
            "the same networks told to a control, or a newer list of the service's networks";
        let mechanism = Mechanism::DnsInjectionOther;
        return Finding::likely(&ELSEWHERE, mechanism, strange, would_change);
    }
    let unreached = of(|fate| matches!(fate, Fate::Unreached));
    if !unreached.is_empty() {
        let would_change = "the same places tried by a control elsewhere";
        return Finding::insufficient(&UNREACHED, Reason::NoControl, unreached, would_change);
    }
    let down = of(|fate| matches!(fate, Fate::Down { .. }));
    if !down.is_empty() {
        return Finding::down(&DOWN, down);
    }
    Finding::ok(
        &REACHED,
        of(|_| true),
        "a part that is not reached when tried again",
    )
}
