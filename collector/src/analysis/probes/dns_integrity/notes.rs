//! What is said beside the verdict: it tells how the line treats names, and blocks nothing by itself.
use super::Rule;
use super::facts::{Asked, Facts, Oneself, Question, Said, Server, Way};
use super::servers::REPEATS_MIN;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const PROXIED: Rule = Rule {
    id: "dns_integrity.proxied",
    version: 1,
    about: "somebody answers in place of those who are asked: also where no resolver is, or under another's identity",
};
pub(super) const NXDOMAIN_HIJACKED: Rule = Rule {
    id: "dns_integrity.nxdomain_hijacked",
    version: 1,
    about: "a resolver gives addresses for a name that nobody has, each time",
};
pub(super) const NODATA_REPLACED: Rule = Rule {
    id: "dns_integrity.nodata_replaced",
    version: 1,
    about: "a resolver gives addresses for a name that has none, each time",
};
pub(super) const DNSSEC_STRIPPED: Rule = Rule {
    id: "dns_integrity.dnssec_stripped",
    version: 1,
    about: "signatures never come through a resolver, and come through another",
};
pub(super) const NOT_VALIDATING: Rule = Rule {
    id: "dns_integrity.not_validating",
    version: 1,
    about: "a resolver answers for a name with bad signatures, and another refuses to",
};
pub(super) const DOT_BLOCKED: Rule = Rule {
    id: "dns_integrity.dot_blocked",
    version: 1,
    about: "no resolver is reached over TLS, repeatedly, and two or more of them answer in clear",
};
pub(super) const DOH_BLOCKED: Rule = Rule {
    id: "dns_integrity.doh_blocked",
    version: 1,
    about: "no resolver is reached over HTTPS, repeatedly, of two or more",
};
pub(super) const PUBLIC_DIFFERS: Rule = Rule {
    id: "dns_integrity.public_differs",
    version: 1,
    about: "a public resolver misleads about the target, which may be its own policy",
};

pub(super) const RULES: &[Rule] = &[
    PROXIED,
    NXDOMAIN_HIJACKED,
    NODATA_REPLACED,
    DNSSEC_STRIPPED,
    NOT_VALIDATING,
    DOT_BLOCKED,
    DOH_BLOCKED,
    PUBLIC_DIFFERS,
];

