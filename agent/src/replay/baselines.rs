//! The rules that ours must beat, each with the one parameter that is swept.
use super::{Stopper, mean_bps};
use crate::experiments::throughput::early_stop::{Point, bytes_at};

/// Stops after so many bytes; the estimate is the mean since the start. 250 MB of it is the cap that
/// M-Lab's `early_exit` has.
pub(crate) struct FixedBytes {
    /// The cap.
    pub(crate) max_bytes: i64,
}

impl Stopper for FixedBytes {
    fn decide(&mut self, points: &[Point], _rtt_us: i64) -> Option<i64> {
        let last = points.last().filter(|last| last.bytes >= self.max_bytes)?;
        mean_bps(last.bytes, last.elapsed_us)
    }
}

/// BBR's sign of a full pipe (draft-ietf-ccwg-bbr, 5.3.1.2): the delivery rate grew by less than a
/// quarter over three consecutive round trips. Then it waits a settling time, whose mean rate is the
/// estimate.
pub(crate) struct BbrPlateau {
    /// Settling time, microseconds.
    pub(crate) settle_us: i64,
    full_at_us: Option<i64>,
    full_bps: i64,
    flat_rounds: u32,
    next_round_us: i64,
}

impl BbrPlateau {
    pub(crate) fn new(settle_us: i64) -> Self {
        Self {
            settle_us,
            full_at_us: None,
            full_bps: 0,
            flat_rounds: 0,
            next_round_us: 0,
        }
    }

    /// One round trip has passed: did the rate still grow?
    fn round(&mut self, points: &[Point], now_us: i64, round_us: i64) {
        let bps = window_bps(points, now_us - round_us, now_us);
        if bps >= self.full_bps + self.full_bps / 4 {
            self.full_bps = bps.max(1);
            self.flat_rounds = 0;
        } else {
            self.flat_rounds += 1;
        }
        if self.flat_rounds >= 3 {
            self.full_at_us = Some(now_us);
        }
    }
}

impl Stopper for BbrPlateau {
    fn decide(&mut self, points: &[Point], rtt_us: i64) -> Option<i64> {
        let now_us = points.last()?.elapsed_us;
        // Points come every 50 ms or more: a shorter round cannot be told.
        let round_us = rtt_us.max(100_000);
        if self.full_at_us.is_none() && now_us >= self.next_round_us + round_us {
            self.next_round_us = now_us;
            self.round(points, now_us, round_us);
        }
        let settled_us = self.full_at_us? + self.settle_us;
        if now_us < settled_us {
            return None;
        }
        let from_us = self.full_at_us?.min(now_us - round_us);
        Some(window_bps(points, from_us, now_us))
    }
}

/// Throughput stability (the manner of fast.com): the spread of the last windows, relative to their
/// mean, is below a threshold; the mean is the estimate.
pub(crate) struct Stability {
    /// Largest spread, parts per million.
    pub(crate) spread_ppm: i64,
}

impl Stability {
    /// Windows that are looked at, and the length of each, microseconds.
    const WINDOWS: i64 = 5;
    const WINDOW_US: i64 = 250_000;
}

impl Stopper for Stability {
    fn decide(&mut self, points: &[Point], _rtt_us: i64) -> Option<i64> {
        let now_us = points.last()?.elapsed_us;
        if now_us < Self::WINDOWS * Self::WINDOW_US {
            return None;
        }
        let rate = |back: i64| {
            let until_us = now_us - back * Self::WINDOW_US;
            window_bps(points, until_us - Self::WINDOW_US, until_us)
        };
        let rates: Vec<i64> = (0..Self::WINDOWS).map(rate).collect();
        let mean = rates.iter().sum::<i64>() / Self::WINDOWS;
        let spread = rates.iter().max()? - rates.iter().min()?;
        let allowed = i128::from(mean) * i128::from(self.spread_ppm) / 1_000_000;
        (mean > 0 && i128::from(spread) <= allowed).then_some(mean)
    }
}

/// Mean rate between two moments, bit/s.
pub(super) fn window_bps(points: &[Point], from_us: i64, until_us: i64) -> i64 {
    let from_us = from_us.max(0);
    let bytes = bytes_at(points, until_us) - bytes_at(points, from_us);
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    mean_bps(bytes, until_us - from_us).unwrap_or(0)
}
