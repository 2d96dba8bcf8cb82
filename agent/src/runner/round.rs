//! One round: every job once, one at a time, and an end within a minute when nothing answers.
//!
//! Rules:
//! 1. One job at a time: a measurement must not disturb another.
//! 2. While nothing at all has answered there is nothing to disturb: after some silent runs, or some
//!    seconds, light jobs run side by side.
//! 3. When nothing has answered by the deadline the round is given up: runs in progress end as timed
//!    out with what they saw, those that never began are recorded as cancelled.
//! 4. One answer brings back rule 1 and lifts the deadline, be it of a run in progress. A local target's
//!    answer is none.
//! 5. Told to stop, runs in progress end as cancelled, and nothing else begins.
use super::{Ended, Finished, Job, Stops, never_began, run_one};
use crate::experiments::Run;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::JoinSet;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// Silent runs after which the network is taken to be silent.
const SILENT_RUNS: usize = 3;
/// Time without an answer after which the network is taken to be silent.
const PATIENCE: Duration = Duration::from_secs(8);
/// Jobs side by side while nothing answers.
const SILENT_WIDTH: usize = 8;
/// Time after which a round without an answer is given up: it ends within a minute.
const DEADLINE: Duration = Duration::from_secs(52);
/// Operation of a name lookup. A home router answers it from its own memory, so it is no sign of
/// life of the network behind.
const RESOLVE: &str = "resolve";

/// Who allows runs and keeps their results.
pub trait Desk {
    /// Prepares a run; `None` when it may not run now.
    fn begin(&mut self, job: &Job) -> Option<Run>;
    /// Takes what came of a job. `alone` is false when others ran beside it.
    fn end(&mut self, job: &Job, ended: Ended, alone: bool);
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Whether anything beyond this device answered.
    pub answered: bool,
    /// Whether it was given up because nothing answered.
    pub given_up: bool,
}

#[derive(Default)]
struct Progress {
    answered: bool,
    /// Runs in progress whose answers count.
    at_work: Vec<Weak<Run>>,
    impatient: bool,
    silent_runs: usize,
    given_up: bool,
}

impl Progress {
    /// How many jobs may run side by side.
    fn width(&self) -> usize {
        let is_silent = self.impatient || self.silent_runs >= SILENT_RUNS;
        if is_silent && !self.answered {
            SILENT_WIDTH
        } else {
            1
        }
    }

    fn began(&mut self, job: &Job, run: &Arc<Run>) {
        if !job.is_local() {
            self.at_work.retain(|run| run.strong_count() > 0);
            self.at_work.push(Arc::downgrade(run));
        }
    }

    /// Listens to the runs in progress.
    fn listen(&mut self) {
        let mut at_work = self.at_work.iter().filter_map(Weak::upgrade);
        self.answered |= at_work.any(|run| run.has_observed(is_answer));
    }

    fn note(&mut self, job: &Job, ended: &Ended) {
        match ended {
            Ended::Finished(finished) if !job.is_local() => {
                let heard = has_answer(finished);
                self.answered |= heard;
                self.silent_runs += usize::from(!heard);
            }
            _ => {}
        }
    }
}

/// Jobs that have not begun, with whether each is heavy.
struct Waiting(VecDeque<(Job, bool)>);

impl Waiting {
    /// Local heavy jobs first: they need no network, and so a silent one cannot cut them off. Remote
    /// heavy ones last.
    fn new(jobs: Vec<Job>, run_max_bytes: u64) -> Self {
        let mut jobs: Vec<(Job, bool)> = jobs
            .into_iter()
            .map(|job| {
                let is_heavy = job.is_heavy(run_max_bytes);
                (job, is_heavy)
            })
            .collect();
        jobs.sort_by_key(|(job, is_heavy)| match (is_heavy, job.is_local()) {
            (true, true) => 0,
            (false, _) => 1,
            (true, false) => 2,
        });
        Self(jobs.into())
    }

    /// The next job, if it may run beside `running` others.
    fn next_beside(&mut self, running: usize) -> Option<(Job, bool)> {
        self.0
            .pop_front_if(|(_, is_heavy)| running == 0 || !*is_heavy)
    }
}

/// Runs every job once and hands the results to `desk`, in the order of their ends.
pub async fn round(
    jobs: Vec<Job>,
    run_max_bytes: u64,
    desk: &mut impl Desk,
    stops: &Stops,
) -> Round {
    let mut waiting = Waiting::new(jobs, run_max_bytes);
    let mut running = JoinSet::new();
    let mut heavy_running = false;
    let mut progress = Progress::default();
    let mut patience = std::pin::pin!(tokio::time::sleep(PATIENCE));
    let mut deadline = std::pin::pin!(tokio::time::sleep(DEADLINE));
    loop {
        if stops.stop.is_cancelled() {
            waiting.0.clear();
        }
        if progress.given_up {
            for (job, _) in waiting.0.drain(..) {
                desk.end(&job, never_began(), false);
            }
        }
        while !heavy_running
            && running.len() < progress.width()
            && let Some((job, is_heavy)) = waiting.next_beside(running.len())
        {
            if let Some(run) = desk.begin(&job) {
                heavy_running = is_heavy;
                let is_alone = progress.width() == 1;
                let run = Arc::new(run);
                progress.began(&job, &run);
                let stops = stops.clone();
                running.spawn(async move {
                    let ended = run_one(&job, run, &stops).await;
                    (job, ended, is_alone)
                });
            }
        }
        tokio::select! {
            joined = running.join_next() => {
                let Some(joined) = joined else { break };
                let (job, ended, is_alone) = joined.expect("run_one ends in no panic of its own");
                heavy_running = false;
                progress.note(&job, &ended);
                desk.end(&job, ended, is_alone);
            }
            () = &mut patience, if !progress.impatient => {
                progress.listen();
                progress.impatient = true;
            }
            () = &mut deadline, if !progress.answered && !progress.given_up => {
                progress.listen();
                if !progress.answered {
                    progress.given_up = true;
                    stops.give_up.cancel();
                }
            }
        }
    }
    Round {
        answered: progress.answered,
        given_up: progress.given_up,
    }
}

/// True when anything in a run shows that somebody beyond this device answered.
fn has_answer(finished: &Finished) -> bool {
    finished.recorded.observations.iter().any(is_answer)
}

/// A success, or a failure that only somebody's packet can cause.
fn is_answer(observation: &Observation) -> bool {
    // Nor is the volunteer's own router one, which a trace hears first.
    if observation.operation == RESOLVE || observation.detail.contains_key("hidden") {
        return false;
    }
    !matches!(
        observation.failure,
        Some(
            Failure::GenericTimeout
                | Failure::NetworkUnreachable
                | Failure::HostUnreachable
                | Failure::NetworkDown
                | Failure::Interrupted
                | Failure::ConnectionAborted
                | Failure::Other(_)
        )
    )
}
