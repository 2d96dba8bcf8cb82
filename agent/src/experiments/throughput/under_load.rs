//! Latency under load: one STAMP train from before the first transfer to after the last, so that the
//! same packets see the line idle and busy.
//!
//! 1. The measurement server under test grants the session. Where it has no reflector, the steps of
//!    asking say so and nothing else changes.
//! 2. The train runs alone for [`IDLE`], then beside both transfers, ten packets a second: less than a
//!    hundredth of a line of 2 Mbit/s. It uses a sixty-fourth of the run's bytes at most.
//! 3. A packet belongs to the phase in which it was sent, however late its reply comes.
//! 4. A phase has a median from [`MEDIAN_MIN`] replies on, and a 95th percentile from [`P95_MIN`] on.
//!    Packets without a reply are counted, and have no time.
//! 5. What load added is the 95th percentile under load minus the median before, and never below 0.
//!    What was measured beside a transfer that was cut short is of that transfer's own metric.
//!
//! Operations: those of `stamp::session`, `stamp_train`, and `rtt_phase` for each phase. Detail of
//! the last: `phase` (`idle`, `download`, `upload`), `sent`, `answered`, `rtt_median_us`,
//! `rtt_p95_us`, and the histogram of round trips (`rtt_us_from`, `rtt_us_count`); or `reason` alone
//! where there was no train: for want of bytes (`run_max_bytes`), or because a Locate service named
//! the server (`no_reflector`).
use super::transfer::Transfer;
use crate::budget::THROUGHPUT_MIN_BYTES;
use crate::experiments::Run;
use crate::experiments::bulk::ending::Stop;
use crate::experiments::stamp::session::{self, SESSION_MAX_BYTES};
use crate::experiments::stamp::{PAIR_BYTES, round_trips_us};
use crate::quantile::{median, quantile};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonle_evidence::observation::{Detail, Observation};
use tonle_evidence::record::PathClass;
use tonle_net::clock_state;
use tonle_net::settings::NetSettings;
use tonle_net::stamp::{self, Plan, TrainResult, Trained, histogram};
use url::Url;

/// How long the train runs before the first transfer.
const IDLE: Duration = Duration::from_secs(2);
/// Mean gap between two packets.
const GAP: Duration = Duration::from_millis(100);
/// The train may use one part in this many of a run's bytes.
const SHARE: u64 = 64;
/// Fewest replies of a phase that have a median, and a 95th percentile.
const MEDIAN_MIN: usize = 10;
const P95_MIN: usize = 20;
/// How long a run that is to end waits for its train.
const CANCELLED_WAIT: Duration = Duration::from_millis(200);

/// A stretch of the run, microseconds of its clock.
#[derive(Debug, Clone, Copy)]
struct Phase {
    name: &'static str,
    from_us: i64,
    until_us: i64,
    /// Direction and variant of the transfer's metrics; none while idle, or without a result.
    of: Option<(&'static str, &'static str)>,
}

/// A train in progress beside a run.
pub(super) struct Companion {
    train: AbortOnDropHandle<Trained>,
    stop: CancellationToken,
    phases: Vec<Phase>,
}

impl Companion {
    /// Begins a train to the reflector of the server at `base` and lets it run alone for a while.
    /// `None` when there is none; the observations say why.
    pub(super) async fn begin(run: &Run, net: &NetSettings, base: &Url) -> Option<Self> {
        if run.max_bytes < THROUGHPUT_MIN_BYTES.max(SESSION_MAX_BYTES) {
            without(run, "run_max_bytes");
            return None;
        }
        let granted = session::ask(run, net, base).await?;
        let paid = u32::try_from(run.max_bytes / SHARE / PAIR_BYTES).unwrap_or(u32::MAX);
        let plan = Plan {
            packets_max: paid.min(granted.packets_max),
            gap: GAP.max(granted.gap_min),
            bytes_max: run.max_bytes,
            clock_synchronised: clock_state::is_steered(),
        };
        let (net, clock, meter) = (net.clone(), run.clock, run.meter.clone());
        let mut random = StdRng::seed_from_u64(run.seed);
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let train = tokio::spawn(async move {
            let session = granted.session;
            stamp::run(&net, &clock, &session, plan, &meter, &mut random, stopped).await
        });
        let from_us = run.clock.elapsed_us();
        let companion = Self {
            train: AbortOnDropHandle::new(train),
            stop,
            phases: Vec::new(),
        };
        let idle = tokio::time::sleep(IDLE);
        let _: Option<()> = run.cancel.run_until_cancelled(idle).await;
        let idle = Phase {
            name: "idle",
            from_us,
            until_us: run.clock.elapsed_us(),
            of: None,
        };
        Some(companion.with(idle))
    }

