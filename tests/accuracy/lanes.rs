//! The order in which lines are measured on one machine: slow ones side by side, as long as that does
//! not make the hub late; fast ones, and those whose hub was late, each alone.
use std::collections::VecDeque;
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};

/// Slow lines side by side: two cores carry as many without the hub's being late.
pub(crate) const LANES: usize = 4;
/// Largest delay of the hub's own, in 99 of 100 packets, with which a measurement counts: well below
/// the aim for round trips, so that no figure is the machine's.
pub(crate) const LATE_MAX_US: i64 = 150;
/// Up to this rate, kbit/s, lines may be measured side by side.
const ALONE_ABOVE_KBIT: u64 = 20_000;

/// What is measured on a line of its own.
pub(crate) trait Job: Send + Sync {
    /// What comes of it.
    type Done: Send;

    /// Its faster direction, kbit/s.
    fn rate_kbit(&self) -> u64;

    /// Measures; with it, by how much the hub was late in 99 of 100 packets, microseconds.
    fn measure(&self) -> Result<(Self::Done, i64), String>;
}

/// Measures all; each result is handed to `done` when it is whole. The hub's delay decides whether a
/// line is measured once more, never the figures. Stops at the first error.
pub(crate) fn run<J: Job>(
    jobs: Vec<J>,
    mut done: impl FnMut(J::Done) -> Result<(), String>,
) -> Result<(), String> {
    let is_fast = |job: &J| job.rate_kbit() > ALONE_ABOVE_KBIT;
    let (fast, slow): (Vec<J>, Vec<J>) = jobs.into_iter().partition(is_fast);
    let late = side_by_side(slow.into(), &mut done)?;
    for job in fast.into_iter().chain(late) {
        done(job.measure()?.0)?;
    }
    Ok(())
}

/// Those whose hub was late.
fn side_by_side<J: Job>(
    jobs: VecDeque<J>,
    done: &mut impl FnMut(J::Done) -> Result<(), String>,
) -> Result<Vec<J>, String> {
    let waiting = Mutex::new(jobs);
    // Taking one is a single step: a lane that panicked left the list whole.
    let lock = || waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let next = || lock().pop_front();
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                while let Some(job) = next() {
                    let measured = job.measure();
                    // Nobody listens any more: it was stopped.
                    if tell.send((job, measured)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        let mut late = Vec::new();
        for (job, measured) in told {
            match measured? {
                (_, late_us) if late_us > LATE_MAX_US => late.push(job),
                (result, _) => done(result)?,
            }
        }
        Ok(late)
    })
}
