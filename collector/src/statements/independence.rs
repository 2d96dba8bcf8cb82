//! Who counts as one. A figure's unit is the independent agent, not the row and not the key.
//!
//! Rules:
//! 1. Two agents are not independent when both were seen with the same enrolment batch, group id
//!    and autonomous system: one person may run them both.
//! 2. On mobile access the group id is left out: an operator's address translation puts many
//!    subscribers behind one prefix, and one subscriber wanders over several.
//! 3. An agent that moved between networks stays one agent: what was joined by rule 1 anywhere in
//!    the period is one unit, and an agent lies in exactly one unit.
//! 4. A unit's value is the median of its agents' values.
//!
//! Joins by a single-use invitation are a batch each; joins by an n-use invitation are one batch,
//! unless the inviter vouched that they are distinct people.
use super::quantile::median;
use super::suppress::UnitValue;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use tonle_evidence::hash::Id64;

/// A network that an agent was seen in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sighting {
    /// Autonomous system, where known.
    pub asn: Option<u32>,
    /// The month's group id of the prefix; `None` on mobile access (rule 2).
    pub group_id: Option<Id64>,
}

/// What one agent gave to a cell over a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPeriod {
    /// Name of the enrolment batch.
    pub batch: String,
    /// Every network the agent was seen in with this access class.
    pub sightings: Vec<Sighting>,
    /// Median of its agent-days, in the metric's unit.
    pub value: i64,
    /// Days with at least one value.
    pub agent_days: u64,
    /// Records behind them.
    pub records: u64,
}

/// Joins agents that may be one person. The answer depends on neither order nor names.
#[must_use]
pub fn units(agents: &[AgentPeriod]) -> Vec<UnitValue> {
    let seen = agents
        .iter()
        .map(|agent| (agent.batch.as_str(), agent.sightings.as_slice()));
    let members_of = |indices: Vec<usize>| indices.into_iter().map(|index| &agents[index]);
    grouped(seen)
        .into_iter()
        .map(|indices| unit(&members_of(indices).collect::<Vec<_>>()))
        .collect()
}

/// Which agents make one unit, as indices: of each agent its batch and its networks are given.
pub fn grouped<'a>(agents: impl Iterator<Item = (&'a str, &'a [Sighting])>) -> Vec<Vec<usize>> {
    let agents: Vec<(&str, &[Sighting])> = agents.collect();
    let mut groups = Groups::of_singles(agents.len());
    let mut first_seen: BTreeMap<(&str, Sighting), usize> = BTreeMap::new();
    for (index, (batch, sightings)) in agents.iter().enumerate() {
        for sighting in *sightings {
            match first_seen.entry((batch, *sighting)) {
                Entry::Occupied(other) => groups.join(index, *other.get()),
                Entry::Vacant(slot) => {
                    slot.insert(index);
                }
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..agents.len() {
        members.entry(groups.root(index)).or_default().push(index);
    }
    members.into_values().collect()
}

/// What some agents give together as one unit; at least one.
pub(super) fn unit(members: &[&AgentPeriod]) -> UnitValue {
    let values: Vec<i64> = members.iter().map(|agent| agent.value).collect();
    UnitValue {
        value: median(&values).expect("a unit has at least one agent"),
        agent_days: members.iter().map(|agent| agent.agent_days).sum(),
        records: members.iter().map(|agent| agent.records).sum(),
    }
}

/// Disjoint sets over indices (union-find with path halving).
struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    fn of_singles(count: usize) -> Self {
        Self {
            parent: (0..count).collect(),
        }
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.parent[index] != index {
            self.parent[index] = self.parent[self.parent[index]];
            index = self.parent[index];
        }
        index
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.parent[one.max(other)] = one.min(other);
    }
}
