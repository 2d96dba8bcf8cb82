//! What resolvers say of a name, held against certificates, against each other, and against addresses
//! where nobody should answer.
//!
//! An address proves itself by the target's certificate; nothing else makes an answer true. SERVFAIL and
//! silence never count as a denial, and what a public resolver says in clear is not held against the
//! network unless the same resolver says otherwise over TLS, or somebody answers in its place.
mod facts;
mod notes;
mod servers;
#[cfg(test)]
mod tests;

use super::finding::Finding;
use super::{Rule, Said};
use facts::{Asked, Facts, Question, Way};
use notes::Note;
use serde_json::{Value, json};
use servers::{REPEATS_MIN, Spoken, mechanism, spoken};
use std::collections::BTreeSet;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::{Mechanism, Reason};

const INJECTED: Rule = Rule {
    id: "dns_integrity.injected",
    version: 1,
    about: "an address that runs no resolver answers for the target, repeatedly, and never for a neutral name",
};
const RACED: Rule = Rule {
    id: "dns_integrity.raced",
    version: 1,
    about: "of two answers to one question, repeatedly, one holds the target's certificate and the other misleads",
};
const TAMPERED: Rule = Rule {
    id: "dns_integrity.tampered",
    version: 1,
    about: "a public resolver misleads in clear each time, and over TLS the same one gives the target's address",
};
const FORGED: Rule = Rule {
    id: "dns_integrity.forged",
    version: 1,
    about: "the device's resolver, or who answers in others' place, gives addresses each time that are not the target's",
};
const DENIED: Rule = Rule {
    id: "dns_integrity.denied",
    version: 1,
    about: "the device's resolver, or who answers in others' place, denies each time a name that has a certified address",
};
const ELSEWHERE: Rule = Rule {
    id: "dns_integrity.elsewhere",
    version: 1,
    about: "every public resolver misleads, of two or more, and nothing tells a policy of theirs from the network's",
};
const CERTIFICATE: Rule = Rule {
    id: "dns_integrity.certificate",
    version: 1,
    about: "the device's resolver gives an address that holds the target's certificate",
};
const UNPROVED: Rule = Rule {
    id: "dns_integrity.unproved",
    version: 1,
    about: "no address that anybody gave holds the target's certificate, so nothing tells true from false",
};
const UNCLEAR: Rule = Rule {
    id: "dns_integrity.unclear",
    version: 1,
    about: "the device's resolver says nothing of the target, or now this and now that",
};

pub(super) const RULES: &[&[Rule]] = &[
    &[
        INJECTED,
        RACED,
        TAMPERED,
        FORGED,
        DENIED,
        ELSEWHERE,
        CERTIFICATE,
        UNPROVED,
        UNCLEAR,
    ],
    notes::RULES,
];

/// The experiment that is judged here.
pub(super) const EXPERIMENT: &str = "dns_integrity";

/// Says what a record comes to; `is_sinkhole` knows the addresses that resolvers of the country give in
/// place of real ones.
pub(super) fn judge(observations: &[Observation], is_sinkhole: &dyn Fn(&str) -> bool) -> Said {
    let facts = Facts::read(observations, is_sinkhole);
    let spoken = spoken(&facts);
    let mut said = notes::all(&facts);
    let finding = find(&facts, &spoken);
    said.extend(public_differs(&facts, &spoken));
    let effect = effect(&facts, &spoken);
    Said {
        overall: finding.with_notes(said).into_verdict(),
        effect: Some(effect),
    }
}

fn find(facts: &Facts, spoken: &[Spoken]) -> Finding {
    let interference = injected(facts)
        .or_else(|| raced(facts))
        .or_else(|| tampered(facts, spoken))
        .or_else(|| misled(facts, spoken));
    interference.unwrap_or_else(|| without_interference(facts, spoken))
}

