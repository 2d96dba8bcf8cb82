//! The only caller of the system's clocks. Durations come from the monotonic clock, dates from the
//! wall clock; two wall-clock times are never subtracted to get a measurement.
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest time between two clocks that are read together, nanoseconds: ten times what it takes.
const PAIR_GAP_NS: i64 = 2_000;
/// Most readings of such a pair; the closest counts.
const PAIR_READS_MAX: u32 = 4;

/// The monotonic clock since a moment, usually the start of a run.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    /// Starts at zero.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is the clock")]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// Microseconds since the start.
    #[must_use]
    pub fn elapsed_us(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// Nanoseconds since the start: where a microsecond is not fine enough, as on loopback.
    #[must_use]
    pub fn elapsed_ns(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    /// Both clocks at the same moment: nanoseconds since the start, and [`wall_ns`]. Read again when
    /// the program was interrupted between the two.
    #[must_use]
    pub fn both_ns(&self) -> (i64, i64) {
        let read = || {
            let before_ns = self.elapsed_ns();
            let wall_ns = wall_ns();
            (self.elapsed_ns() - before_ns, before_ns, wall_ns)
        };
        let mut best = read();
        for _ in 1..PAIR_READS_MAX {
            if best.0 <= PAIR_GAP_NS {
                break;
            }
            best = best.min(read());
        }
        (best.1, best.2)
    }
}

/// Wall-clock time, microseconds since the Unix epoch; negative before 1970.
#[must_use]
pub fn wall_us() -> i64 {
    wall(|duration| duration.as_micros())
}

/// Wall-clock time, nanoseconds since the Unix epoch; negative before 1970.
#[must_use]
pub fn wall_ns() -> i64 {
    wall(|duration| duration.as_nanos())
}

#[expect(clippy::disallowed_methods, reason = "this file is the clock")]
fn wall(in_unit: impl Fn(Duration) -> u128) -> i64 {
    let signed = |duration| i64::try_from(in_unit(duration)).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => signed(since),
        Err(before) => -signed(before.duration()),
    }
}
