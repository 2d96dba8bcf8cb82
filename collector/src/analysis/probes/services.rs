//! The places that a service's programs connect to: a part of the service is reached where one of its
//! places is.
//!
//! A run has no control: that a service is down for everybody looks like a block of its addresses. So
//! only what an outage does not look like is called interference: answers that no public service can
//! have, and handshakes that are cut off while connections stand.
use super::attempts::at;
use super::finding::Finding;
use super::{Rule, Said};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::{Mechanism, Reason};

/// Failures of a part that must be alike before anything is said of it.
const REPEATS_MIN: usize = 2;

const REACHED: Rule = Rule {
    id: "services.reached",
    version: 1,
    about: "of every part of the service a place is reached",
};
const FORGED: Rule = Rule {
    id: "services.forged",
    version: 1,
    about: "all names of a part lead to addresses that no public service can have",
};
const CUT: Rule = Rule {
    id: "services.cut",
    version: 1,
    about: "connections of a part stand, and every handshake over them is cut off, repeatedly",
};
const UNREACHED: Rule = Rule {
    id: "services.unreached",
    version: 1,
    about: "no place of a part is reached, which an outage of the service looks like too",
};
const NOTHING: Rule = Rule {
    id: "services.nothing",
    version: 1,
    about: "no place of the service was tried",
};

pub(super) const RULES: &[Rule] = &[REACHED, FORGED, CUT, UNREACHED, NOTHING];

/// What was seen of one part.
#[derive(Debug, Default)]
struct Part {
    reached: bool,
    /// Lookups that gave nothing but addresses of nobody, and other lookups.
    forged: usize,
    looked_up: usize,
    /// Handshakes that were cut off, and other steps that failed behind a lookup.
    cut: usize,
    failed: usize,
    at: Vec<String>,
}

impl Part {
    fn add(&mut self, index: usize, seen: &Observation) {
        let needs_tls = seen.detail.get("reach").and_then(Value::as_str) == Some("tls");
        self.at.push(at(index));
        match (seen.operation.as_str(), &seen.failure) {
            ("resolve", Some(Failure::DnsBogon)) => self.forged += 1,
            // That a name has no address of one family says nothing.
            ("resolve", Some(Failure::DnsNoAnswer)) => {}
            ("resolve", _) => self.looked_up += 1,
            ("connect", None) => self.reached |= !needs_tls,
            ("tls_handshake", None) => self.reached = true,
            (
                "tls_handshake",
                Some(Failure::ConnectionReset | Failure::ConnectionAborted | Failure::Eof),
            ) => self.cut += 1,
            (_, Some(_)) => self.failed += 1,
            (_, None) => {}
        }
    }

    fn is_forged(&self) -> bool {
        !self.reached && self.forged > 0 && self.looked_up == 0 && self.cut == 0
    }

    fn is_cut(&self) -> bool {
        !self.reached && self.cut >= REPEATS_MIN && self.failed == 0
    }

    fn word(&self) -> &'static str {
        match self {
            part if part.reached => "reached",
            part if part.is_forged() => "forged",
            part if part.is_cut() => "cut",
            _ => "unreached",
        }
    }
}

pub(super) fn judge(observations: &[Observation]) -> Said {
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    for (index, seen) in observations.iter().enumerate() {
        if let Some(group) = seen.detail.get("group").and_then(Value::as_str) {
            parts.entry(group).or_default().add(index, seen);
        }
    }
    let said = parts.iter().map(|(group, part)| {
        let word = Value::from(part.word());
        ((*group).to_owned(), word)
    });
    let effect: Map<String, Value> = said.collect();
    Said {
        overall: find(&parts).into_verdict(),
        effect: Some(effect.into()),
    }
}

fn find(parts: &BTreeMap<&str, Part>) -> Finding {
    let of = |is_so: fn(&Part) -> bool| -> Vec<String> {
        let chosen = parts.values().filter(|part| is_so(part));
        chosen.flat_map(|part| part.at.clone()).collect()
    };
    if parts.is_empty() {
        let would_change = "a run that tries the service";
        return Finding::insufficient(&NOTHING, Reason::InvalidRun, Vec::new(), would_change);
    }
    let forged = of(Part::is_forged);
    if !forged.is_empty() {
        let would_change =
            "the same answers to a control elsewhere, or another resolver's by choice";
        return Finding::likely(&FORGED, Mechanism::DnsInjectionBogon, forged, would_change);
    }
    let cut = of(Part::is_cut);
    if !cut.is_empty() {
        let would_change = "a handshake when tried again, or the same failure from elsewhere";
        return Finding::likely(&CUT, Mechanism::TlsResetOther, cut, would_change);
    }
    let unreached = of(|part| !part.reached);
    if !unreached.is_empty() {
        let would_change = "the same places tried by a control elsewhere";
        return Finding::insufficient(&UNREACHED, Reason::NoControl, unreached, would_change);
    }
    Finding::ok(
        &REACHED,
        of(|_| true),
        "a part that is not reached when tried again",
    )
}
