//! The rules of runs and rounds, on experiments that do as they are told and on paused time.
use super::*;
use crate::experiments::{Cost, Meta, Running};
use std::collections::BTreeMap;
use tokio::time::Instant;
use tonle_evidence::record::Stream;
use tonle_net::settings::NetSettings;

/// Does what the target's value says: `<seconds> <ending>`.
struct Told;

static TOLD: Told = Told;
static META: Meta = Meta {
    name: "told",
    version: 1,
    stream: Stream::Quality,
    about: "does as it is told",
    timeout_s: 30,
};

fn observation(operation: &str, failure: Option<Failure>) -> Observation {
    Observation {
        t_start_us: 0,
        t_end_us: 0,
        operation: operation.to_owned(),
        subject: None,
        failure,
        detail: BTreeMap::new(),
    }
}

impl Experiment for Told {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, target: &Target, max_bytes: u64) -> Cost {
        let is_heavy = target.category.as_deref() == Some("heavy");
        Cost {
            bytes: if is_heavy { max_bytes } else { 1_000 },
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(async move {
            let (seconds, ending) = target.value.split_once(' ').unwrap();
            if ending == "unfit" {
                return Err(CannotRun::Missing("everything".into()));
            }
            run.observe(observation("resolve", None));
            run.count_bytes(10);
            let wait = tokio::time::sleep(Duration::from_secs(seconds.parse().unwrap()));
            if ending == "early" {
                run.observe(observation("connect", None));
            }
            if ending == "deaf" {
                wait.await;
                return Ok(());
            }
            tokio::select! {
                () = wait => {}
                () = run.cancel.cancelled() => {
                    run.observe(observation("connect", Some(Failure::Interrupted)));
                    return Ok(());
                }
            }
            assert!(ending != "panic", "as told");
            let failure = match ending {
                "silent" => Some(Failure::GenericTimeout),
                "refused" => Some(Failure::ConnectionRefused),
                _ => None,
            };
            run.observe(observation("connect", failure));
            Ok(())
        })
    }
}

fn job(value: &str) -> Job {
    Job {
        experiment: &TOLD,
        target: Target {
            value: value.to_owned(),
            category: None,
            path_class: PathClass::Domestic,
        },
    }
}

fn local_heavy(value: &str) -> Job {
    let mut job = job(value);
    job.target.category = Some("heavy".into());
    job.target.path_class = PathClass::Local;
    job
}

fn new_run() -> Run {
    let net = NetSettings {
        resolvers: Vec::new(),
        public_resolvers: Vec::new(),
        roots: Arc::new(rustls::RootCertStore::empty()),
        allow_loopback: false,
    };
    Run::new(net, 1_000, 1, CancellationToken::new(), Arc::new(|_, _| {}))
}

fn finished(ended: Ended) -> Finished {
    match ended {
        Ended::Finished(finished) => *finished,
        Ended::DidNotRun(reason) => panic!("did not run: {reason}"),
    }
}

async fn run(value: &str) -> Finished {
    finished(run_one(&job(value), Arc::new(new_run()), &Stops::default()).await)
}

/// Notes what it is handed; counts how many runs are open at once.
#[derive(Default)]
struct Notes {
    ended: Vec<(String, Outcome, bool)>,
    open: usize,
    widest: usize,
    refuses: bool,
}

impl Desk for Notes {
    fn begin(&mut self, _: &Job) -> Option<Run> {
        if self.refuses {
            return None;
        }
        self.open += 1;
        self.widest = self.widest.max(self.open);
        Some(new_run())
    }

    fn end(&mut self, job: &Job, ended: Ended, alone: bool) {
        let finished = finished(ended);
        let had_begun = finished.recorded.observations[0].operation == "resolve";
        self.open -= usize::from(had_begun);
        let outcome = finished.outcome;
        self.ended.push((job.target.value.clone(), outcome, alone));
    }
}

