//! Every rule with every parameter over all traces: error against data.
use super::baselines::{BbrPlateau, FixedBytes, Stability};
use super::crucial::CrucialInterval;
use super::{Replayed, Stopper};
use crate::experiments::throughput::early_stop::{Rule, bytes_at};
use crate::quantile::{median, quantile, ratio_ppm};
use serde::Serialize;

/// Name of our own rule in a report.
pub(super) const OURS: &str = "tonle";
/// Upper ends of the speed bands, bit/s; the last has none.
const BANDS: [(&str, i64); 4] = [
    ("below 2 Mbit/s", 2_000_000),
    ("2 to 10 Mbit/s", 10_000_000),
    ("10 to 50 Mbit/s", 50_000_000),
    ("50 Mbit/s and more", i64::MAX),
];

/// What a rule made of one trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Estimate minus the whole transfer's rate, parts per million of the latter.
    pub error_ppm: i64,
    /// Bytes used, those on their way included, parts per million of the whole transfer's.
    pub used_ppm: i64,
    /// Bytes used.
    pub used_bytes: i64,
    /// Bytes of the whole transfer.
    pub full_bytes: i64,
    /// What the whole transfer gave, bit/s.
    pub full_bps: i64,
    /// Whether it ended the transfer at all.
    pub is_stopped: bool,
}

/// The figures of a set of outcomes, parts per million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// How many traces.
    pub traces: usize,
    /// Median of the error's size.
    pub median_error_ppm: i64,
    /// Its 90th percentile.
    pub p90_error_ppm: i64,
    /// Median of the signed error: below zero, it says too little.
    pub bias_ppm: i64,
    /// Share of traces with an error above a tenth.
    pub over_10_percent_ppm: i64,
    /// Share of traces with an error above a fifth.
    pub over_20_percent_ppm: i64,
    /// Mean over traces of the data used, of the whole transfer's.
    pub used_ppm: i64,
    /// Data used over all traces, of all whole transfers'.
    pub used_total_ppm: i64,
    /// Share of traces that were ended early.
    pub stopped_ppm: i64,
}

/// One rule with one parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// The rule.
    pub rule: &'static str,
    /// Its parameter, for a person.
    pub parameter: String,
    /// True for the parameter that the agent ships with.
    pub is_shipped: bool,
    /// Over all traces.
    pub all: Row,
    /// By what the whole transfer gave; bands without traces are left out.
    pub bands: Vec<(&'static str, Row)>,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Every rule with every parameter.
    pub sweeps: Vec<Sweep>,
}

impl Report {
    /// Our rule as shipped.
    #[must_use]
    pub fn shipped(&self) -> Option<&Sweep> {
        self.sweeps.iter().find(|sweep| sweep.is_shipped)
    }

    /// The names of the baselines, in order.
    #[must_use]
    pub fn baselines(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.sweeps.iter().map(|sweep| sweep.rule).collect();
        names.dedup();
        names.retain(|name| *name != OURS);
        names
    }

    /// The sweep of `rule` that uses least data at a median error of at most `error_ppm`.
    #[must_use]
    pub fn cheapest(&self, rule: &str, error_ppm: i64) -> Option<&Sweep> {
        let of_rule = self.sweeps.iter().filter(|sweep| sweep.rule == rule);
        let good = of_rule.filter(|sweep| sweep.all.median_error_ppm <= error_ppm);
        good.min_by_key(|sweep| sweep.all.used_ppm)
    }
}

/// Makes a fresh rule for each trace: rules remember.
type Make = Box<dyn Fn() -> Box<dyn Stopper>>;

/// Replays every rule with every parameter on every trace.
#[must_use]
pub fn evaluate(traces: &[Replayed]) -> Report {
    let sweeps = candidates()
        .into_iter()
        .map(|(rule, parameter, is_shipped, make)| {
            let outcomes: Vec<Outcome> = traces
                .iter()
                .map(|trace| play(trace, make().as_mut()))
                .collect();
            Sweep {
                rule,
                parameter,
                is_shipped,
                all: row(&outcomes),
                bands: bands(&outcomes),
            }
        });
    Report {
        sweeps: sweeps.collect(),
    }
}

/// One trace through one rule, which at each point sees only the past.
pub(crate) fn play(trace: &Replayed, rule: &mut dyn Stopper) -> Outcome {
    let full_bytes = trace.points.last().map_or(0, |last| last.bytes);
    let end_us = trace.elapsed_us();
    let stop = (1..trace.points.len()).find_map(|count| {
        let seen = &trace.points[..count];
        let estimate_bps = rule.decide(seen, trace.rtt_us)?;
        Some((seen[count - 1].elapsed_us, estimate_bps))
    });
    let (at_us, estimate_bps) = stop.unwrap_or((end_us, trace.full_bps));
    let arrived = bytes_at(&trace.points, at_us.saturating_add(trace.rtt_us));
    let used_bytes = i64::try_from(arrived).map_or(full_bytes, |bytes| bytes.min(full_bytes));
    Outcome {
        error_ppm: ppm(estimate_bps - trace.full_bps, trace.full_bps),
        used_ppm: ppm(used_bytes, full_bytes),
        used_bytes,
        full_bytes,
        full_bps: trace.full_bps,
        is_stopped: stop.is_some(),
    }
}