/// A rule that says something, and what it rests on.
pub(super) type Note = (&'static Rule, Vec<String>);

/// Every note but [`PUBLIC_DIFFERS`], which the verdict makes.
pub(super) fn all(facts: &Facts) -> Vec<Note> {
    let notes = [
        (&PROXIED, proxied(facts)),
        (&NXDOMAIN_HIJACKED, replaced(facts, Question::Absent)),
        (&NODATA_REPLACED, replaced(facts, Question::NoData)),
        (&DNSSEC_STRIPPED, stripped(facts)),
        (&NOT_VALIDATING, not_validating(facts)),
        (&DOT_BLOCKED, dot_blocked(facts)),
        (&DOH_BLOCKED, doh_blocked(facts)),
    ];
    let said = notes.into_iter();
    said.filter(|(_, at)| !at.is_empty()).collect()
}

/// Somebody answers for a name that nobody minds where no resolver is; or several public resolvers ask
/// from the network of the device's own, or call themselves as that does. One alone may be whom the
/// device's own asks.
pub(super) fn proxied(facts: &Facts) -> Vec<String> {
    let at_silent = |asked: &&Asked| asked.server.0 == Way::Silent && asked.said != Said::Nothing;
    let neutral: Vec<&Asked> = facts.of(Question::Neutral).filter(at_silent).collect();
    let mut at = Vec::new();
    if neutral.len() >= REPEATS_MIN {
        at.extend(pointers(&neutral));
    }
    for own in facts.oneself.iter().filter(|one| one.is_own) {
        let public = facts
            .oneself
            .iter()
            .filter(|one| one.server.0 == Way::Public);
        let same: Vec<&Oneself> = public.filter(|other| are_one(own, other)).collect();
        let servers: BTreeSet<Server> = same.iter().map(|other| other.server).collect();
        if servers.len() >= REPEATS_MIN {
            at.push(own.at.clone());
            at.extend(same.iter().map(|other| other.at.clone()));
        }
    }
    at
}

fn are_one(own: &Oneself, other: &Oneself) -> bool {
    let shares = own
        .networks
        .iter()
        .any(|network| other.networks.contains(network));
    shares || (own.says.is_some() && own.says == other.says)
}

/// Servers in clear with what they answered to a question.
fn by_server(facts: &Facts, question: Question) -> BTreeMap<Server, Vec<&Asked>> {
    let mut servers: BTreeMap<Server, Vec<&Asked>> = BTreeMap::new();
    for asked in facts.of(question) {
        if matches!(asked.server.0, Way::Configured | Way::Public) {
            servers.entry(asked.server).or_default().push(asked);
        }
    }
    servers
}

/// Where these hold for every answer of a server, and there are enough.
fn steadily(asked: &[&Asked], holds: impl Fn(&Asked) -> bool) -> bool {
    let answers = || asked.iter().filter(|one| one.said != Said::Nothing);
    answers().count() >= REPEATS_MIN && answers().all(|one| holds(one))
}

fn pointers(asked: &[&Asked]) -> Vec<String> {
    asked.iter().map(|one| one.at.clone()).collect()
}

fn replaced(facts: &Facts, question: Question) -> Vec<String> {
    let servers = by_server(facts, question).into_values();
    let lying = servers.filter(|asked| steadily(asked, |one| one.said.has_address()));
    lying.flat_map(|asked| pointers(&asked)).collect()
}

/// A resolver of the device against any other.
fn against_others(
    servers: &BTreeMap<Server, Vec<&Asked>>,
    is_worse: impl Fn(&[&Asked]) -> bool,
    is_better: impl Fn(&[&Asked]) -> bool,
) -> Vec<String> {
    let better = servers.values().filter(|asked| is_better(asked));
    let better: Vec<String> = better.flat_map(|asked| pointers(asked)).collect();
    let own = servers
        .iter()
        .filter(|((way, _), _)| *way == Way::Configured);
    let worse = own.filter(|(_, asked)| is_worse(asked));
    let worse: Vec<String> = worse.flat_map(|(_, asked)| pointers(asked)).collect();
    if better.is_empty() || worse.is_empty() {
        return Vec::new();
    }
    [worse, better].concat()
}

fn stripped(facts: &Facts) -> Vec<String> {
    let servers = by_server(facts, Question::Signed);
    let has_none = |one: &Asked| one.said.has_address() && one.signatures == Some(0);
    let has_some = |one: &Asked| one.signatures.is_some_and(|count| count > 0);
    against_others(
        &servers,
        |asked| steadily(asked, has_none),
        |asked| steadily(asked, has_some),
    )
}

fn not_validating(facts: &Facts) -> Vec<String> {
    let servers = by_server(facts, Question::Bogus);
    against_others(
        &servers,
        |asked| steadily(asked, |one| one.said.has_address()),
        |asked| steadily(asked, |one| one.said == Said::Failed),
    )
}

/// Attempts over an encrypted way, where all are closed and there are two resolvers or more.
fn closed(facts: &Facts, way: Way) -> Vec<&Asked> {
    let attempts: Vec<&Asked> = facts
        .of(Question::Target)
        .filter(|asked| asked.server.0 == way)
        .collect();
    let resolvers: BTreeSet<i64> = attempts.iter().map(|asked| asked.server.1).collect();
    let is_repeated = |which: &i64| {
        let own = attempts.iter().filter(|asked| asked.server.1 == *which);
        let rounds: BTreeSet<i64> = own.map(|asked| asked.round).collect();
        rounds.len() >= REPEATS_MIN
    };
    let all_closed = attempts.iter().all(|asked| asked.is_closed);
    if resolvers.len() >= REPEATS_MIN && all_closed && resolvers.iter().all(is_repeated) {
        return attempts;
    }
    Vec::new()
}

fn dot_blocked(facts: &Facts) -> Vec<String> {
    let attempts = closed(facts, Way::Dot);
    let over_tls: BTreeSet<&str> = attempts
        .iter()
        .map(|asked| asked.resolver.as_str())
        .collect();
    let in_clear: Vec<&Asked> = facts
        .of(Question::Neutral)
        .filter(|asked| matches!(asked.server.0, Way::Configured | Way::Public))
        .filter(|asked| asked.said != Said::Nothing && over_tls.contains(asked.resolver.as_str()))
        .collect();
    let answering: BTreeSet<&str> = in_clear
        .iter()
        .map(|asked| asked.resolver.as_str())
        .collect();
    if answering.len() < REPEATS_MIN {
        return Vec::new();
    }
    [pointers(&attempts), pointers(&in_clear)].concat()
}

fn doh_blocked(facts: &Facts) -> Vec<String> {
    pointers(&closed(facts, Way::Doh))
}
