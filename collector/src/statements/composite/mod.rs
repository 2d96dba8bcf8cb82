//! Use cases held against a cell: each requirement by the interval of its percentile over agents, the use case by
//! what is said of all.
//!
//! Of m requirements, each end of each interval errs with at most (1 − confidence) / 2m: so all intervals of one
//! use case hold at once with the confidence, however its metrics depend on each other (Bonferroni). `met` and
//! `not_met` of one row err no more often than that; over a table of many rows some will.
#[cfg(test)]
mod tests;

use super::order_bounds::{lower_rank, upper_rank};
use super::quantile::{Order, quantile_of_sorted};
use super::suppress::UnitValue;
use tonle_evidence::composite::{
    Level, Part, Percentile, Requirement, Said, Score, Side, UseCase, UseCases,
};
use tonle_evidence::statement::{Counts, State};

/// What is known of one metric in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What may be said of it.
    pub state: State,
    /// Its independent agents' values, in rising order.
    values: Vec<i64>,
}

impl Seen {
    /// Of a cell with these units.
    #[must_use]
    pub fn new(state: State, units: &[UnitValue]) -> Self {
        let mut values: Vec<i64> = units.iter().map(|unit| unit.value).collect();
        values.sort_unstable();
        Self { state, values }
    }
}

/// What is said of a use case as a whole, with its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What is said.
    pub said: Said,
    /// Where every requirement has an interval only.
    pub score: Option<Score>,
    /// One per requirement.
    pub parts: Vec<Part>,
}

/// Holds a cell against a use case; `seen` gives what is known of a requirement's metric.
#[must_use]
pub fn judge<'a>(
    use_cases: &UseCases,
    use_case: &UseCase,
    level: &Level,
    path: &str,
    seen: impl Fn(&Requirement) -> Option<&'a Seen>,
) -> Judged {
    let ends = 2.0 * use_case.requirements.len() as f64;
    let tail = (1.0 - f64::from(use_cases.confidence_permille) / 1_000.0) / ends;
    let parts: Vec<Part> = use_case
        .requirements
        .iter()
        .map(|one| part(one, level, path, seen(one), 1.0 - tail))
        .collect();
    Judged {
        said: together(&parts),
        score: score(&parts),
        parts,
    }
}

fn part(
    asked: &Requirement,
    level: &Level,
    path: &str,
    seen: Option<&Seen>,
    confidence: f64,
) -> Part {
    let percentile = seen.and_then(|seen| percentile(asked, level, seen, confidence));
    let state = seen.map_or(State::NoData, |seen| seen.state);
    Part {
        metric: asked.full_metric(path),
        op: asked.op,
        threshold: asked.threshold,
        weight: asked.weight,
        said: match (state, percentile) {
            (State::NoData, _) => Said::NoData,
            (State::Suppressed, _) => Said::Suppressed,
            (State::Insufficient { .. }, _) | (_, None) => Said::Insufficient,
            (State::Estimate { .. }, Some(percentile)) => side_of(asked, &percentile),
        },
        percentile,
        counts: counts(&state),
    }
}

fn counts(state: &State) -> Option<Counts> {
    match state {
        State::NoData | State::Suppressed => None,
        State::Insufficient { counts } | State::Estimate { counts, .. } => Some(*counts),
    }
}

/// The percentile with the ends that so many agents give; `None` where they give none.
fn percentile(
    asked: &Requirement,
    level: &Level,
    seen: &Seen,
    confidence: f64,
) -> Option<Percentile> {
    if !matches!(seen.state, State::Estimate { .. }) {
        return None;
    }
    let order_permille = level.order_permille(asked.op);
    let order = Order::permille(order_permille)?;
    let (n, values) = (seen.values.len(), &seen.values);
    let low = lower_rank(n, order, confidence).map(|rank| values[rank - 1]);
    let high = upper_rank(n, order, confidence).map(|rank| values[rank - 1]);
    let is_whole = low.is_some() && high.is_some();
    let has_end = low.is_some() || high.is_some();
    has_end.then_some(Percentile {
        order_permille,
        value: quantile_of_sorted(values, order).filter(|_| is_whole),
        low,
        high,
    })
}

/// An end that is missing decides nothing.
fn side_of(asked: &Requirement, percentile: &Percentile) -> Said {
    let threshold = asked.threshold;
    let (is_met, is_not_met) = match asked.op {
        Side::Above => (
            percentile.low.is_some_and(|low| low > threshold),
            percentile.high.is_some_and(|high| high <= threshold),
        ),
        Side::Below => (
            percentile.high.is_some_and(|high| high < threshold),
            percentile.low.is_some_and(|low| low >= threshold),
        ),
    };
    match (is_met, is_not_met) {
        (true, _) => Said::Met,
        (_, true) => Said::NotMet,
        (false, false) => Said::Undecided,
    }
}

/// One requirement that is not met is enough, whatever is not known of the others.
fn together(parts: &[Part]) -> Said {
    let any = |said: Said| parts.iter().any(|part| part.said == said);
    let all_of = |words: &[Said]| parts.iter().all(|part| words.contains(&part.said));
    if any(Said::NotMet) {
        return Said::NotMet;
    }
    if all_of(&[Said::NoData]) {
        return Said::NoData;
    }
    if all_of(&[Said::NoData, Said::Suppressed]) {
        return Said::Suppressed;
    }
    if any(Said::NoData) || any(Said::Suppressed) || any(Said::Insufficient) {
        return Said::Insufficient;
    }
    if any(Said::Undecided) {
        return Said::Undecided;
    }
    Said::Met
}

fn score(parts: &[Part]) -> Option<Score> {
    let has_interval =
        |part: &Part| matches!(part.said, Said::Met | Said::NotMet | Said::Undecided);
    if parts.is_empty() || !parts.iter().all(has_interval) {
        return None;
    }
    let weight = |words: &[Said]| -> u32 {
        let counted = parts.iter().filter(|part| words.contains(&part.said));
        counted.map(|part| part.weight).sum()
    };
    let all = weight(&[Said::Met, Said::NotMet, Said::Undecided]);
    let permille = |part: u32| part.saturating_mul(1_000).checked_div(all);
    Some(Score {
        low_permille: permille(weight(&[Said::Met]))?,
        high_permille: permille(weight(&[Said::Met, Said::Undecided]))?,
    })
}
