//! The crucial interval of `FastBTS` (Yang et al., NSDI 2021): of all rate samples, the interval in
//! which they are most and densest.
use super::Stopper;
use super::baselines::window_bps;
use crate::experiments::throughput::early_stop::Point;

/// Length of one rate sample, microseconds, as `FastBTS` takes them.
const SAMPLE_US: i64 = 50_000;
/// Fewest samples of a decision.
const SAMPLES_MIN: usize = 20;
/// Intervals in a row that must resemble each other.
const ALIKE: u32 = 10;

/// Stops when the crucial interval has stayed alike; the mean of its samples is the estimate.
pub(crate) struct CrucialInterval {
    /// Least likeness of two intervals in a row (their overlap over their union), parts per million.
    pub(crate) likeness_ppm: i64,
    samples: Vec<i64>,
    before: Option<(i64, i64)>,
    alike: u32,
}

impl CrucialInterval {
    pub(crate) fn new(likeness_ppm: i64) -> Self {
        Self {
            likeness_ppm,
            samples: Vec::new(),
            before: None,
            alike: 0,
        }
    }

    /// Adds a sample, keeping them in order.
    fn take(&mut self, bps: i64) {
        let at = self.samples.partition_point(|one| *one < bps);
        self.samples.insert(at, bps);
    }
}

impl Stopper for CrucialInterval {
    fn decide(&mut self, points: &[Point], _rtt_us: i64) -> Option<i64> {
        let now_us = points.last()?.elapsed_us;
        self.take(window_bps(points, now_us - SAMPLE_US, now_us));
        if self.samples.len() < SAMPLES_MIN {
            return None;
        }
        let (low, high) = interval(&self.samples)?;
        let (from, until) = (self.samples[low], self.samples[high]);
        let is_alike = self
            .before
            .is_some_and(|before| likeness_ppm(before, (from, until)) >= self.likeness_ppm);
        self.before = Some((from, until));
        self.alike = if is_alike { self.alike + 1 } else { 0 };
        if self.alike < ALIKE {
            return None;
        }
        let inside = &self.samples[low..=high];
        let sum: i128 = inside.iter().map(|bps| i128::from(*bps)).sum();
        i64::try_from(sum / i128::try_from(inside.len()).ok()?).ok()
    }
}

/// First and last index of the interval with the largest product of how many samples it holds and
/// how densely: count² / width. A width of less than a hundredth of all counts as that.
fn interval(sorted: &[i64]) -> Option<(usize, usize)> {
    let whole = sorted.last()? - sorted.first()?;
    let least = (whole / 100).max(1);
    let mut best = (0.0, (0, 0));
    for low in 0..sorted.len() {
        for high in low + 1..sorted.len() {
            let count = (high - low + 1) as f64;
            let width = (sorted[high] - sorted[low]).max(least) as f64;
            let score = count * count / width;
            if score > best.0 {
                best = (score, (low, high));
            }
        }
    }
    Some(best.1)
}

fn likeness_ppm(one: (i64, i64), other: (i64, i64)) -> i64 {
    let overlap = one.1.min(other.1) - one.0.max(other.0);
    let union = one.1.max(other.1) - one.0.min(other.0);
    if union <= 0 {
        return 1_000_000;
    }
    let ppm = i128::from(overlap.max(0)) * 1_000_000 / i128::from(union);
    i64::try_from(ppm).unwrap_or(0)
}
