//! How busy this machine was during a test, so that a result says when the server was the limit.
use std::path::Path;
use tonle_net::clock::Stopwatch;
use tonle_net::processor::Processor;

/// Where the kernel tells.
const PROC: &str = "/proc";

/// The processor from the beginning of a test.
pub(super) struct Busy {
    began: Processor,
    clock: Stopwatch,
}

impl Busy {
    /// Begins to watch.
    pub(super) fn begin() -> Self {
        Self {
            began: Processor::read(Path::new(PROC)),
            clock: Stopwatch::start(),
        }
    }

    /// Share of its time that the busiest core was busy, parts per million; unknown in the first
    /// moments, for which the kernel's counters are too coarse.
    pub(super) fn busiest_core_ppm(&self) -> Option<i64> {
        let now = Processor::read(Path::new(PROC));
        now.since(&self.began, self.clock.elapsed_us())
            .busiest_core_ppm
    }
}
