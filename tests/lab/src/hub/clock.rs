//! The hub's two clocks: monotonic for what it plans, the wall for what it tells.
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Counts nanoseconds from its making.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    begun: Instant,
}

impl Clock {
    /// Begins now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one monotonic clock of the lab"
    )]
    pub(crate) fn start() -> Self {
        Self {
            begun: Instant::now(),
        }
    }

    /// Nanoseconds since it began.
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// What to add to a time of this clock, in microseconds, to have the wall's time.
    pub(crate) fn wall_offset_us(&self) -> u64 {
        wall_us().saturating_sub(self.now_ns() / 1000)
    }
}

/// Microseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the one wall clock of the lab")]
fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| {
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    })
}
