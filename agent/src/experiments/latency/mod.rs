//! Latency: a train of ten round trips to a host, by ICMP echo where the system permits it, else by
//! TCP connect time; the observations say which.
//!
//! 1. Probes leave 200 ms apart, whether or not earlier ones came back.
//! 2. An ICMP probe is lost when no reply came within 3 s (the Tmax of RFC 2681).
//! 3. A TCP probe is lost when no SYN/ACK or RST came within 1 s: by then the kernel repeats the
//!    SYN (RFC 6298), and the time would no longer be that of one round trip. A refusal is a reply.
//! 4. A host that answers no echo but does answer TCP filters ICMP: that is no loss of the line, so
//!    only the TCP train is sampled. When it answers neither, the ICMP loss stands.
//! 5. A probe that never left the device is no probe: no loss is claimed of a device that is offline.
//! 6. An ICMP round trip ends when the kernel took the reply from the network, not when this program
//!    read it, and each observation says whether it did (`kernel_time`). Version 1 ended it in the
//!    program, so that a busy device lengthened it.
pub mod train;

use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::steps;
use futures_util::future::join_all;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{PathClass, Stream, Target};
use tonle_net::icmp::{self, CannotPing, EchoSocket};
use tonle_net::meter::TCP_OPEN_CLOSE_BYTES;
use tonle_net::tcp;
use train::Train;
use url::Url;

/// Probes of a train.
const PROBES: u16 = 10;
/// Time between two probes.
const SPACING: Duration = Duration::from_millis(200);
/// Longest wait for an echo reply.
const ECHO_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for the answer to a SYN: the initial retransmission timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Port of TCP probes when the target names none.
const TCP_PORT: u16 = 443;
/// Upper bound of a run: questions to three resolvers and both trains.
const COST_BYTES: u64 = 12_000;

static META: Meta = Meta {
    name: "latency",
    version: 2,
    stream: Stream::Quality,
    about: "round-trip time, loss and delay variation to a host",
    timeout_s: 45,
};

/// See the top of this file.
pub struct Latency;

impl Experiment for Latency {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: COST_BYTES.min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let (host, port) = host_and_port(&target.value)?;
    steps::check_literal(run, &target.value, &host)?;
    let Some(address) = steps::resolve_one(run, &host).await else {
        return Ok(());
    };
    let over_tcp = SocketAddr::new(address, port);
    let echoes = match EchoSocket::open(&run.net, address) {
        Ok(socket) => echo_train(run, &socket).await,
        Err(CannotPing::SpecialAddress) => return Ok(()),
        Err(CannotPing::NotPermitted | CannotPing::Socket(_)) => Train::default(),
    };
    if echoes.answered() > 0 {
        report(run, "icmp", target.path_class, &echoes);
        return Ok(());
    }
    let connects = connect_train(run, over_tcp).await;
    if connects.answered() > 0 || echoes.sent() == 0 {
        report(run, "tcp", target.path_class, &connects);
    } else {
        report(run, "icmp", target.path_class, &echoes);
    }
    Ok(())
}

/// Host and port of `host`, `host:port`, `[address]:port` or a URL.
fn host_and_port(value: &str) -> Result<(String, u16), CannotRun> {
    let bad = |reason: &str| CannotRun::Target {
        target: value.to_owned(),
        reason: reason.to_owned(),
    };
    if let Ok(address) = value.parse::<IpAddr>() {
        return Ok((address.to_string(), TCP_PORT));
    }
    let as_url = if value.contains("://") {
        value.to_owned()
    } else {
        format!("tcp://{value}")
    };
    let url = Url::parse(&as_url).map_err(|error| bad(&error.to_string()))?;
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| bad("it names no host"))?;
    Ok((
        host.to_owned(),
        url.port_or_known_default().unwrap_or(TCP_PORT),
    ))
}

async fn echo_train(run: &Run, socket: &EchoSocket) -> Train {
    let plan = icmp::Plan {
        probes: PROBES,
        spacing: SPACING,
        timeout: ECHO_TIMEOUT,
        first_sequence: u16::from_be_bytes(seed_bytes(run)),
    };
    let bytes = 2 * icmp::echo_bytes(socket.target());
    let may_send = || steps::may_spend(run, bytes);
    let mut settled = 0;
    let saw = |observation: Observation| {
        settled += u64::from(observation.operation == "icmp_echo");
        run.observe(observation);
        (run.progress)(settled, u64::from(PROBES));
    };
    let rtts_us = icmp::train(socket, &run.clock, plan, may_send, saw).await;
    let mut train = Train::default();
    for rtt_us in rtts_us {
        train.push(rtt_us);
    }
    train
}

/// Two bytes of the run's seed: where sequence numbers start.
fn seed_bytes(run: &Run) -> [u8; 2] {
    let [first, second, ..] = run.seed.to_be_bytes();
    [first, second]
}

async fn connect_train(run: &Run, peer: SocketAddr) -> Train {
    send(run, TCP_OPEN_CLOSE_BYTES, |_| async move {
        let (mut observation, _) = tcp::connect(&run.net, &run.clock, peer, CONNECT_TIMEOUT).await;
        observation
            .detail
            .insert("probe".to_owned(), "tcp_connect".into());
        observation
    })
    .await
}

/// Sends a train of `probe`s, each of which costs `bytes`; the rest of it is not sent once one could
/// not leave the device or would exceed the run's bytes.
async fn send<F, P>(run: &Run, bytes: u64, probe: F) -> Train
where
    F: Fn(u16) -> P,
    P: Future<Output = Observation>,
{
    let stopped = CancellationToken::new();
    let (probe, stopped) = (&probe, &stopped);
    let probes = (0..PROBES).map(|number| async move {
        let due = tokio::time::sleep(SPACING * u32::from(number));
        stopped.run_until_cancelled(due).await?;
        if !steps::may_spend(run, bytes) {
            stopped.cancel();
            return None;
        }
        let observation = probe(number).await;
        let left = steps::left_device(&observation);
        let rtt_us = is_reply(&observation).then(|| observation.duration_us());
        run.observe(observation);
        (run.progress)(u64::from(number) + 1, u64::from(PROBES));
        if !left {
            stopped.cancel();
        }
        left.then_some(rtt_us)
    });
    let mut train = Train::default();
    for rtt_us in join_all(probes).await.into_iter().flatten() {
        train.push(rtt_us);
    }
    train
}

/// Whether the far end answered the probe; a refusal is an answer too.
fn is_reply(observation: &Observation) -> bool {
    matches!(observation.failure, None | Some(Failure::ConnectionRefused))
}

fn report(run: &Run, packet: &str, class: PathClass, train: &Train) {
    let sample = |base: &str, value: Option<i64>| {
        if let Some(value) = value {
            run.sample(format!("latency.{base}/{packet}/{class}"), value);
        }
    };
    let delays = train.delays();
    sample("rtt_min_us", delays.map(|delays| delays.rtt_min_us));
    sample("rtt_median_us", delays.map(|delays| delays.rtt_median_us));
    sample("rtt_p95_us", delays.map(|delays| delays.rtt_p95_us));
    sample("loss_ppm", train.loss_ppm());
    sample(
        "ipdv_mean_abs_us",
        delays.and_then(|delays| delays.ipdv_mean_abs_us),
    );
    sample("pdv_p95_us", delays.map(|delays| delays.pdv_p95_us));
}

#[cfg(test)]
mod tests;
