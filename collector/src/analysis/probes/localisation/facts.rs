//! What first messages that end on the way came to, read from a record: by name and hop.
use super::super::attempts::{Name, at, shown};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::observation::Observation;

/// What one message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The far end said something.
    Answered,
    /// The connection was cut off.
    Cut,
    /// A router said that it ended there.
    Ended,
    /// Nothing came back.
    Silent,
    /// Nothing is known: no connection, or an error of the device.
    Unknown,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) fate: Fate,
    /// Whether it was cut off and something else came on the same connection: who cuts lets it pass.
    pub(super) is_beside: bool,
    pub(super) at: String,
}

/// The messages under both names that went equally far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) target: Vec<Probe>,
    pub(super) neutral: Vec<Probe>,
}

/// Who stands at a hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Router {
    /// Its address; none where it is the volunteer's, or that of his operator's private network.
    pub(super) address: Option<String>,
    pub(super) at: String,
}

/// Everything that a record says of where somebody interferes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Messages that went the whole way.
    pub(super) whole: Hop,
    /// By the hop at which they ended.
    pub(super) hops: BTreeMap<i64, Hop>,
    pub(super) routers: BTreeMap<i64, Router>,
}

impl Hop {
    pub(super) fn pointers(&self) -> Vec<String> {
        let both = self.target.iter().chain(&self.neutral);
        both.map(|probe| probe.at.clone()).collect()
    }
}

/// Whether these came out the same way, often enough.
pub(super) fn always(probes: &[Probe], least: usize, is: impl Fn(Fate) -> bool) -> bool {
    probes.len() >= least && probes.iter().all(|probe| is(probe.fate))
}

/// Reads a record.
pub(super) fn read(observations: &[Observation]) -> Walk {
    let mut walk = Walk::default();
    for (index, seen) in observations.iter().enumerate() {
        match seen.operation.as_str() {
            "trace_hop" => note_router(&mut walk, seen, index),
            "ttl_probe" | "connect" => note_probe(&mut walk, seen, index),
            _ => {}
        }
    }
    walk
}

fn note_router(walk: &mut Walk, seen: &Observation, index: usize) {
    let is_hidden = seen.detail.get("hidden") == Some(&Value::Bool(true));
    let ends_here = seen.detail.get("answer").and_then(Value::as_str) == Some("ttl_end");
    let Some(ttl) = ttl(seen).filter(|_| is_hidden || ends_here) else {
        return;
    };
    let router = Router {
        address: seen.subject.clone().filter(|_| !is_hidden),
        at: at(index),
    };
    walk.routers.entry(ttl).or_insert(router);
}

fn note_probe(walk: &mut Walk, seen: &Observation, index: usize) {
    let hop = match (seen.detail.get("ttl"), ttl(seen)) {
        (None, _) => &mut walk.whole,
        (Some(_), Some(ttl)) => walk.hops.entry(ttl).or_default(),
        (Some(_), None) => return,
    };
    let probes = match shown(seen) {
        Some(Name::Target) => &mut hop.target,
        Some(Name::Neutral) => &mut hop.neutral,
        Some(Name::None | Name::Witness) | None => return,
    };
    let came = came(seen);
    let has = |word: &str| came.contains(word);
    let is_reset = has("reset");
    let fate = match () {
        () if seen.operation == "connect" || has("other") => Fate::Unknown,
        () if is_reset || (has("closed") && !has("data")) => Fate::Cut,
        () if has("data") => Fate::Answered,
        () if has("router") => Fate::Ended,
        () if came.is_empty() => Fate::Silent,
        () => Fate::Unknown,
    };
    probes.push(Probe {
        fate,
        is_beside: is_reset && (has("data") || has("router")),
        at: at(index),
    });
}

fn came(seen: &Observation) -> BTreeSet<&str> {
    let came = seen.detail.get("came").and_then(Value::as_array);
    came.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The hop of a step; a TTL has eight bits.
fn ttl(seen: &Observation) -> Option<i64> {
    let ttl = seen.detail.get("ttl")?.as_i64()?;
    (1..=255).contains(&ttl).then_some(ttl)
}
