//! Handshakes with one address under the target's name, a neutral one and none (OONI ts-024), and what
//! controls came to there.
use super::attempts::{self, Attempt, Name, Outcome};
use super::elsewhere::{self, Elsewhere};
use super::finding::Finding;
use super::{Rule, Said};
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::{Mechanism, Reason};

/// Times that each name must have been shown: what comes once is chance.
const REPEATS_MIN: usize = 2;

const FILTERED: Rule = Rule {
    id: "sni.filtered",
    version: 2,
    about: "handshakes fail the same way each time under the target's name, and never under a neutral one",
};
const PASSES: Rule = Rule {
    id: "sni.passes",
    version: 1,
    about: "handshakes under the target's name succeed each time, with its certificate",
};
const ALIKE: Rule = Rule {
    id: "sni.alike",
    version: 2,
    about: "handshakes fail under a neutral name too, so the name is not the reason",
};
const UNSTEADY: Rule = Rule {
    id: "sni.unsteady",
    version: 1,
    about: "handshakes under one name fare now so and now otherwise, or were too few",
};
const REFUSED: Rule = Rule {
    id: "sni.refused",
    version: 2,
    about: "the target's name is answered by an alert of TLS, as a server answers what it does not serve",
};
const FOREIGN: Rule = Rule {
    id: "sni.foreign",
    version: 2,
    about: "another certificate than the target's comes under its name, so it is not known who answers",
};

const DOWN: Rule = Rule {
    id: "sni.down",
    version: 1,
    about: "the target's name fails at this address for every control that tried it, too",
};
const ELSEWHERE: Rule = Rule {
    id: "sni.elsewhere",
    version: 1,
    about: "a control shakes hands under the target's name with the same address",
};

pub(super) const RULES: &[Rule] = &[
    FILTERED, PASSES, ALIKE, UNSTEADY, REFUSED, FOREIGN, DOWN, ELSEWHERE,
];

pub(super) fn judge(observations: &[Observation]) -> Said {
    let elsewhere = elsewhere::read(observations);
    find(&attempts::read(observations), &elsewhere).into()
}

fn find(attempts: &[Attempt], elsewhere: &Elsewhere) -> Finding {
    let mut at: Vec<String> = attempts.iter().map(|attempt| attempt.at.clone()).collect();
    let target = outcomes(attempts, Name::Target);
    let neutral = outcomes(attempts, Name::Neutral);
    let (Some(target), Some(neutral)) = (steady(&target), steady(&neutral)) else {
        let would_change = "two handshakes or more under each name that fare alike";
        return Finding::insufficient(&UNSTEADY, Reason::BelowFloor, at, would_change);
    };
    if target == Outcome::Answered {
        let would_change = "a failure under the target's name when tried again";
        return Finding::ok(&PASSES, at, would_change);
    }
    if let Some(agreeing) = elsewhere.agrees(target) {
        at.extend(agreeing);
        return Finding::down(&DOWN, at);
    }
    let answered = elsewhere.answered();
    let notes = if answered.is_empty() {
        Vec::new()
    } else {
        vec![(&ELSEWHERE, answered)]
    };
    here(target, neutral, at, notes.is_empty()).with_notes(notes)
}

/// What a failure under the target's name means where no control fares alike.
fn here(target: Outcome, neutral: Outcome, at: Vec<String>, lacks_control: bool) -> Finding {
    let answers = matches!(
        neutral,
        Outcome::Answered | Outcome::Foreign | Outcome::Refused
    );
    let (reason, would_change) = if lacks_control {
        let from_elsewhere = "a handshake under the same name with the same address from elsewhere";
        (Reason::NoControl, from_elsewhere)
    } else {
        let judged = "a failure that is nobody's answer, or a visit that judges certificates";
        (Reason::BelowFloor, judged)
    };
    match target {
        Outcome::Cut if answers => filtered(Mechanism::TlsResetSni, at),
        Outcome::Silent if answers => filtered(Mechanism::TlsTimeout, at),
        Outcome::Refused => Finding::insufficient(&REFUSED, reason, at, would_change),
        Outcome::Foreign => Finding::insufficient(&FOREIGN, reason, at, would_change),
        _ => Finding::insufficient(
            &ALIKE,
            Reason::BelowFloor,
            at,
            "an answer under the neutral name while the target's fails",
        ),
    }
}

fn filtered(mechanism: Mechanism, at: Vec<String>) -> Finding {
    let would_change = "an answer under the target's name, or the same failure from elsewhere";
    Finding::likely(&FILTERED, mechanism, at, would_change)
}

fn outcomes(attempts: &[Attempt], name: Name) -> Vec<Outcome> {
    let of_name = attempts.iter().filter(|attempt| attempt.name == name);
    of_name.map(|attempt| attempt.outcome).collect()
}

fn steady(outcomes: &[Outcome]) -> Option<Outcome> {
    attempts::steady(outcomes, REPEATS_MIN)
}
