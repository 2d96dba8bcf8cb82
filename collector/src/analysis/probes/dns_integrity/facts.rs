//! What a record of `dns_integrity` holds, read from its labels. Steps without them are of no interest.
use crate::analysis::probes::attempts::{at, round};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::Mechanism;

/// Who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Configured,
    Public,
    Silent,
    Dot,
    Doh,
}

impl Way {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Public => "public",
            Self::Silent => "silent",
            Self::Dot => "dot",
            Self::Doh => "doh",
        }
    }
}

/// Somebody who was asked, and which of his kind.
pub(super) type Server = (Way, i64);

/// What was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Target,
    Neutral,
    Absent,
    NoData,
    Signed,
    Bogus,
}

/// What is known of an answer's addresses by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Plain,
    /// One of them is an address that no public service can have.
    Bogon,
    /// One of them is a known sinkhole.
    Sinkhole,
}

/// Tells known sinkholes.
pub(super) type IsSinkhole<'a> = &'a dyn Fn(&str) -> bool;

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// These addresses.
    Addresses(Vec<String>, Kind),
    /// That there is none, in these words.
    Denied(Mechanism),
    /// Something that neither gives nor denies: SERVFAIL, or a code that nobody uses.
    Failed,
    /// Nothing.
    Nothing,
}

impl Said {
    pub(super) fn has_address(&self) -> bool {
        matches!(self, Self::Addresses(..))
    }

    /// Whether it gives or denies: SERVFAIL and silence never count.
    pub(super) fn speaks(&self) -> bool {
        matches!(self, Self::Addresses(..) | Self::Denied(_))
    }
}

/// One question and what came back.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) at: String,
    pub(super) server: Server,
    /// A resolver of the device that is no public one.
    pub(super) is_own: bool,
    /// As it is written.
    pub(super) resolver: String,
    pub(super) question: Question,
    pub(super) is_v6: bool,
    pub(super) round: i64,
    pub(super) said: Said,
    /// Answers after the first.
    pub(super) late: Vec<Said>,
    /// Signatures that came, where they were asked for.
    pub(super) signatures: Option<i64>,
    /// The way to an encrypted resolver is closed.
    pub(super) is_closed: bool,
}

/// What an address shows under the target's name, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// Its certificate.
    Valid,
    /// Another's.
    Foreign,
    /// Nothing.
    Unreached,
}

/// What somebody says of itself: a network that it asks from, or a text by its number.
#[derive(Debug, Clone)]
pub(super) struct Oneself {
    pub(super) at: String,
    pub(super) server: Server,
    pub(super) is_own: bool,
    pub(super) networks: Vec<String>,
    pub(super) says: Option<i64>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) asked: Vec<Asked>,
    pub(super) proofs: BTreeMap<String, (Proof, String)>,
    pub(super) oneself: Vec<Oneself>,
    /// Addresses that were given for the target over an encrypted way.
    in_private: BTreeSet<String>,
    /// Networks of the addresses that hold its certificate.
    valid_networks: BTreeSet<Vec<u8>>,
}

impl Facts {
    pub(super) fn read(observations: &[Observation], is_sinkhole: IsSinkhole<'_>) -> Self {
        let mut facts = Self::default();
        for (index, seen) in observations.iter().enumerate() {
            match seen.operation.as_str() {
                "resolve" => facts.asked.extend(asked(index, seen, is_sinkhole)),
                "connect" | "tls_handshake" => facts.prove(index, seen),
                "resolver_identity" | "server_identity" => {
                    facts.oneself.extend(oneself(index, seen));
                }
                _ => {}
            }
        }
        facts.in_private = given_in_private(&facts.asked);
        facts.valid_networks = facts
            .valid()
            .filter_map(|(one, _)| network_of(one))
            .collect();
        facts
    }

    fn prove(&mut self, index: usize, seen: &Observation) {
        let subject = seen.subject.as_deref().unwrap_or_default();
        let Ok(peer) = subject.parse::<SocketAddr>() else {
            return;
        };
        if text(seen, "asked") != "answered" {
            return;
        }
        let proof = match (seen.operation.as_str(), &seen.failure) {
            // Its handshake follows.
            ("connect", None) => return,
            ("tls_handshake", None) => Proof::Valid,
            (_, Some(Failure::SslInvalidHostname | Failure::SslUnknownAuthority)) => Proof::Foreign,
            _ => Proof::Unreached,
        };
        let address = peer.ip().to_string();
        let known = self.proofs.get(&address);
        if known.is_none_or(|(known, _)| proof < *known) {
            self.proofs.insert(address, (proof, at(index)));
        }
    }

