//! STAMP (RFC 8762): a train of UDP packets to a reflector, which says of each when it came and went:
//! round trips, loss in each direction, reordering, duplicates, both delay variations.
//!
//! 1. The target is a measurement server (`ws://`, `wss://`), which grants a session for its own
//!    reflector; or any reflector (`stamp://host:port`, 862 where no port is named), in open mode, or
//!    authenticated where the configuration has a key (`stamp_key_file`).
//! 2. A round trip is (T4 − T1) − (T3 − T2): no clock needs to agree with another. A packet without a
//!    reply within 3 s is lost (RFC 2681, RFC 6673).
//! 3. Loss has a direction where the reflector counts for itself, which of a stranger nobody knows.
//! 4. A delay of one direction is claimed only while both clocks are steered by an outside source, and
//!    neither direction takes less than no time: then the clocks disagree all the same.
//! 5. When nothing comes back at all, nothing is claimed: packets may be filtered, or reach the
//!    reflector from another address than asked for the session.
//! 6. Packets leave at random gaps (RFC 3432, section 4), 100 ms on average; in one's own network,
//!    where they cost nothing, 25 ms.
//!
//! Operations: those of `session`, then `stamp_train` of `tonle_net`.
pub(in crate::experiments) mod session;

use super::latency::train::Train;
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::quantile::{median, ratio_ppm};
use crate::steps;
use rand::SeedableRng;
use rand::rngs::StdRng;
use session::{Granted, SESSION_MAX_BYTES};
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;
use tonle_evidence::record::{Outcome, PathClass, Stream, Target};
use tonle_net::clock_state;
use tonle_net::stamp::{self, Plan, Session, TrainResult};
use url::Url;

/// Packets of a train.
const PACKETS: u32 = 100;
/// Mean gap between two of them (rule 6).
const GAP: Duration = Duration::from_millis(100);
const LOCAL_GAP: Duration = Duration::from_millis(25);
/// Port of a reflector where the target names none (RFC 8762, section 4.1).
const PORT: u16 = 862;
/// Bytes of a packet and its reply, in the longer layout, with their headers over IPv4.
pub(in crate::experiments) const PAIR_BYTES: u64 =
    2 * (tonle_wire::stamp::AUTHENTICATED_BYTES as u64 + 28);

static META: Meta = Meta {
    name: "stamp",
    version: 1,
    stream: Stream::Quality,
    about: "round trips, and loss in each direction, to a STAMP reflector",
    timeout_s: 60,
};

/// See the top of this file.
pub struct Stamp;

impl Experiment for Stamp {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: (SESSION_MAX_BYTES + u64::from(PACKETS) * PAIR_BYTES).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let url = url_of(&target.value)?;
    let is_local = target.path_class == PathClass::Local;
    if !is_local {
        steps::check_literal(run, &target.value, url.host_str().unwrap_or_default())?;
    }
    let net = steps::surroundings(run, target);
    if run.max_bytes < SESSION_MAX_BYTES + PAIR_BYTES {
        return Err(CannotRun::Missing(format!(
            "a byte cap of {} for one run (`run_max_bytes`)",
            SESSION_MAX_BYTES + PAIR_BYTES
        )));
    }
    let granted = match url.scheme() {
        "stamp" => stranger(run, &url).await,
        _ => session::ask(run, &net, &url).await,
    };
    let Some(granted) = granted else {
        return Ok(());
    };
    let gap = if is_local { LOCAL_GAP } else { GAP };
    let plan = Plan {
        packets_max: PACKETS.min(granted.packets_max),
        gap: gap.max(granted.gap_min),
        bytes_max: run.max_bytes,
        clock_synchronised: clock_state::is_steered(),
    };
    let mut random = StdRng::seed_from_u64(run.seed);
    let training = stamp::run(
        &net,
        &run.clock,
        &granted.session,
        plan,
        &run.meter,
        &mut random,
        pending(),
    );
    let (seen, result) = training.await;
    run.observe(seen);
    if let Some(result) = result {
        if run.bytes_used() + PAIR_BYTES > run.max_bytes {
            run.ended(Outcome::Capped);
        }
        report(run, target.path_class, &result);
    }
    Ok(())
}

