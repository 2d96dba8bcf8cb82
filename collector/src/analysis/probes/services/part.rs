//! One part of a service: what was seen of its places, and what came of it.
use super::elsewhere::{Elsewhere, There};
use crate::analysis::probes::attempts::at;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::Mechanism;

/// Failures of a part that must be alike before anything is said of it.
const REPEATS_MIN: usize = 2;

/// What was seen of one part.
#[derive(Debug, Default)]
pub(super) struct Part {
    reached: bool,
    needs_tls: bool,
    /// Lookups that gave nothing but addresses of nobody, and other lookups.
    forged: usize,
    looked_up: usize,
    /// Handshakes that were cut off, and other steps that failed behind a lookup.
    cut: usize,
    failed: usize,
    /// How often it failed in which way.
    ways: BTreeMap<Way, usize>,
    /// Its hosts, and the addresses that were connected to.
    hosts: BTreeSet<String>,
    addresses: BTreeSet<String>,
    /// Networks that its addresses lie in, where that is known.
    asns: BTreeSet<u64>,
    /// Where its steps stand.
    pub(super) at: Vec<String>,
}

/// A way to fail, in the order of the steps.
type Way = (usize, Mechanism);

impl Part {
    pub(super) fn add(&mut self, index: usize, seen: &Observation) {
        self.needs_tls = seen.detail.get("reach").and_then(Value::as_str) == Some("tls");
        self.at.push(at(index));
        self.hosts.extend(host(seen));
        if seen.operation == "connect" {
            let subject = seen.subject.as_deref().and_then(|one| one.rsplit_once(':'));
            self.addresses
                .extend(subject.map(|(address, _)| bare(address).to_owned()));
        }
        let asns = seen.detail.get("asns").and_then(Value::as_array);
        self.asns
            .extend(asns.into_iter().flatten().filter_map(Value::as_u64));
        if let Some(way) = way(seen) {
            *self.ways.entry(way).or_default() += 1;
        }
        match (seen.operation.as_str(), &seen.failure) {
            ("resolve", Some(Failure::DnsBogon)) => self.forged += 1,
            // That a name has no address of one family says nothing.
            ("resolve", Some(Failure::DnsNoAnswer)) => {}
            ("resolve", _) => self.looked_up += 1,
            ("connect", None) => self.reached |= !self.needs_tls,
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
        self.forged > 0 && self.looked_up == 0 && self.cut == 0
    }

    fn is_cut(&self) -> bool {
        self.cut >= REPEATS_MIN && self.failed == 0
    }

    /// How it failed most often, where that was repeatedly.
    fn mechanism(&self) -> Option<Mechanism> {
        let repeated = self.ways.iter().filter(|(_, times)| **times >= REPEATS_MIN);
        let most = repeated.max_by_key(|((step, _), times)| (**times, *step));
        most.map(|((_, mechanism), _)| *mechanism)
    }
}

/// What came of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Reached,
    Forged,
    Cut,
    KeptOff {
        mechanism: Mechanism,
        heard: Vec<String>,
    },
    Elsewhere {
        heard: Vec<String>,
    },
    Down {
        heard: Vec<String>,
    },
    Unreached,
}

impl Fate {
    pub(super) fn of(part: &Part, elsewhere: &Elsewhere) -> Self {
        let there = elsewhere.of(&part.hosts);
        if part.reached {
            return Self::of_reached(part, &there);
        }
        if part.is_forged() {
            return Self::Forged;
        }
        let fails_there = !there.is_empty() && there.iter().all(|one| one.works == Some(false));
        if fails_there {
            let heard = there.iter().map(|one| one.at.clone()).collect();
            return Self::Down { heard };
        }
        if part.is_cut() {
            return Self::Cut;
        }
        let works = there.iter().filter(|one| one.works == Some(true));
        let heard: Vec<String> = works.map(|one| one.at.clone()).collect();
        match part.mechanism() {
            Some(mechanism) if !heard.is_empty() => Self::KeptOff { mechanism, heard },
            _ => Self::Unreached,
        }
    }

    /// Where a mere connection reaches it, who answered is known by the network alone.
    fn of_reached(part: &Part, there: &[&There]) -> Self {
        if part.needs_tls || part.asns.is_empty() {
            return Self::Reached;
        }
        let is_its = |asn: &u64| part.asns.contains(asn);
        let here = there.iter().flat_map(|one| one.asns_of(&part.addresses));
        let here: BTreeSet<u64> = here.collect();
        let told = there.iter().filter(|one| one.found_asns.iter().any(is_its));
        let heard: Vec<String> = told.map(|one| one.at.clone()).collect();
        if here.is_empty() || here.iter().any(is_its) || heard.is_empty() {
            return Self::Reached;
        }
        Self::Elsewhere { heard }
    }

    pub(super) fn kept_off(&self) -> Option<Mechanism> {
        match self {
            Self::KeptOff { mechanism, .. } => Some(*mechanism),
            _ => None,
        }
    }

    /// Where the answers of controls stand that it rests on.
    pub(super) fn heard(&self) -> &[String] {
        match self {
            Self::KeptOff { heard, .. } | Self::Elsewhere { heard } | Self::Down { heard } => heard,
            _ => &[],
        }
    }

    /// The word of the answer.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Forged => "forged",
            Self::Cut => "cut",
            Self::KeptOff { .. } => "kept_off",
            Self::Elsewhere { .. } => "elsewhere",
            Self::Down { .. } => "down",
            Self::Unreached => "unreached",
        }
    }
}

/// How a step failed, as far as somebody on the way can make it fail so.
fn way(seen: &Observation) -> Option<Way> {
    let cut = (2, Mechanism::TlsResetOther);
    Some(match (seen.operation.as_str(), seen.failure.as_ref()?) {
        ("resolve", Failure::DnsNxdomain) => (0, Mechanism::DnsNxdomain),
        ("resolve", Failure::DnsRefused) => (0, Mechanism::DnsRefused),
        ("connect", Failure::ConnectionRefused) => (1, Mechanism::TcpRefused),
        ("connect", Failure::ConnectionReset) => (1, Mechanism::TcpReset),
        ("connect", Failure::HostUnreachable | Failure::NetworkUnreachable) => {
            (1, Mechanism::IpUnreachable)
        }
        ("connect", Failure::GenericTimeout) => (1, Mechanism::TcpTimeout),
        ("tls_handshake", Failure::GenericTimeout) => (2, Mechanism::TlsTimeout),
        ("tls_handshake", Failure::ConnectionReset | Failure::ConnectionAborted | Failure::Eof) => {
            cut
        }
        _ => return None,
    })
}

/// The host of a step's endpoint; of a lookup the endpoint is the host.
fn host(seen: &Observation) -> Option<String> {
    let endpoint = seen.detail.get("endpoint")?.as_str()?;
    let host = match endpoint.rsplit_once(':') {
        Some((host, _)) if seen.operation != "resolve" => host,
        _ => endpoint,
    };
    Some(bare(host).to_owned())
}

/// An address without the brackets of an IPv6 endpoint.
pub(super) fn bare(address: &str) -> &str {
    address.trim_start_matches('[').trim_end_matches(']')
}