    pub(super) fn of(&self, question: Question) -> impl Iterator<Item = &Asked> {
        let all = self.asked.iter();
        all.filter(move |asked| asked.question == question)
    }

    /// The addresses that hold the target's certificate, with where that was seen.
    pub(super) fn valid(&self) -> impl Iterator<Item = (&str, &str)> {
        let proofs = self.proofs.iter();
        let valid = proofs.filter(|(_, (proof, _))| *proof == Proof::Valid);
        valid.map(|(address, (_, at))| (address.as_str(), at.as_str()))
    }

    /// Whether one of the addresses holds the target's certificate.
    pub(super) fn is_certified(&self, said: &Said) -> bool {
        let Said::Addresses(addresses, _) = said else {
            return false;
        };
        let mut proofs = addresses.iter().filter_map(|one| self.proofs.get(one));
        proofs.any(|(proof, _)| *proof == Proof::Valid)
    }

    /// Whether an answer with addresses is false: one is a known sinkhole; or each one that was looked at
    /// is nobody's, holds another's certificate, or leads nowhere: far from every address that holds
    /// the target's, and not given over an encrypted way, where it would be the site's, reached or not.
    pub(super) fn is_false(&self, said: &Said) -> bool {
        let Said::Addresses(addresses, kind) = said else {
            return false;
        };
        if self.is_certified(said) || self.valid().next().is_none() {
            return false;
        }
        if *kind == Kind::Sinkhole {
            return true;
        }
        let looked_at = addresses
            .iter()
            .filter_map(|one| Some((one, self.proofs.get(one)?)));
        let mut looked_at = looked_at.peekable();
        if looked_at.peek().is_none() {
            return *kind == Kind::Bogon;
        }
        looked_at.all(|(address, (proof, _))| {
            let network = network_of(address);
            let is_near = network.is_some_and(|network| self.valid_networks.contains(&network));
            *proof == Proof::Foreign || !(is_near || self.in_private.contains(address))
        })
    }

    /// Where the addresses of an answer were looked at.
    pub(super) fn looks_at(&self, said: &Said) -> Vec<String> {
        let Said::Addresses(addresses, _) = said else {
            return Vec::new();
        };
        let proofs = addresses.iter().filter_map(|one| self.proofs.get(one));
        proofs.map(|(_, at)| at.clone()).collect()
    }
}

/// The /24 or /48 of an address: one of several that a site has is near the others.
fn network_of(address: &str) -> Option<Vec<u8>> {
    Some(match address.parse().ok()? {
        IpAddr::V4(v4) => v4.octets()[..3].to_vec(),
        IpAddr::V6(v6) => v6.octets()[..6].to_vec(),
    })
}

fn given_in_private(asked: &[Asked]) -> BTreeSet<String> {
    let encrypted = asked.iter().filter(|asked| {
        asked.question == Question::Target && matches!(asked.server.0, Way::Dot | Way::Doh)
    });
    let given = encrypted.filter_map(|asked| match &asked.said {
        Said::Addresses(addresses, _) => Some(addresses.clone()),
        _ => None,
    });
    given.flatten().collect()
}

fn asked(index: usize, seen: &Observation, is_sinkhole: IsSinkhole<'_>) -> Option<Asked> {
    let question = match text(seen, "question") {
        "target" => Question::Target,
        "neutral" => Question::Neutral,
        "absent" => Question::Absent,
        "no_data" => Question::NoData,
        "signed" => Question::Signed,
        "bogus" => Question::Bogus,
        _ => return None,
    };
    // Nothing was sent, so nothing was said.
    let not_asked = ["contacted", "sent"].map(|key| seen.detail.get(key) == Some(&false.into()));
    if not_asked.contains(&true) {
        return None;
    }
    let server = server(seen)?;
    Some(Asked {
        at: at(index),
        server,
        is_own: is_own(seen, server),
        resolver: text(seen, "resolver").to_owned(),
        question,
        is_v6: text(seen, "query_type") == "AAAA",
        round: round(seen)?,
        said: first(seen, is_sinkhole),
        late: late(seen, is_sinkhole),
        signatures: seen.detail.get("signatures").and_then(Value::as_i64),
        is_closed: is_closed(seen),
    })
}

