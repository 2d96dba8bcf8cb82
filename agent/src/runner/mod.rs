//! Runs experiments: one at a time, under a timeout, and never loses what a run recorded.
mod round;

pub use round::{Desk, Round, round};

use crate::experiments::{CannotRun, Experiment, Recorded, Run};
use crate::gates;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{Outcome, PathClass, Stream, Target};
use tonle_net::clock::wall_us;

/// Time that a run gets to note what it saw after it was told to end.
const GRACE: Duration = Duration::from_millis(500);
/// Operation of the observation that says that we ended a run ourselves.
const RUN_OPERATION: &str = "run";
/// Runs that may cost more than this are heavy: nothing else runs beside them.
const LIGHT_MAX_BYTES: u64 = 5_000_000;

/// One experiment on one target.
#[derive(Clone)]
pub struct Job {
    /// The experiment.
    pub experiment: &'static dyn Experiment,
    /// Its target.
    pub target: Target,
}

impl Job {
    /// True when the target is this device or its own network, so that it says nothing of the
    /// Internet and costs no data.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.target.path_class == PathClass::Local
    }

    /// True when a run may fill the line.
    #[must_use]
    pub fn is_heavy(&self, run_max_bytes: u64) -> bool {
        self.experiment.estimate(&self.target, run_max_bytes).bytes > LIGHT_MAX_BYTES
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.experiment.meta().name, self.target.value)
    }
}

/// A run that is over.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Start on the wall clock, microseconds since the Unix epoch.
    pub t_start_us: i64,
    /// Length on the monotonic clock, microseconds.
    pub duration_us: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// What it recorded.
    pub recorded: Recorded,
    /// Bytes it counted, both directions.
    pub bytes_used: u64,
}

/// How an attempt to run ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// It ran.
    Finished(Box<Finished>),
    /// It did not run at all.
    DidNotRun(Arc<CannotRun>),
}

/// Who may end a run from outside.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    /// The agent is told to stop: the run ends as cancelled.
    pub stop: CancellationToken,
    /// The round is given up: the run ends as timed out.
    pub give_up: CancellationToken,
}

/// Runs one job to its end, its timeout, or until it is stopped.
pub async fn run_one(job: &Job, run: Arc<Run>, stops: &Stops) -> Ended {
    let t_start_us = wall_us();
    let mut task = spawn(job, Arc::clone(&run));
    let mut timeout = Duration::from_secs(job.experiment.meta().timeout_s.into());
    if is_gated(job) {
        timeout += gates::TIME_MAX;
    }
    let (joined, cut) = tokio::select! {
        joined = &mut task => (joined, None),
        () = stops.stop.cancelled() => (end(&run, task).await, Some(Outcome::Cancelled)),
        () = stops.give_up.cancelled() => (end(&run, task).await, Some(Outcome::TimedOut)),
        () = tokio::time::sleep(timeout) => (end(&run, task).await, Some(Outcome::TimedOut)),
    };
    let duration_us = run.clock.elapsed_us();
    if cut.is_some() {
        run.observe(interrupted(duration_us));
    }
    let bytes_used = run.bytes_used();
    let recorded = run.take();
    let outcome = match (joined, cut) {
        (Ok(Err(reason)), None) if recorded.observations.iter().all(gates::is_check) => {
            return Ended::DidNotRun(Arc::new(reason));
        }
        (Err(error), _) if error.is_panic() => Outcome::Panicked,
        (_, Some(cut)) => cut,
        _ => recorded.outcome.unwrap_or(Outcome::Completed),
    };
    Ended::Finished(Box::new(Finished {
        t_start_us,
        duration_us,
        outcome,
        recorded,
        bytes_used,
    }))
}

/// A run that never began because its round was given up.
fn never_began() -> Ended {
    let recorded = Recorded {
        observations: vec![interrupted(0)],
        ..Recorded::default()
    };
    Ended::Finished(Box::new(Finished {
        t_start_us: wall_us(),
        duration_us: 0,
        outcome: Outcome::Cancelled,
        recorded,
        bytes_used: 0,
    }))
}

/// Whether checks are made around a run: where it says something of what can be reached.
fn is_gated(job: &Job) -> bool {
    job.experiment.meta().stream == Stream::Openness
}

/// A task of its own, so that a panic ends there.
fn spawn(job: &Job, run: Arc<Run>) -> JoinHandle<Result<(), CannotRun>> {
    let Job { experiment, target } = job.clone();
    let is_gated = is_gated(job);
    tokio::spawn(async move {
        let running = experiment.run(&run, &target);
        if is_gated {
            gates::around(&run, running).await
        } else {
            running.await
        }
    })
}

/// Tells a run to end, waits a moment, then ends it.
async fn end(
    run: &Run,
    mut task: JoinHandle<Result<(), CannotRun>>,
) -> Result<Result<(), CannotRun>, JoinError> {
    run.cancel.cancel();
    if let Ok(joined) = tokio::time::timeout(GRACE, &mut task).await {
        return joined;
    }
    task.abort();
    task.await
}

/// Says that we ended the run ourselves, at this time of it.
fn interrupted(at_us: i64) -> Observation {
    Observation {
        t_start_us: at_us,
        t_end_us: at_us,
        operation: RUN_OPERATION.to_owned(),
        subject: None,
        failure: Some(Failure::Interrupted),
        detail: std::collections::BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests;