    fn with(mut self, phase: Phase) -> Self {
        self.phases.push(phase);
        self
    }

    /// A transfer went beside the train; it began at `from_us`.
    pub(super) fn saw(&mut self, transfer: &Transfer, from_us: i64) {
        let direction = transfer.direction.as_str();
        let has_result = !matches!(transfer.stop, Stop::Broken | Stop::Cancelled);
        self.phases.push(Phase {
            name: direction,
            from_us,
            until_us: from_us + transfer.elapsed_us,
            of: has_result.then_some((direction, transfer.variant())),
        });
    }

    /// Ends the train and records what it saw.
    pub(super) async fn end(self, run: &Run, class: PathClass) {
        self.stop.cancel();
        let cancelled = async {
            run.cancel.cancelled().await;
            tokio::time::sleep(CANCELLED_WAIT).await;
        };
        let trained = tokio::select! {
            trained = self.train => trained,
            () = cancelled => return,
        };
        let (observation, result) = match trained {
            Ok(trained) => trained,
            // The runner makes a record of a panic, whichever task it happened on.
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            Err(_) => return,
        };
        run.observe(observation);
        if let Some(result) = result {
            report(run, class, &self.phases, &result);
        }
    }
}

/// Says why there is no train.
pub(super) fn without(run: &Run, reason: &str) {
    let now_us = run.clock.elapsed_us();
    let detail = [("reason".to_owned(), reason.into())];
    run.observe(seen(now_us, now_us, detail.into()));
}

/// Records each phase, and samples those that have figures (rules 3 to 5).
fn report(run: &Run, class: PathClass, phases: &[Phase], result: &TrainResult) {
    let mut idle_us = None;
    for phase in phases {
        let rtts_us = phase.round_trips_us(result);
        let answered: Vec<i64> = rtts_us.iter().flatten().copied().collect();
        let enough = |count: usize| (answered.len() >= count).then_some(&answered[..]);
        let median_us = enough(MEDIAN_MIN).and_then(median);
        let p95_us = enough(P95_MIN).and_then(|rtts_us| quantile(rtts_us, 95));
        observe(run, phase, rtts_us.len(), &answered, median_us, p95_us);
        let Some((direction, variant)) = phase.of else {
            if phase.name == "idle" {
                idle_us = median_us;
                sample(run, &format!("idle_rtt_median_us/{class}"), median_us);
            }
            continue;
        };
        let id = format!("{direction}/{variant}/{class}");
        let added_us = p95_us.zip(idle_us);
        let added_us = added_us.map(|(loaded_us, idle_us)| (loaded_us - idle_us).max(0));
        sample(run, &format!("loaded_rtt_median_us/{id}"), median_us);
        sample(run, &format!("loaded_rtt_p95_us/{id}"), p95_us);
        sample(run, &format!("added_latency_us/{id}"), added_us);
    }
}

impl Phase {
    /// Of each packet that was sent in it its round trip, if it had one.
    fn round_trips_us(&self, result: &TrainResult) -> Vec<Option<i64>> {
        let sent = result.sent_ns.iter().zip(round_trips_us(result));
        let within = sent
            .filter(|(sent_ns, _)| (self.from_us..self.until_us).contains(&(**sent_ns / 1_000)));
        within.map(|(_, rtt_us)| rtt_us).collect()
    }
}

fn observe(
    run: &Run,
    phase: &Phase,
    sent: usize,
    answered: &[i64],
    median_us: Option<i64>,
    p95_us: Option<i64>,
) {
    let (from, count): (Vec<i64>, Vec<i64>) =
        histogram::of(answered.iter().copied()).into_iter().unzip();
    let mut detail = Detail::from([
        ("phase".to_owned(), phase.name.into()),
        ("sent".to_owned(), sent.into()),
        ("answered".to_owned(), answered.len().into()),
        ("rtt_us_from".to_owned(), from.into()),
        ("rtt_us_count".to_owned(), count.into()),
    ]);
    for (name, value) in [("rtt_median_us", median_us), ("rtt_p95_us", p95_us)] {
        if let Some(value) = value {
            detail.insert(name.to_owned(), value.into());
        }
    }
    run.observe(seen(phase.from_us, phase.until_us, detail));
}

fn seen(t_start_us: i64, t_end_us: i64, detail: Detail) -> Observation {
    Observation {
        t_start_us,
        t_end_us,
        operation: "rtt_phase".to_owned(),
        subject: None,
        failure: None,
        detail,
    }
}

fn sample(run: &Run, metric: &str, value: Option<i64>) {
    if let Some(value) = value {
        run.sample(format!("throughput.{metric}"), value);
    }
}

#[cfg(test)]
mod tests;
