//! Where ways leave the country, and whether one leaves as the others of its network do.
//!
//! An exit is a pair of address ranges (/24 or /48): of the last router on this side and of the first
//! on the other. `hidden` stands for the volunteer's side. In this order:
//!
//! - G1 `table`: around the first router abroad (see `side`).
//! - G2 `step`: where no table tells sides apart, the largest step of the round-trip time, as the
//!   device found it.
//!
//! Ways of one access network in one month are compared. The usual exit is the one that most agents
//! used, then the one of most ways, then the first by name. A way leaves by the `usual` one, by
//! `another`, or its exit is the `only` one known; a way without an exit says nothing.
use super::side::{Atlas, Side};
use super::way::Way;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Id and version of these rules.
pub const RULES: &str = "tonle.gateway/1";
/// Stands for what is not written.
const HIDDEN: &str = "hidden";

/// Where a way leaves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Exit {
    /// Range of the last router on this side, or `hidden`.
    pub before: String,
    /// Range of the first on the other.
    pub after: String,
}

/// How a way leaves, compared with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaves {
    /// By the exit that most agents of this network used.
    Usual,
    /// By another one.
    Another,
    /// There is no other way to compare it with.
    Only,
}

/// The exit of a way, with the rule that found it.
#[must_use]
pub fn of(way: &Way, access: &[u32], atlas: &Atlas<'_>) -> Option<(&'static str, Exit)> {
    let located = atlas.locate(&way.routers, access);
    if let Some(at) = located.iter().position(|one| one.is_abroad) {
        let before = located[..at].last();
        let exit = Exit {
            before: before.map_or(HIDDEN.to_owned(), |one| range_of(one.router.address)),
            after: range_of(located[at].router.address),
        };
        return Some(("G1", exit));
    }
    let sides_are_told = located.iter().any(|one| one.side != Side::Unmapped);
    let step = way.step.as_ref().filter(|_| !sides_are_told)?;
    let exit = Exit {
        before: step.before.clone(),
        after: step.after.clone(),
    };
    Some(("G2", exit))
}

/// The exits that ways of one network in one month were seen to leave by.
#[derive(Debug, Clone, Default)]
pub struct Sightings {
    seen: BTreeMap<Exit, (BTreeSet<String>, usize)>,
}

impl Sightings {
    /// One way of an agent.
    pub fn add(&mut self, exit: &Exit, agent: &str) {
        let (agents, ways) = self.seen.entry(exit.clone()).or_default();
        agents.insert(agent.to_owned());
        *ways += 1;
    }

    /// The usual exit, with the number of ways that left by it.
    #[must_use]
    pub fn usual(&self) -> Option<(&Exit, usize)> {
        let by_weight = self.seen.iter().max_by_key(|(exit, (agents, ways))| {
            (agents.len(), *ways, std::cmp::Reverse((*exit).clone()))
        });
        by_weight.map(|(exit, (_, ways))| (exit, *ways))
    }

    /// Ways in all.
    #[must_use]
    pub fn ways(&self) -> usize {
        self.seen.values().map(|(_, ways)| ways).sum()
    }

    /// How one of these ways leaves.
    #[must_use]
    pub fn compare(&self, exit: &Exit) -> Leaves {
        match self.usual() {
            _ if self.ways() < 2 => Leaves::Only,
            Some((usual, _)) if usual == exit => Leaves::Usual,
            _ => Leaves::Another,
        }
    }
}

/// The /24 or /48 around an address.
fn range_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let network = Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8));
            format!("{network}/24")
        }
        IpAddr::V6(v6) => {
            let network = Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80));
            format!("{network}/48")
        }
    }
}