async fn play(jobs: Vec<Job>) -> (Round, Notes, Duration) {
    let mut notes = Notes::default();
    let began = Instant::now();
    let round = round(jobs, 30_000_000, &mut notes, &Stops::default()).await;
    (round, notes, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_timeout_keeps_what_was_seen() {
    let finished = run("100 ok").await;
    assert_eq!(finished.outcome, Outcome::TimedOut);
    let operations: Vec<&str> = finished
        .recorded
        .observations
        .iter()
        .map(|one| one.operation.as_str())
        .collect();
    assert_eq!(operations, ["resolve", "connect", "run"]);
    assert_eq!(finished.bytes_used, 10);
}

#[tokio::test(start_paused = true)]
async fn an_experiment_that_does_not_listen_is_ended_all_the_same() {
    let finished = run("1000 deaf").await;
    assert_eq!(finished.outcome, Outcome::TimedOut);
    assert_eq!(finished.recorded.observations.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_keeps_what_was_seen() {
    let finished = run("1 panic").await;
    assert_eq!(finished.outcome, Outcome::Panicked);
    assert_eq!(finished.recorded.observations.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_did_not_run_is_no_record() {
    let ended = run_one(&job("0 unfit"), Arc::new(new_run()), &Stops::default()).await;
    assert!(matches!(ended, Ended::DidNotRun(_)));
}

#[tokio::test(start_paused = true)]
async fn one_job_runs_at_a_time_while_something_answers() {
    let (round, notes, took) = play(vec![
        job("5 ok"),
        job("5 silent"),
        job("5 silent"),
        job("5 silent"),
        job("5 silent"),
        job("5 silent"),
    ])
    .await;
    assert_eq!(
        round,
        Round {
            answered: true,
            given_up: false
        }
    );
    assert_eq!((notes.widest, took), (1, Duration::from_secs(30)));
    assert!(notes.ended.iter().all(|(_, _, alone)| *alone));
}

#[tokio::test(start_paused = true)]
async fn a_black_holed_round_ends_within_a_minute_and_records_every_target() {
    let (round, notes, took) = play(vec![job("20 silent"); 50]).await;
    assert_eq!(
        round,
        Round {
            answered: false,
            given_up: true
        }
    );
    assert!(took <= Duration::from_mins(1), "{took:?}");
    assert_eq!(notes.widest, 8);
    assert_eq!(notes.ended.len(), 50);
    for outcome in [Outcome::Completed, Outcome::TimedOut, Outcome::Cancelled] {
        assert!(
            notes.ended.iter().any(|(_, ended, _)| *ended == outcome),
            "{outcome}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_in_progress_that_was_answered_has_nobody_beside_it() {
    let (round, notes, took) = play(vec![job("20 early"); 3]).await;
    assert!(round.answered && !round.given_up);
    assert_eq!((notes.widest, took), (1, Duration::from_mins(1)));
}

#[tokio::test(start_paused = true)]
async fn a_run_in_progress_that_was_answered_is_not_given_up() {
    let mut jobs = vec![job("25 silent"); 8];
    jobs.push(job("29 early"));
    let (round, notes, took) = play(jobs).await;
    assert!(round.answered && !round.given_up);
    let last = notes
        .ended
        .last()
        .map(|(value, outcome, _)| (value.as_str(), *outcome));
    assert_eq!(last, Some(("29 early", Outcome::Completed)));
    assert_eq!(took, Duration::from_secs(25 + 29));
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_the_haste() {
    let mut jobs = vec![job("1 silent"); 3];
    jobs.extend(vec![job("1 refused"); 8]);
    jobs.extend(vec![job("10 ok"); 6]);
    let (round, notes, took) = play(jobs).await;
    assert!(round.answered && !round.given_up);
    assert_eq!(notes.widest, 8);
    assert_eq!(took, Duration::from_secs(3 + 1 + 60));
}

#[tokio::test(start_paused = true)]
async fn a_local_answer_says_nothing_of_the_network() {
    let mut jobs = vec![job("20 silent"); 50];
    jobs.push(local_heavy("20 ok"));
    let (round, notes, took) = play(jobs).await;
    assert!(round.given_up && took <= Duration::from_mins(1), "{took:?}");
    assert_eq!(
        notes.ended[0],
        ("20 ok".to_owned(), Outcome::Completed, true)
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_budget_refuses_does_not_hold_up_the_round() {
    let mut notes = Notes {
        refuses: true,
        ..Notes::default()
    };
    round(vec![job("5 ok"); 5], 1, &mut notes, &Stops::default()).await;
    assert!(notes.ended.is_empty());
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_the_run_in_progress_is_recorded_and_nothing_else_begins() {
    let stops = Stops::default();
    let mut notes = Notes::default();
    let stopper = stops.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        stopper.cancel();
    });
    let began = Instant::now();
    round(vec![job("5 ok"); 5], 1_000, &mut notes, &stops).await;
    let outcomes: Vec<Outcome> = notes.ended.iter().map(|(_, outcome, _)| *outcome).collect();
    assert_eq!(outcomes, [Outcome::Completed, Outcome::Cancelled]);
    assert_eq!(began.elapsed(), Duration::from_secs(7));
}
