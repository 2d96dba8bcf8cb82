//! Pure: what the intervals of a direction saw, and what follows from the last of them.
use super::probe::ForeignTimes;
use tonle_wire::responsiveness::spec::AVERAGE_INTERVALS;
use tonle_wire::responsiveness::stability::moving_average;
use tonle_wire::responsiveness::{Confidence, Foreign, Score, Stability};

/// Fewest probes of each kind that a score is made of.
const PROBES_MIN: usize = 3;

/// What one interval saw, or several together. Times are microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "names carry their unit, and all are times"
)]
pub(super) struct Probes {
    pub(super) tcp_us: Vec<i64>,
    pub(super) tls_us: Vec<i64>,
    pub(super) http_us: Vec<i64>,
    pub(super) own_us: Vec<i64>,
}

impl Probes {
    pub(super) fn note_foreign(&mut self, times: ForeignTimes) {
        self.tcp_us.push(times.tcp_us);
        self.tls_us.extend(times.tls_us);
        self.http_us.push(times.http_us);
    }

    fn add(&mut self, other: &Self) {
        self.tcp_us.extend(&other.tcp_us);
        self.tls_us.extend(&other.tls_us);
        self.http_us.extend(&other.http_us);
        self.own_us.extend(&other.own_us);
    }

    /// The score of these probes; `None` when there are too few of a kind.
    pub(super) fn score(&self, has_tls: bool) -> Option<Score> {
        if self.http_us.len().min(self.own_us.len()) < PROBES_MIN {
            return None;
        }
        let foreign = Foreign {
            tcp_us: &self.tcp_us,
            tls_us: has_tls.then_some(&self.tls_us),
            http_us: &self.http_us,
        };
        Score::of(foreign, &self.own_us)
    }
}

/// The course of a direction, interval by interval.
#[derive(Debug, Clone, Default)]
pub(super) struct Intervals {
    interval_us: i64,
    has_tls: bool,
    bytes: Vec<u64>,
    probes: Vec<Probes>,
    capacity: Stability,
    score: Stability,
}

impl Intervals {
    pub(super) fn new(interval_us: i64, has_tls: bool) -> Self {
        Self {
            interval_us,
            has_tls,
            ..Self::default()
        }
    }

    /// How many have ended.
    pub(super) fn count(&self) -> usize {
        self.bytes.len()
    }

    /// Takes an interval in which `bytes` were moved. In the second stage the score is judged,
    /// before it the capacity.
    pub(super) fn end_one(&mut self, bytes: u64, probes: Probes, scores: bool) {
        self.bytes.push(bytes);
        self.probes.push(probes);
        if !scores {
            self.capacity.push(self.goodput_bps().unwrap_or(0));
        } else if let Some(score) = self.window().score(self.has_tls) {
            self.score.push(score.rpm);
        }
    }

    /// Goodput over the last intervals, bit/s.
    pub(super) fn goodput_bps(&self) -> Option<i64> {
        let bytes = u128::from(moving_average(&self.bytes)?);
        let interval_us = u128::try_from(self.interval_us).ok().filter(|us| *us > 0)?;
        i64::try_from(bytes * 8_000_000 / interval_us).ok()
    }

    /// The probes of the last intervals.
    pub(super) fn window(&self) -> Probes {
        let first = self.probes.len().saturating_sub(AVERAGE_INTERVALS);
        let mut all = Probes::default();
        for probes in &self.probes[first..] {
            all.add(probes);
        }
        all
    }

    /// The score of the last intervals.
    pub(super) fn score(&self) -> Option<Score> {
        self.window().score(self.has_tls)
    }

    /// How far each stage came.
    pub(super) fn confidence(&self) -> (Confidence, Confidence) {
        (self.capacity.confidence(), self.score.confidence())
    }

    /// Goodput after each interval of the first stage, bit/s.
    pub(super) fn goodputs_bps(&self) -> &[i64] {
        self.capacity.values()
    }

    /// Score after each interval of the second stage.
    pub(super) fn scores_rpm(&self) -> &[i64] {
        self.score.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(times: usize, us: i64) -> Probes {
        let mut probes = Probes::default();
        for _ in 0..times {
            probes.note_foreign(ForeignTimes {
                tcp_us: us,
                tls_us: Some(us),
                http_us: us,
                bytes: 1,
            });
            probes.own_us.push(us);
        }
        probes
    }

    #[test]
    fn capacity_settles_first_and_then_the_score_of_the_last_four() {
        let mut intervals = Intervals::new(1_000_000, true);
        // Averages of four that do not differ: the first of eight no longer counts in any of them.
        for bytes in [10].into_iter().chain([1_000_000; 7]) {
            intervals.end_one(bytes, probes(1, 500_000), false);
        }
        assert_eq!(intervals.goodput_bps(), Some(8_000_000));
        assert_eq!(intervals.confidence(), (Confidence::High, Confidence::Low));
        for _ in 0..4 {
            intervals.end_one(1_000_000, probes(1, 60_000), true);
        }
        assert_eq!(intervals.score().unwrap().rpm, 1_000);
        assert_eq!(intervals.scores_rpm().len(), 4);
        assert_eq!(
            intervals.confidence().1,
            Confidence::Medium,
            "it was still falling"
        );
        for _ in 0..3 {
            intervals.end_one(1_000_000, probes(1, 60_000), true);
        }
        assert_eq!(intervals.confidence().1, Confidence::High);
    }

    #[test]
    fn few_probes_have_no_score() {
        assert!(probes(2, 1_000).score(true).is_none());
        assert!(probes(3, 1_000).score(true).is_some());
        let without = Probes {
            tls_us: Vec::new(),
            ..probes(3, 1_000)
        };
        assert!(without.score(true).is_none());
        assert!(without.score(false).is_some());
    }
}
