//! QUIC Initials to one address under the target's name and a neutral one, what the server says over TCP,
//! and what controls came to there.
use super::attempts::{Name, Outcome, at, shown};
use super::elsewhere::{self, Elsewhere};
use super::finding::Finding;
use super::{Rule, Said};
use serde_json::Value;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::{Mechanism, Reason};

/// Times that each name must have been shown.
const REPEATS_MIN: usize = 2;

const FILTERED: Rule = Rule {
    id: "quic.filtered",
    version: 2,
    about: "Initials under the target's name are never answered, and those under a neutral one always",
};
const ANSWERED: Rule = Rule {
    id: "quic.answered",
    version: 1,
    about: "Initials under the target's name are answered each time",
};
const DROPPED: Rule = Rule {
    id: "quic.dropped",
    version: 2,
    about: "no Initial is answered under any name, by a server that offers HTTP/3 or answers a control",
};
const SILENT: Rule = Rule {
    id: "quic.silent",
    version: 2,
    about: "no Initial is answered, and nothing says that the server speaks QUIC",
};
const UNSTEADY: Rule = Rule {
    id: "quic.unsteady",
    version: 1,
    about: "Initials under one name are answered now and then, or were too few",
};

const DOWN: Rule = Rule {
    id: "quic.down",
    version: 1,
    about: "no control that sent an Initial under the target's name to this address was answered either",
};
const ELSEWHERE: Rule = Rule {
    id: "quic.elsewhere",
    version: 1,
    about: "an Initial under the target's name to the same address is answered to a control",
};

pub(super) const RULES: &[Rule] = &[
    FILTERED, ANSWERED, DROPPED, SILENT, UNSTEADY, DOWN, ELSEWHERE,
];

/// What Initials under one name came to.
#[derive(Default)]
struct Probes {
    answered: usize,
    silent: usize,
}

impl Probes {
    /// Whether all were answered, where all fared alike and are enough.
    fn steady(&self) -> Option<bool> {
        let is_enough = self.answered + self.silent >= REPEATS_MIN;
        match (self.answered, self.silent) {
            (_, 0) if is_enough => Some(true),
            (0, _) if is_enough => Some(false),
            _ => None,
        }
    }
}

pub(super) fn judge(observations: &[Observation]) -> Said {
    let (mut target, mut neutral) = (Probes::default(), Probes::default());
    let (mut pointers, mut offers) = (Vec::new(), false);
    for (index, seen) in observations.iter().enumerate() {
        if seen.operation == "http_request" && offers_http3(seen) {
            offers = true;
            pointers.push(at(index));
        }
        let probes = match (seen.operation.as_str(), shown(seen)) {
            ("quic_initial", Some(Name::Target)) => &mut target,
            ("quic_initial", Some(Name::Neutral)) => &mut neutral,
            _ => continue,
        };
        match &seen.failure {
            None => probes.answered += 1,
            // A closed port or a router's refusal is not an answer either.
            Some(
                Failure::GenericTimeout | Failure::ConnectionRefused | Failure::HostUnreachable,
            ) => probes.silent += 1,
            Some(_) => continue,
        }
        pointers.push(at(index));
    }
    let elsewhere = elsewhere::read_quic(observations);
    let (target, neutral) = (target.steady(), neutral.steady());
    if let (Some(false), Some(agreeing)) = (target, elsewhere.agrees(Outcome::Silent)) {
        pointers.extend(agreeing);
        return Finding::down(&DOWN, pointers).into();
    }
    find(target, neutral, offers, pointers, &elsewhere).into()
}

/// What Initials here mean where no control fares alike.
fn find(
    target: Option<bool>,
    neutral: Option<bool>,
    offers: bool,
    at: Vec<String>,
    elsewhere: &Elsewhere,
) -> Finding {
    let answered = elsewhere.answered();
    let speaks = offers || !answered.is_empty();
    let finding = match (target, neutral) {
        (Some(true), _) => return Finding::ok(&ANSWERED, at, "silence when tried again"),
        (Some(false), Some(true)) => {
            let would_change =
                "an answer under the target's name, or the same silence from elsewhere";
            Finding::likely(&FILTERED, Mechanism::QuicSni, at, would_change)
        }
        (Some(false), Some(false)) if speaks => {
            let would_change = "an answer under either name, or the same silence from elsewhere";
            Finding::impaired(&DROPPED, Mechanism::QuicDropped, at, would_change)
        }
        (Some(false), Some(false)) => {
            let would_change = "an answer to a control elsewhere, or an offer of HTTP/3";
            Finding::insufficient(&SILENT, Reason::NoControl, at, would_change)
        }
        _ => {
            let would_change = "two Initials or more under each name that fare alike";
            Finding::insufficient(&UNSTEADY, Reason::BelowFloor, at, would_change)
        }
    };
    if answered.is_empty() {
        return finding;
    }
    finding.with_notes(vec![(&ELSEWHERE, answered)])
}

/// Whether a response has the header by which servers offer HTTP/3 (RFC 9114, section 3.1.1).
fn offers_http3(request: &Observation) -> bool {
    let names = request.detail.get("header_names").and_then(Value::as_array);
    let mut names = names.into_iter().flatten().filter_map(Value::as_str);
    names.any(|name| name.eq_ignore_ascii_case("alt-svc"))
}