fn oneself(index: usize, seen: &Observation) -> Option<Oneself> {
    let server = server(seen)?;
    // The version of a program is no name of a server: many run the same.
    let is_version = seen.subject.as_deref() == Some("version.bind");
    let says = seen.detail.get("says").and_then(Value::as_i64);
    Some(Oneself {
        at: at(index),
        server,
        is_own: is_own(seen, server),
        networks: texts(seen, "addresses"),
        says: says.filter(|_| !is_version),
    })
}

fn server(seen: &Observation) -> Option<Server> {
    let way = match text(seen, "asked") {
        "configured" => Way::Configured,
        "public" => Way::Public,
        "silent" => Way::Silent,
        "dot" => Way::Dot,
        "doh" => Way::Doh,
        _ => return None,
    };
    Some((way, seen.detail.get("which").and_then(Value::as_i64)?))
}

fn is_own(seen: &Observation, (way, _): Server) -> bool {
    way == Way::Configured && seen.detail.get("known_public") != Some(&true.into())
}

fn first(seen: &Observation, is_sinkhole: IsSinkhole<'_>) -> Said {
    match &seen.failure {
        None => addresses(texts(seen, "addresses"), Kind::Plain, is_sinkhole),
        Some(Failure::DnsBogon) => addresses(texts(seen, "addresses"), Kind::Bogon, is_sinkhole),
        Some(Failure::DnsNxdomain) => Said::Denied(Mechanism::DnsNxdomain),
        Some(Failure::DnsNoAnswer) => Said::Denied(Mechanism::DnsNoAnswer),
        Some(Failure::DnsRefused) => Said::Denied(Mechanism::DnsRefused),
        Some(_) if seen.detail.contains_key("rcode") => Said::Failed,
        Some(_) => Said::Nothing,
    }
}

/// An answer with addresses. Those of the volunteer's side are written by their kind, and are nobody's.
fn addresses(list: Vec<String>, kind: Kind, is_sinkhole: IsSinkhole<'_>) -> Said {
    let is_nobodys = |one: &String| one.parse::<IpAddr>().is_err();
    let kind = match kind {
        _ if list.iter().any(|one| is_sinkhole(one)) => Kind::Sinkhole,
        Kind::Plain if list.iter().any(is_nobodys) => Kind::Bogon,
        kind => kind,
    };
    Said::Addresses(list, kind)
}

/// Answers after the first, by their codes (RFC 1035, section 4.1.1).
fn late(seen: &Observation, is_sinkhole: IsSinkhole<'_>) -> Vec<Said> {
    let codes = seen.detail.get("late_rcode").and_then(Value::as_array);
    let codes = codes.into_iter().flatten().map(Value::as_i64);
    let answers = codes.zip(texts(seen, "late_addresses"));
    answers
        .map(|(code, joined)| {
            let list: Vec<String> = joined.split_whitespace().map(str::to_owned).collect();
            match code {
                Some(0) if list.is_empty() => Said::Denied(Mechanism::DnsNoAnswer),
                Some(0) => addresses(list, Kind::Plain, is_sinkhole),
                Some(3) => Said::Denied(Mechanism::DnsNxdomain),
                Some(5) => Said::Denied(Mechanism::DnsRefused),
                _ => Said::Failed,
            }
        })
        .collect()
}

/// Whether the way to an encrypted resolver broke off before it was asked, by what is no outage of its
/// own: a name that is denied, a connection or a handshake that does not come.
fn is_closed(seen: &Observation) -> bool {
    match text(seen, "failed_at") {
        "connect" | "tls_handshake" => true,
        "resolve" => first(seen, &|_| false).speaks(),
        _ => false,
    }
}

fn text<'a>(seen: &'a Observation, key: &str) -> &'a str {
    let value = seen.detail.get(key).and_then(Value::as_str);
    value.unwrap_or_default()
}

fn texts(seen: &Observation, key: &str) -> Vec<String> {
    let list = seen.detail.get(key).and_then(Value::as_array);
    let texts = list.into_iter().flatten().map(Value::as_str);
    texts
        .map(|one| one.unwrap_or_default().to_owned())
        .collect()
}