/// Replies to the target out of nothing. One that holds the target's certificate tells the truth,
/// whoever sent it.
fn injected(facts: &Facts) -> Option<Finding> {
    let at_silent = |question| {
        let asked = facts.of(question);
        asked.filter(|asked| asked.server.0 == Way::Silent)
    };
    let silent: BTreeSet<i64> = at_silent(Question::Target)
        .map(|one| one.server.1)
        .collect();
    silent.into_iter().find_map(|which| {
        let of = |question| -> Vec<&Asked> {
            at_silent(question)
                .filter(|one| one.server.1 == which)
                .collect()
        };
        let neutral = of(Question::Neutral);
        let is_answered = |asked: &&Asked| asked.said != facts::Said::Nothing;
        if neutral.len() < REPEATS_MIN || neutral.iter().any(is_answered) {
            return None;
        }
        let replies = of(Question::Target).into_iter();
        let replies: Vec<&Asked> = replies.filter(|asked| asked.said.speaks()).collect();
        let tells_truth = replies.iter().any(|asked| facts.is_certified(&asked.said));
        if replies.len() < REPEATS_MIN || tells_truth {
            return None;
        }
        let both = replies.iter().chain(&neutral);
        let at = both.map(|asked| asked.at.clone()).collect();
        let how = mechanism(&replies[0].said);
        let would_change = "an answer for the neutral name as well, or a resolver at that address";
        Some(meddling(&INJECTED, how, at, would_change))
    })
}

/// Pairs of answers that cannot both be the resolver's.
fn raced(facts: &Facts) -> Option<Finding> {
    let misleads = |said: &facts::Said| match said {
        facts::Said::Denied(_) => true,
        other => facts.is_false(other),
    };
    let mut at = Vec::new();
    let mut how = None;
    let mut pairs = 0;
    let asked = facts.of(Question::Target);
    for asked in asked.filter(|asked| asked.server.0 != Way::Silent) {
        let answers: Vec<&facts::Said> = std::iter::once(&asked.said).chain(&asked.late).collect();
        let is_true = answers.iter().find(|said| facts.is_certified(said));
        let is_false = answers.iter().find(|said| misleads(said));
        if let (Some(honest), Some(other)) = (is_true, is_false) {
            pairs += 1;
            how = how.or(Some(mechanism(other)));
            at.push(asked.at.clone());
            at.extend(facts.looks_at(honest));
            at.extend(facts.looks_at(other));
        }
    }
    let how = how.filter(|_| pairs >= REPEATS_MIN)?;
    let would_change = "the same two answers over an encrypted way";
    Some(meddling(&RACED, how, at, would_change))
}

/// A public resolver against itself.
fn tampered(facts: &Facts, spoken: &[Spoken]) -> Option<Finding> {
    let in_clear = spoken.iter().filter(|one| {
        let (way, _) = one.server;
        way == Way::Public || (way == Way::Configured && !one.is_own)
    });
    for one in in_clear {
        let Some(how) = one.word.misleads() else {
            continue;
        };
        let over_tls = spoken.iter().find(|other| {
            other.server.0 == Way::Dot
                && other.resolver == one.resolver
                && other.word == servers::Word::Certified
        });
        if let Some(over_tls) = over_tls {
            let at = [one.at.clone(), over_tls.at.clone(), proofs(facts)].concat();
            let would_change = "the same answer from that resolver over TLS";
            return Some(meddling(&TAMPERED, how, at, would_change));
        }
    }
    None
}

/// Who answers for the network misleads: its resolver, or whoever answers in others' place.
fn misled(facts: &Facts, spoken: &[Spoken]) -> Option<Finding> {
    facts.valid().next()?;
    let proxied = notes::proxied(facts);
    let is_the_networks = |one: &&Spoken| match one.server.0 {
        Way::Configured if one.is_own => true,
        Way::Configured | Way::Public => !proxied.is_empty(),
        Way::Silent | Way::Dot | Way::Doh => false,
    };
    let mut of_network = spoken.iter().filter(is_the_networks);
    let (one, how) = of_network.find_map(|one| Some((one, one.word.misleads()?)))?;
    let rule = match one.word {
        servers::Word::Denied(_) => &DENIED,
        _ => &FORGED,
    };
    let beside = if one.is_own { Vec::new() } else { proxied };
    let at = [one.at.clone(), beside, proofs(facts)].concat();
    let would_change = "an address with the target's certificate from the same resolver";
    Some(meddling(rule, how, at, would_change))
}

