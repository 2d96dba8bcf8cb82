//! The only caller of the system's clocks. Durations come from the monotonic clock, dates from the
//! wall clock; two wall-clock times are never subtracted to get a measurement.
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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
}

/// Wall-clock time, microseconds since the Unix epoch; negative before 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this file is the clock")]
pub fn wall_us() -> i64 {
    let micros =
        |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => -micros(before.duration()),
    }
}