fn url_of(value: &str) -> Result<Url, CannotRun> {
    let bad = |reason: &str| CannotRun::Target {
        target: value.to_owned(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(value).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "ws" | "wss" | "stamp") {
        return Err(bad("it is no ws, wss or stamp URL"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no host"));
    }
    Ok(url)
}

/// A reflector that nobody granted us anything of: what every reflector must answer.
async fn stranger(run: &Run, url: &Url) -> Option<Granted> {
    let host = url.host_str().unwrap_or_default();
    let address = steps::resolve_one(run, host).await?;
    Some(Granted {
        session: Session {
            peer: SocketAddr::new(address, url.port().unwrap_or(PORT)),
            ssid: 0,
            key: run.stamp_key.clone(),
            stateful: false,
        },
        packets_max: PACKETS,
        gap_min: Duration::ZERO,
    })
}

/// Turns a train into samples, as far as it has any (rules 3 to 5).
fn report(run: &Run, class: PathClass, result: &TrainResult) {
    if result.answers.is_empty() {
        return;
    }
    let mut train = Train::default();
    for rtt_us in round_trips_us(result) {
        train.push(rtt_us);
    }
    let delays = train.delays();
    let loss_ppm = |(lost, of): (usize, usize)| ratio_ppm(lost, of);
    let one_way_us = one_way_us(result);
    let answered = result.answers.len();
    let figures = [
        ("rtt_min_us", delays.map(|delays| delays.rtt_min_us)),
        ("rtt_median_us", delays.map(|delays| delays.rtt_median_us)),
        ("rtt_p95_us", delays.map(|delays| delays.rtt_p95_us)),
        ("loss_ppm", train.loss_ppm()),
        (
            "loss_up_ppm",
            result.loss.and_then(|loss| loss_ppm(loss.forward)),
        ),
        (
            "loss_down_ppm",
            result.loss.and_then(|loss| loss_ppm(loss.backward)),
        ),
        (
            "ipdv_mean_abs_us",
            delays.and_then(|delays| delays.ipdv_mean_abs_us),
        ),
        ("pdv_p95_us", delays.map(|delays| delays.pdv_p95_us)),
        ("reordered_ppm", ratio_ppm(result.reordered, answered)),
        ("duplicated_ppm", ratio_ppm(result.duplicated, answered)),
        ("delay_up_us", one_way_us.map(|(up, _)| up)),
        ("delay_down_us", one_way_us.map(|(_, down)| down)),
    ];
    for (base, value) in figures {
        if let Some(value) = value {
            run.sample(format!("stamp.{base}/{class}"), value);
        }
    }
}

/// The medians of both directions, where the clocks permit (rule 4).
fn one_way_us(result: &TrainResult) -> Option<(i64, i64)> {
    let ways = result.answers.iter().filter_map(|answer| answer.one_way_ns);
    let (up, down): (Vec<i64>, Vec<i64>) = ways
        .map(|(up_ns, down_ns)| (up_ns / 1_000, down_ns / 1_000))
        .unzip();
    if up.iter().chain(&down).any(|delay_us| *delay_us < 0) {
        return None;
    }
    Some((median(&up)?, median(&down)?))
}

/// The round trips in the order of sending; none of a packet without a reply.
pub(in crate::experiments) fn round_trips_us(result: &TrainResult) -> Vec<Option<i64>> {
    let mut rtts_us = vec![None; result.sent_ns.len()];
    for answer in &result.answers {
        let place = usize::try_from(answer.sequence).ok();
        if let Some(rtt_us) = place.and_then(|place| rtts_us.get_mut(place)) {
            *rtt_us = Some(answer.rtt_ns / 1_000);
        }
    }
    rtts_us
}

#[cfg(test)]
pub(in crate::experiments) mod reflector;
#[cfg(test)]
mod tests;
