//! Handshakes with one address with the extension of Encrypted Client Hello and without, under the target's
//! name, with it under a neutral one, and with other sites (OONI ts-039).
//!
//! The same address without the extension is the control. What that cannot tell is a server that does not
//! bear the extension, as servers must (RFC 8446, section 4.1.2). Two things can: the same server answers the
//! extension under the neutral name, or another server, which has nothing to do with it, fails alike.
use super::attempts::{self, Attempt, Name, Outcome};
use super::finding::Finding;
use super::{Rule, Said};
use std::collections::BTreeSet;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::{Mechanism, Reason};

/// Times that each hello must have been sent.
const REPEATS_MIN: usize = 2;

const FILTERED: Rule = Rule {
    id: "ech.filtered",
    version: 1,
    about: "handshakes fail the same way each time with the extension and never without, and not by this server alone",
};
const PASSES: Rule = Rule {
    id: "ech.passes",
    version: 1,
    about: "handshakes with the extension succeed each time, with the target's certificate",
};
const HERE: Rule = Rule {
    id: "ech.here",
    version: 1,
    about: "handshakes with the extension fail here and succeed with another site, as if the server did not bear it",
};
const UNWITNESSED: Rule = Rule {
    id: "ech.unwitnessed",
    version: 1,
    about: "handshakes with the extension fail, and no other site says whether the server or the network is the reason",
};
const ANSWERED: Rule = Rule {
    id: "ech.answered",
    version: 1,
    about: "the extension is answered by an alert of TLS or by another certificate, as a server answers",
};
const ALIKE: Rule = Rule {
    id: "ech.alike",
    version: 1,
    about: "handshakes by TLS 1.3 fail without the extension too, so it is not the reason",
};
const UNSTEADY: Rule = Rule {
    id: "ech.unsteady",
    version: 1,
    about: "handshakes of one kind fare now so and now otherwise, or were too few",
};

pub(super) const RULES: &[Rule] = &[
    FILTERED,
    PASSES,
    HERE,
    UNWITNESSED,
    ANSWERED,
    ALIKE,
    UNSTEADY,
];

/// What hellos of one kind came to, each time.
type Steady = Option<Outcome>;

/// What is known beside the target's own handshakes of who does not bear the extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Witnesses {
    /// Nothing.
    None,
    /// Every one fails as the target does, and never without the extension.
    FailAlike,
    /// One is answered with the extension.
    Answered,
}

pub(super) fn judge(observations: &[Observation]) -> Said {
    find(&attempts::read(observations)).into()
}

fn find(attempts: &[Attempt]) -> Finding {
    let at: Vec<String> = attempts.iter().map(|attempt| attempt.at.clone()).collect();
    let of = |name, has_ech| came_to(attempts, |one| one.name == name && one.has_ech == has_ech);
    let (plain, carrying) = (of(Name::Target, Some(false)), of(Name::Target, Some(true)));
    let (Some(plain), Some(carrying)) = (plain, carrying) else {
        let would_change = "two handshakes or more of each kind that fare alike";
        return Finding::insufficient(&UNSTEADY, Reason::BelowFloor, at, would_change);
    };
    if carrying == Outcome::Answered {
        let would_change = "a failure with the extension when tried again";
        return Finding::ok(&PASSES, at, would_change);
    }
    if plain != Outcome::Answered || carrying == Outcome::Other {
        let would_change = "handshakes by TLS 1.3 that succeed without the extension";
        return Finding::insufficient(&ALIKE, Reason::BelowFloor, at, would_change);
    }
    if !matches!(carrying, Outcome::Cut | Outcome::Silent) {
        let would_change = "a failure that is nobody's answer";
        return Finding::insufficient(&ANSWERED, Reason::BelowFloor, at, would_change);
    }
    if is_answered(of(Name::Neutral, Some(true))) {
        return filtered(at);
    }
    match witnesses(attempts, carrying) {
        Witnesses::FailAlike => filtered(at),
        Witnesses::Answered => {
            let would_change =
                "the same failure with other servers, or an answer under a neutral name";
            Finding::insufficient(&HERE, Reason::BelowFloor, at, would_change)
        }
        Witnesses::None => {
            let would_change = "handshakes with other sites, with the extension and without";
            Finding::insufficient(&UNWITNESSED, Reason::NoControl, at, would_change)
        }
    }
}

fn filtered(at: Vec<String>) -> Finding {
    let would_change =
        "an answer to the extension, or the same failure of this server from elsewhere";
    Finding::likely(&FILTERED, Mechanism::TlsEch, at, would_change)
}

/// What other sites say; one that does not answer without the extension says nothing.
fn witnesses(attempts: &[Attempt], carrying: Outcome) -> Witnesses {
    let tried = attempts.iter().filter(|one| one.name == Name::Witness);
    let peers: BTreeSet<&str> = tried.map(|one| one.peer.as_str()).collect();
    let mut said = Witnesses::None;
    for peer in peers {
        let of = |has_ech| {
            came_to(attempts, |one| {
                one.name == Name::Witness && one.peer == peer && one.has_ech == has_ech
            })
        };
        match (of(Some(false)), of(Some(true))) {
            (Some(Outcome::Answered), Some(with)) if with == carrying => {
                said = Witnesses::FailAlike;
            }
            (Some(Outcome::Answered), Some(_)) => return Witnesses::Answered,
            _ => {}
        }
    }
    said
}

fn came_to(attempts: &[Attempt], is_one: impl Fn(&&Attempt) -> bool) -> Steady {
    let chosen = attempts.iter().filter(is_one);
    let outcomes: Vec<Outcome> = chosen.map(|attempt| attempt.outcome).collect();
    attempts::steady(&outcomes, REPEATS_MIN)
}

/// Whether a server spoke, be it to say no.
fn is_answered(outcome: Steady) -> bool {
    matches!(
        outcome,
        Some(Outcome::Answered | Outcome::Foreign | Outcome::Refused)
    )
}