fn candidates() -> Vec<(&'static str, String, bool, Make)> {
    let mut all: Vec<(&'static str, String, bool, Make)> = Vec::new();
    for percent in [2, 3, 5, 7, 10, 15, 20, 30] {
        let rule = Rule {
            tolerance_ppm: percent * 10_000,
            ..Rule::STANDARD
        };
        let is_shipped = rule == Rule::STANDARD;
        all.push((
            OURS,
            format!("tolerance {percent} %"),
            is_shipped,
            Box::new(move || Box::new(rule)),
        ));
    }
    for megabytes in [1, 2, 5, 10, 20, 50, 100] {
        let max_bytes = megabytes * 1_000_000;
        all.push((
            "fixed bytes",
            format!("{megabytes} MB"),
            false,
            Box::new(move || Box::new(FixedBytes { max_bytes })),
        ));
    }
    let cap = || {
        Box::new(FixedBytes {
            max_bytes: 250_000_000,
        }) as Box<dyn Stopper>
    };
    all.push(("250 MB cap", "250 MB".into(), false, Box::new(cap)));
    for tenths in [0, 5, 10, 20, 30, 50] {
        let settle_us = tenths * 100_000;
        all.push((
            "BBR plateau",
            format!("settles {}.{} s", tenths / 10, tenths % 10),
            false,
            Box::new(move || Box::new(BbrPlateau::new(settle_us))),
        ));
    }
    for percent in [2, 5, 10, 15, 20, 30, 50] {
        let spread_ppm = percent * 10_000;
        all.push((
            "stability",
            format!("spread {percent} %"),
            false,
            Box::new(move || Box::new(Stability { spread_ppm })),
        ));
    }
    for percent in [70, 80, 90, 95, 98] {
        let likeness_ppm = percent * 10_000;
        all.push((
            "crucial interval",
            format!("likeness {percent} %"),
            false,
            Box::new(move || Box::new(CrucialInterval::new(likeness_ppm))),
        ));
    }
    all
}

fn bands(outcomes: &[Outcome]) -> Vec<(&'static str, Row)> {
    let mut from_bps = 0;
    let mut rows = Vec::new();
    for (name, until_bps) in BANDS {
        let inside = |outcome: &&Outcome| (from_bps..until_bps).contains(&outcome.full_bps);
        let of_band: Vec<Outcome> = outcomes.iter().filter(inside).copied().collect();
        if !of_band.is_empty() {
            rows.push((name, row(&of_band)));
        }
        from_bps = until_bps;
    }
    rows
}

fn row(outcomes: &[Outcome]) -> Row {
    let signed: Vec<i64> = outcomes.iter().map(|outcome| outcome.error_ppm).collect();
    let sizes: Vec<i64> = signed.iter().map(|error| error.abs()).collect();
    let above = |limit_ppm: i64| {
        let count = sizes.iter().filter(|size| **size > limit_ppm).count();
        ratio_ppm(count, sizes.len()).unwrap_or(0)
    };
    let used: i64 = outcomes.iter().map(|outcome| outcome.used_ppm).sum();
    let count = i64::try_from(outcomes.len()).unwrap_or(i64::MAX).max(1);
    let total =
        |bytes: fn(&Outcome) -> i64| outcomes.iter().map(bytes).fold(0, i64::saturating_add);
    let stopped = outcomes.iter().filter(|outcome| outcome.is_stopped).count();
    Row {
        traces: outcomes.len(),
        median_error_ppm: median(&sizes).unwrap_or(0),
        p90_error_ppm: quantile(&sizes, 90).unwrap_or(0),
        bias_ppm: median_of_signed(&signed),
        over_10_percent_ppm: above(100_000),
        over_20_percent_ppm: above(200_000),
        used_ppm: used / count,
        used_total_ppm: ppm(
            total(|outcome| outcome.used_bytes),
            total(|outcome| outcome.full_bytes),
        ),
        stopped_ppm: ratio_ppm(stopped, outcomes.len()).unwrap_or(0),
    }
}

/// The lower middle of the values: `quantile` is of numbers that are not below zero.
fn median_of_signed(values: &[i64]) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len().saturating_sub(1) / 2;
    sorted.get(middle).copied().unwrap_or(0)
}

/// Parts per million, bounded so that sums of many fit.
fn ppm(part: i64, whole: i64) -> i64 {
    const MOST: i128 = 1_000_000_000;
    let ppm = i128::from(part) * 1_000_000 / i128::from(whole.max(1));
    i64::try_from(ppm.clamp(-MOST, MOST)).expect("bounded just now")
}
