//! What each server says of the target when all of its answers are taken together.
use super::facts::{Asked, Facts, Kind, Question, Said, Server, Way};
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::verdict::Mechanism;

/// Rounds in which a server must have said the same.
pub(super) const REPEATS_MIN: usize = 2;

/// What a server says of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// An address that holds its certificate.
    Certified,
    /// False addresses each time.
    False(Mechanism),
    /// That it has none, each time.
    Denied(Mechanism),
    /// Addresses that nothing is known of, or now this and now that.
    Unclear,
    /// Nothing, or a failure, which never counts as a denial.
    Silent,
}

impl Word {
    /// As the verdict tells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Certified => "certified",
            Self::False(_) => "false",
            Self::Denied(_) => "denied",
            Self::Unclear => "unclear",
            Self::Silent => "silent",
        }
    }

    /// How it misleads, where it does.
    pub(super) fn misleads(self) -> Option<Mechanism> {
        match self {
            Self::False(mechanism) | Self::Denied(mechanism) => Some(mechanism),
            _ => None,
        }
    }
}

/// A server and its word.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) server: Server,
    pub(super) is_own: bool,
    pub(super) resolver: String,
    pub(super) word: Word,
    /// What it rests on.
    pub(super) at: Vec<String>,
}

/// Every server that was asked for the target, but silent addresses.
pub(super) fn spoken(facts: &Facts) -> Vec<Spoken> {
    let mut by_server: BTreeMap<Server, Vec<&Asked>> = BTreeMap::new();
    for asked in facts.of(Question::Target) {
        if asked.server.0 != Way::Silent {
            by_server.entry(asked.server).or_default().push(asked);
        }
    }
    let servers = by_server.into_iter();
    servers
        .map(|(server, asked)| {
            let word = word(facts, server.0, &asked);
            let mut at: Vec<String> = asked.iter().map(|one| one.at.clone()).collect();
            at.extend(asked.iter().flat_map(|one| facts.looks_at(&one.said)));
            Spoken {
                server,
                is_own: asked.iter().any(|one| one.is_own) && !forwards(facts, server),
                resolver: asked
                    .first()
                    .map(|one| one.resolver.clone())
                    .unwrap_or_default(),
                word,
                at,
            }
        })
        .collect()
}

/// Whether a resolver of the device asks from the network of one public resolver and of no other: it
/// hands questions on to that, as a router at home does, and its answers are that one's policy.
fn forwards(facts: &Facts, server: Server) -> bool {
    let of = |wanted: Server| facts.oneself.iter().filter(move |one| one.server == wanted);
    let own: Vec<&String> = of(server).flat_map(|one| &one.networks).collect();
    let public = facts.oneself.iter().filter(|one| {
        let mut networks = one.networks.iter();
        one.server.0 == Way::Public && networks.any(|network| own.contains(&network))
    });
    let public: BTreeSet<Server> = public.map(|one| one.server).collect();
    public.len() == 1
}

fn word(facts: &Facts, way: Way, asked: &[&Asked]) -> Word {
    let mut rounds: BTreeMap<i64, Vec<&Asked>> = BTreeMap::new();
    for one in asked {
        rounds.entry(one.round).or_default().push(one);
    }
    let words = rounds.values().map(|round| word_of_round(facts, round));
    let words: Vec<Word> = words.filter(|word| *word != Word::Silent).collect();
    if words.contains(&Word::Certified) {
        return Word::Certified;
    }
    let Some(first) = words.first() else {
        return Word::Silent;
    };
    // What is encrypted cannot be changed on the way, and is asked until it answers once.
    let is_steady = words.len() >= REPEATS_MIN || matches!(way, Way::Dot | Way::Doh);
    let are_alike = words.iter().all(|word| match first {
        Word::False(_) => matches!(word, Word::False(_)),
        // Resolvers say NXDOMAIN now and give nothing then: what counts is that no address comes.
        Word::Denied(_) => matches!(word, Word::Denied(_)),
        _ => false,
    });
    if is_steady && are_alike {
        return *first;
    }
    Word::Unclear
}

/// Both families of one round together: what a program would make of them.
fn word_of_round(facts: &Facts, asked: &[&Asked]) -> Word {
    let said = || asked.iter().map(|one| &one.said);
    if said().any(|said| facts.is_certified(said)) {
        return Word::Certified;
    }
    let mut with_address = said().filter(|said| said.has_address()).peekable();
    if let Some(first) = with_address.peek() {
        let mechanism = mechanism(first);
        if with_address.all(|said| facts.is_false(said)) {
            return Word::False(mechanism);
        }
        return Word::Unclear;
    }
    let v4 = asked.iter().find(|one| !one.is_v6).map(|one| &one.said);
    match v4 {
        // An address of the other family may exist: only where both are denied nothing is left.
        Some(Said::Denied(mechanism)) if said().all(Said::speaks) => Word::Denied(*mechanism),
        Some(Said::Denied(_)) => Word::Unclear,
        _ => Word::Silent,
    }
}

/// How an answer misleads, by what it says.
pub(super) fn mechanism(said: &Said) -> Mechanism {
    match said {
        Said::Addresses(_, Kind::Bogon) => Mechanism::DnsInjectionBogon,
        Said::Addresses(_, Kind::Sinkhole) => Mechanism::DnsInjectionBlockpage,
        Said::Denied(mechanism) => *mechanism,
        _ => Mechanism::DnsInjectionOther,
    }
}
