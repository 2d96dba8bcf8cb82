//! The one mechanism that decides what may be said of a cell. Pages, API and metrics show its
//! answer and nothing beside it.
//!
//! Rules, in the order they are applied to the independent units of a cell:
//! 1. None: `no_data`.
//! 2. Fewer than k: `suppressed`, no count of anything.
//! 3. One unit gave more than half of the agent-days: `suppressed`. Its value would be the cell's.
//! 4. Below the estimator's floor: `insufficient`, with counts.
//! 5. Else `estimate`, always with its interval.
//!
//! A part of a cell that is published beside the whole is suppressed, too, where it leaves a rest of fewer
//! than five: the two counts would tell the rest's. And where cells are published beside the total of all of
//! them, what is suppressed has at least k together ([`secondary`]).
use super::interval::median_ranks;
use super::quantile::median_of_sorted;
use std::collections::BTreeMap;
use tonle_evidence::statement::{Counts, Figure, State};
use tonle_evidence::window::Window;

/// The thresholds of publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Fewest independent agents of which anything may be said.
    pub k: usize,
    /// Fewest independent agents for a median with its interval.
    pub floor: usize,
    /// Fewest independent agents of a whole that a published part of it may leave over, if it leaves any.
    pub rest: usize,
}

impl Rules {
    /// The rules of everything published but fine cells: k = 5, and six agents for an interval of 95 %.
    pub const PUBLISHED: Self = Self {
        k: 5,
        floor: 6,
        rest: 5,
    };

    /// The rules of fine cells, those of one hour of the day: k = 10.
    pub const FINE: Self = Self {
        k: 10,
        floor: 10,
        rest: 5,
    };

    /// The rules of figures of these hours of the day.
    #[must_use]
    pub fn of(window: Window) -> Self {
        match window {
            Window::All | Window::Peak | Window::OffPeak => Self::PUBLISHED,
            Window::Hour(_) => Self::FINE,
        }
    }

    /// Whether enough independent agents stand behind something for their number, and what only they saw, to
    /// be told.
    #[must_use]
    pub fn tells(&self, agents: usize) -> bool {
        agents >= self.k
    }
}

/// What one independent unit contributes to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitValue {
    /// Its value over the period, in the metric's unit.
    pub value: i64,
    /// Days on which its agents gave at least one value, summed over agents.
    pub agent_days: u64,
    /// Records behind it.
    pub records: u64,
}

/// What may be said of a cell with these units.
#[must_use]
pub fn estimate(units: &[UnitValue], rules: &Rules) -> State {
    if units.is_empty() {
        return State::NoData;
    }
    if !rules.tells(units.len()) || is_dominated(units) {
        return State::Suppressed;
    }
    let counts = counts(units);
    match figure(units, rules.floor) {
        Some(figure) => State::Estimate { figure, counts },
        None => State::Insufficient { counts },
    }
}

/// What may be said of a part of a cell, such as its peak hours, beside the wholes of `around` agents that it
/// is a part of.
#[must_use]
pub fn estimate_part(part: &[UnitValue], around: &[usize], rules: &Rules) -> State {
    let rest = |whole: &usize| whole.saturating_sub(part.len());
    if around
        .iter()
        .map(rest)
        .any(|rest| (1..rules.rest).contains(&rest))
    {
        return State::Suppressed;
    }
    estimate(part, rules)
}

/// Which cells have to be suppressed with those that are, where the total over all of them is
/// published: as many of the smallest as it takes for at least `k` agents to be hidden.
///
/// `cells` are numbers of agents, and whether the cell is shown; the answer holds indices of shown ones.
#[must_use]
pub fn secondary(cells: &[(usize, bool)], k: usize) -> Vec<usize> {
    let hidden = cells
        .iter()
        .filter(|(_, shown)| !shown)
        .map(|(agents, _)| agents);
    let mut hidden: usize = hidden.sum();
    let mut shown: Vec<usize> = (0..cells.len()).filter(|index| cells[*index].1).collect();
    shown.sort_by_key(|index| cells[*index].0);
    let mut also = Vec::new();
    for index in shown {
        if hidden == 0 || hidden >= k {
            break;
        }
        hidden += cells[index].0;
        also.push(index);
    }
    also
}

/// A cell that is published beside the total over all cells of its group.
#[derive(Debug, Clone)]
pub struct Beside<G> {
    /// Of whom the total is published.
    pub group: G,
    /// Its units, in the hours that are asked for.
    pub part: Vec<UnitValue>,
    /// How many units it has over the whole day, and in each part of it that holds these hours and is
    /// published, too; nothing where the whole day is asked for.
    pub around: Vec<usize>,
}

/// What may be said of each of several cells, with those that [`secondary`] suppresses.
#[must_use]
pub fn estimate_beside<G: Ord>(cells: &[Beside<G>], rules: &Rules) -> Vec<State> {
    let alone = |cell: &Beside<G>| estimate_part(&cell.part, &cell.around, rules);
    let mut states: Vec<State> = cells.iter().map(alone).collect();
    let mut groups: BTreeMap<&G, Vec<usize>> = BTreeMap::new();
    for (index, cell) in cells.iter().enumerate() {
        groups.entry(&cell.group).or_default().push(index);
    }
    for members in groups.values() {
        let agents: Vec<(usize, bool)> = members
            .iter()
            .map(|index| (cells[*index].part.len(), states[*index].shows_counts()))
            .collect();
        for hidden in secondary(&agents, rules.k) {
            states[members[hidden]] = State::Suppressed;
        }
    }
    states
}

/// True when one unit gave more than half of all agent-days.
fn is_dominated(units: &[UnitValue]) -> bool {
    let total: u128 = units.iter().map(|unit| u128::from(unit.agent_days)).sum();
    let largest = units.iter().map(|unit| unit.agent_days).max().unwrap_or(0);
    u128::from(largest) * 2 > total
}

fn counts(units: &[UnitValue]) -> Counts {
    let sum = |of: fn(&UnitValue) -> u64| units.iter().map(of).fold(0, u64::saturating_add);
    Counts {
        agents: units.len() as u64,
        agent_days: sum(|unit| unit.agent_days),
        records: sum(|unit| unit.records),
    }
}

/// The median with its interval; `None` below the floor.
fn figure(units: &[UnitValue], floor: usize) -> Option<Figure> {
    if units.len() < floor {
        return None;
    }
    let mut values: Vec<i64> = units.iter().map(|unit| unit.value).collect();
    values.sort_unstable();
    let ranks = median_ranks(values.len())?;
    Some(Figure {
        median: median_of_sorted(&values)?,
        low: values[ranks.lower - 1],
        high: values[ranks.upper - 1],
        coverage_ppm: ranks.coverage_ppm(),
    })
}
