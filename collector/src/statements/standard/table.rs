//! A published table: every cell that is held against a rule in one month, judged together.
//!
//! 1. Suppression is that of all figures ([`suppress`](crate::statements::suppress)), and where the
//!    suppressed operators of a province could be reckoned from the province's own figure, the
//!    smallest shown one is suppressed with them.
//! 2. A cell below the rule's floors, or with too few agents for its statistic, is `insufficient`.
//! 3. `meets` and `does_not_meet` need the statistic's own bound on that side. `does_not_meet` has to
//!    stand over the whole table, too: the chance of any false one in it is at most [`FALSE_MAX`],
//!    by Holm's procedure over every cell that has evidence.
use super::{Evidence, UnitSamples, evidence};
use crate::statements::suppress::{Beside, Rules, UnitValue, estimate_beside};
use crate::statements::{holm, quantile::median};
use tonle_evidence::standard::{Bounded, Held, Judgement, Op, Standard, Statistic};
use tonle_evidence::statement::{Counts, State};

/// Highest chance of any false `does_not_meet` in one table.
pub const FALSE_MAX: f64 = 0.05;
/// Parts per million of one.
const PPM: f64 = 1e6;

/// A cell to be held against a rule.
#[derive(Debug, Clone)]
pub struct Cell<'a> {
    /// The rule.
    pub standard: &'a Standard,
    /// Whatever cells have in common of which the total is published: its province.
    pub group: &'a str,
    /// Its independent agents, in the hours of the rule.
    pub units: Vec<UnitSamples>,
    /// Its independent agents over the whole day.
    pub whole: Vec<UnitSamples>,
    /// Seed of resampling.
    pub seed: u64,
}

/// What is said of the cells, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// One per cell.
    pub held: Vec<Held>,
    /// Cells that had evidence: the family over which false accusations are controlled.
    pub family: usize,
}

/// Judges the cells of one table.
#[must_use]
pub fn judge(cells: &[Cell<'_>]) -> Table {
    let states = states(cells);
    let evidences: Vec<Option<Evidence>> = cells
        .iter()
        .zip(&states)
        .map(|(cell, state)| evidence_of(cell, state))
        .collect();
    let accused: Vec<usize> = (0..cells.len())
        .filter(|index| evidences[*index].is_some())
        .collect();
    let chances: Vec<f64> = evidences
        .iter()
        .flatten()
        .map(|seen| seen.chance_if_met)
        .collect();
    let mut stands = vec![false; cells.len()];
    for (index, stood) in accused.iter().zip(holm::standing(&chances, FALSE_MAX)) {
        stands[*index] = stood;
    }
    let held = cells
        .iter()
        .zip(states)
        .zip(evidences.iter().zip(stands))
        .map(|((cell, state), (seen, stands))| held(cell.standard, state, seen.as_ref(), stands))
        .collect();
    Table {
        held,
        family: accused.len(),
    }
}

/// What may be shown of each cell.
fn states(cells: &[Cell<'_>]) -> Vec<State> {
    let values = |units: &[UnitSamples]| units.iter().filter_map(value_of).collect();
    let beside = cells.iter().map(|cell| Beside {
        group: (cell.standard.id.as_str(), cell.standard.version, cell.group),
        part: values(&cell.units),
        around: vec![cell.whole.len()],
    });
    estimate_beside(&beside.collect::<Vec<_>>(), &Rules::PUBLISHED)
}

fn value_of(unit: &UnitSamples) -> Option<UnitValue> {
    Some(UnitValue {
        value: median(&unit.values)?,
        agent_days: unit.agent_days,
        records: unit.records,
    })
}

/// The cell's evidence, where it may be shown and its rule has a threshold and its floors.
fn evidence_of(cell: &Cell<'_>, state: &State) -> Option<Evidence> {
    let counts = counts_of(state)?;
    let standard = cell.standard;
    if counts.agents < standard.min_agents || counts.agent_days < standard.min_days {
        return None;
    }
    evidence(standard, standard.threshold?, &cell.units, cell.seed)
        .filter(|seen| seen.low.is_some() || seen.high.is_some())
}

fn counts_of(state: &State) -> Option<Counts> {
    match state {
        State::NoData | State::Suppressed => None,
        State::Insufficient { counts } | State::Estimate { counts, .. } => Some(*counts),
    }
}

fn held(standard: &Standard, state: State, seen: Option<&Evidence>, stands: bool) -> Held {
    let counts = match state {
        State::NoData => return Held::NoData,
        State::Suppressed => return Held::Suppressed,
        State::Insufficient { counts } | State::Estimate { counts, .. } => counts,
    };
    let (judgement, bounded) = match (standard.threshold, seen) {
        (None, _) => (Judgement::NoStandard, None),
        (Some(_), None) => (Judgement::Insufficient, None),
        (Some(threshold), Some(seen)) => (
            judgement(standard, threshold, seen, stands),
            Some(bounded(standard, seen)),
        ),
    };
    Held::Judged {
        judgement,
        bounded,
        counts,
    }
}

fn judgement(standard: &Standard, threshold: i64, seen: &Evidence, stands: bool) -> Judgement {
    // Shares are asked to be large enough whichever side of the threshold is the right one.
    let (op, asked) = match standard.statistic.min_share_ppm() {
        Some(ppm) => (Op::AtLeast, ppm as f64 / PPM),
        None => (standard.op, threshold as f64),
    };
    let (right, wrong) = match op {
        Op::AtLeast => (
            seen.low.is_some_and(|low| low >= asked),
            seen.high.is_some_and(|high| high < asked),
        ),
        Op::AtMost => (
            seen.high.is_some_and(|high| high <= asked),
            seen.low.is_some_and(|low| low > asked),
        ),
    };
    match (right, wrong && stands) {
        (_, true) => Judgement::DoesNotMeet,
        (true, false) => Judgement::Meets,
        (false, false) => Judgement::Inconclusive,
    }
}

/// In whole units, or parts per million; bounds are rounded outwards.
fn bounded(standard: &Standard, seen: &Evidence) -> Bounded {
    let scale = match standard.statistic {
        Statistic::Mean | Statistic::Percentile { .. } => 1.0,
        Statistic::Share { .. } | Statistic::AgentShare { .. } => PPM,
    };
    Bounded {
        value: whole((seen.value * scale).round()),
        low: seen.low.map(|low| whole((low * scale).floor())),
        high: seen.high.map(|high| whole((high * scale).ceil())),
    }
}

fn whole(value: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "values of metrics lie within ±(2^53−1), and a wider bound is cut to what an i64 holds"
    )]
    let whole = value as i64;
    whole
}