/// Somebody meddles. A known sinkhole is an artefact of that, and so is an address that no public
/// service can have, where the site has one with its certificate.
fn meddling(rule: &Rule, how: Mechanism, at: Vec<String>, would_change: &str) -> Finding {
    let artefacts = [
        Mechanism::DnsInjectionBogon,
        Mechanism::DnsInjectionBlockpage,
    ];
    if artefacts.contains(&how) {
        return Finding::blocked(rule, how, at, would_change);
    }
    Finding::likely(rule, how, at, would_change)
}

fn without_interference(facts: &Facts, spoken: &[Spoken]) -> Finding {
    let all = || spoken.iter().flat_map(|one| one.at.clone()).collect();
    if facts.valid().next().is_none() {
        let would_change = "an address with the target's certificate, from anybody";
        return Finding::insufficient(&UNPROVED, Reason::NoControl, all(), would_change);
    }
    let public = || spoken.iter().filter(|one| one.server.0 == Way::Public);
    if public().count() >= REPEATS_MIN && public().all(|one| one.word.misleads().is_some()) {
        let at = public().flat_map(|one| one.at.clone()).collect();
        let would_change = "the same resolvers over TLS, or an answer where no resolver is";
        return Finding::insufficient(&ELSEWHERE, Reason::BelowFloor, at, would_change);
    }
    let of_device = |one: &&Spoken| one.server.0 == Way::Configured;
    let certified = |one: &&Spoken| one.word == servers::Word::Certified;
    let has_configured = spoken.iter().any(|one| of_device(&one));
    let asked = spoken
        .iter()
        .filter(|one| !has_configured || of_device(one));
    if let Some(one) = asked.clone().find(certified) {
        let would_change = "a second answer that differs, or an answer where no resolver is";
        return Finding::ok(&CERTIFICATE, one.at.clone(), would_change);
    }
    let would_change = "answers of the device's resolver that are alike each time";
    let at = asked.flat_map(|one| one.at.clone()).collect();
    Finding::insufficient(&UNCLEAR, Reason::BelowFloor, at, would_change)
}

fn proofs(facts: &Facts) -> Vec<String> {
    facts.valid().map(|(_, at)| at.to_owned()).collect()
}

fn public_differs(facts: &Facts, spoken: &[Spoken]) -> Option<Note> {
    facts.valid().next()?;
    let public = spoken.iter().filter(|one| one.server.0 == Way::Public);
    let differing = public.filter(|one| one.word.misleads().is_some());
    let at: Vec<String> = differing.flat_map(|one| one.at.clone()).collect();
    (!at.is_empty()).then_some((&notes::PUBLIC_DIFFERS, at))
}

/// What each server says, and the networks from which the device's resolvers ask: a filter is a
/// resolver's, so that its network is a key of its own.
fn effect(facts: &Facts, spoken: &[Spoken]) -> Value {
    let networks = |of: &dyn Fn(&facts::Oneself) -> bool| -> BTreeSet<String> {
        let oneself = facts.oneself.iter().filter(|one| of(one));
        oneself.flat_map(|one| one.networks.clone()).collect()
    };
    let servers = spoken.iter().map(|one| {
        json!({
            "asked": one.server.0.as_str(),
            "which": one.server.1,
            "resolver": one.resolver,
            "networks": networks(&|oneself| oneself.server == one.server),
            "target": one.word.as_str(),
        })
    });
    json!({
        "resolver": networks(&|oneself| oneself.server.0 == Way::Configured),
        "servers": servers.collect::<Vec<_>>(),
    })
}
