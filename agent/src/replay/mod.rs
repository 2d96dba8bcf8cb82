//! Replays whole transfers through rules that would have ended them earlier: what each saves, and
//! what it costs in error.
//!
//! Pure but for reading the files (`read`). At each point of a trace a rule sees only the past; its
//! estimate is compared with what the whole transfer gave, and what it would have used includes the
//! bytes on their way when it stops.
mod baselines;
mod crucial;
mod evaluate;
mod print;
pub mod read;
#[cfg(test)]
pub(crate) mod recorded;
mod synthetic;

#[cfg(test)]
pub(crate) use evaluate::play;
pub use evaluate::{Outcome, Report, Row, Sweep, evaluate};
pub use print::table;
pub use synthetic::traces as synthetic_traces;

use crate::experiments::throughput::early_stop::{Point, Rule};
use crate::experiments::throughput::trace::Trace;

/// Round trip of a trace that tells none, microseconds: a guess for the bytes on their way only.
const RTT_GUESS_US: i64 = 50_000;

/// A trace as rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Cumulative payload, in order of time.
    pub points: Vec<Point>,
    /// Smallest round trip, microseconds.
    pub rtt_us: i64,
    /// What the whole transfer gave, bit/s.
    pub full_bps: i64,
}

impl Replayed {
    /// `None` for a trace with no bytes or no time.
    #[must_use]
    pub fn of(trace: &Trace) -> Option<Self> {
        let points = trace.to_points();
        let last = *points.last()?;
        let full_bps = mean_bps(last.bytes, last.elapsed_us).filter(|bps| *bps > 0)?;
        Some(Self {
            rtt_us: trace.min_rtt_us().unwrap_or(RTT_GUESS_US),
            points,
            full_bps,
        })
    }

    /// Length, microseconds.
    pub(crate) fn elapsed_us(&self) -> i64 {
        self.points.last().map_or(0, |last| last.elapsed_us)
    }
}

/// No line is faster, bit/s: sums of several rates must fit.
const RATE_MAX_BPS: i128 = 100_000_000_000_000;

/// Rate of `bytes` in `elapsed_us`, bit/s.
pub(crate) fn mean_bps(bytes: i64, elapsed_us: i64) -> Option<i64> {
    let elapsed_us = (elapsed_us > 0).then_some(i128::from(elapsed_us))?;
    let bps = i128::from(bytes) * 8_000_000 / elapsed_us;
    i64::try_from(bps.min(RATE_MAX_BPS)).ok()
}

/// A rule with its parameter: given the past, an estimate that ends the transfer, or nothing.
pub(crate) trait Stopper {
    /// Decides at the last of `points`.
    fn decide(&mut self, points: &[Point], rtt_us: i64) -> Option<i64>;
}

impl Stopper for Rule {
    fn decide(&mut self, points: &[Point], _rtt_us: i64) -> Option<i64> {
        Rule::decide(self, points)
    }
}

#[cfg(test)]
mod tests;
