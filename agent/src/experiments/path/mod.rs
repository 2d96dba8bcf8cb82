//! Path: the routers on the way to a host, from outside the volunteer's own network on, and where
//! the way leaves through.
//!
//! 1. Methods are tried in this order until one reaches the host: UDP, TCP to the host's service
//!    port, ICMP echo where the system permits it. Each is one constant flow ([`tonle_net::trace`]).
//! 2. The first hop, private and shared addresses, and whatever lies in a network of this device are
//!    written as `hidden` with their TTL and nothing else ([`veil`]). Routers beyond are the
//!    operators', and evidence.
//! 3. Observations. `trace_hop`, one for each TTL: subject the (first) router that answered; detail
//!    `method`, `ttl`, `probes`, `rtts_us`, `kernel_time`, `answer` (`ttl_end` | `target` |
//!    `refused`), `others` when several routers share the place, `hidden: true`. A silent hop is a
//!    timeout. `path`, one for each method: `method`, `end`, `hops` when the host was reached, and
//!    the gateway where there is one ([`gateway`]).
//! 4. There are no metrics: the length of a way says nothing of its quality.
pub mod gateway;
pub mod veil;

use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::steps;
use gateway::Place;
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::failure::Failure;
use tonle_evidence::record::{Stream, Target};
use tonle_net::classify;
use tonle_net::scrub;
use tonle_net::step::Step;
use tonle_net::tcp;
use tonle_net::trace::{self, Answer, End, HOP_TIMEOUT, HOPS_MAX, Hop, Method, Verdict};
use veil::Veil;

/// Port of TCP probes.
const TCP_PORT: u16 = 443;
const METHODS: [Method; 3] = [Method::Udp, Method::Tcp, Method::Icmp];
/// Bytes of one hop at most.
const HOP_BYTES: u64 = trace::PROBE_BYTES * trace::PROBES as u64;
/// Upper bound of a run: every hop by every method, and the questions to the resolvers.
const COST_BYTES: u64 = HOP_BYTES * HOPS_MAX as u64 * METHODS.len() as u64 + 4_000;

static META: Meta = Meta {
    name: "path",
    version: 1,
    stream: Stream::Quality,
    about: "the routers on the way to a host, outside your own network",
    timeout_s: 120,
};

/// See the top of this file.
pub struct Path;

impl Experiment for Path {
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
    let host = target.value.as_str();
    if host.is_empty() || host.contains(['/', ' ']) {
        return Err(CannotRun::Target {
            target: host.to_owned(),
            reason: "it is no host name or address".to_owned(),
        });
    }
    steps::check_literal(run, host, host)?;
    let Some(address) = steps::resolve_one(run, host).await else {
        return Ok(());
    };
    for (done, method) in (0..).zip(METHODS) {
        (run.progress)(done, METHODS.len() as u64);
        let end = trace_by(run, method, address).await;
        if !matches!(end, End::Silent | End::Refused | End::TooFar) {
            break;
        }
    }
    Ok(())
}

/// Traces by one method and records what may be.
pub(super) async fn trace_by(run: &Run, method: Method, address: IpAddr) -> End {
    let mut step = Step::start(&run.clock, "path", scrub::address(address));
    let mut veil = Veil::new(trace::own_networks());
    let mut places: Vec<Place> = Vec::new();
    let may_send = || steps::may_spend(run, HOP_BYTES);
    let saw = |hop: Hop| {
        let shown = record_hop(run, method, &hop, &mut veil);
        places.extend(place_of(&hop, &shown));
    };
    let peer = SocketAddr::new(address, TCP_PORT);
    let end = trace::trace(&run.net, &run.clock, method, peer, may_send, saw).await;
    step.fact("method", method.as_str());
    step.fact("end", word_of(&end));
    if let Some(gateway) = gateway::find(&places) {
        step.fact("gateway_before", gateway.before);
        step.fact("gateway_after", gateway.after);
        step.fact("gateway_step_us", gateway.step_us);
    }
    let failure = match &end {
        End::Reached(hops) => {
            step.fact("hops", *hops);
            None
        }
        End::Refused => Some(Failure::HostUnreachable),
        End::Silent | End::TooFar => Some(Failure::GenericTimeout),
        End::Stopped => Some(Failure::Interrupted),
        End::NotSent(error) => {
            if !tcp::has_route(address) {
                step.fact("sent", false);
            }
            Some(classify::io_error(error))
        }
    };
    run.observe(match failure {
        None => step.succeed(),
        Some(failure) => step.fail(failure),
    });
    end
}

fn word_of(end: &End) -> &'static str {
    match end {
        End::Reached(_) => "reached",
        End::Refused => "refused",
        End::Silent => "silent",
        End::TooFar => "too_far",
        End::Stopped => "stopped",
        End::NotSent(_) => "not_sent",
    }
}

/// Records a hop as it may be written; returns the answers that may be.
fn record_hop(run: &Run, method: Method, hop: &Hop, veil: &mut Veil) -> Vec<Answer> {
    let shown: Vec<Answer> = hop
        .answers
        .iter()
        .filter(|answer| veil.shows(hop.ttl, answer.from))
        .copied()
        .collect();
    run.observe(observation(method, hop, &shown));
    shown
}

fn observation(
    method: Method,
    hop: &Hop,
    shown: &[Answer],
) -> tonle_evidence::observation::Observation {
    let timeout_us = i64::try_from(HOP_TIMEOUT.as_micros()).unwrap_or(i64::MAX);
    let (first, is_silent) = (shown.first(), hop.answers.is_empty());
    let mut detail = tonle_evidence::observation::Detail::new();
    let mut fact = |key: &str, value: serde_json::Value| detail.insert(key.to_owned(), value);
    fact("method", method.as_str().into());
    fact("ttl", hop.ttl.into());
    match first {
        None if is_silent => {
            fact("probes", hop.probes.into());
        }
        None => {
            fact("hidden", true.into());
        }
        Some(first) => {
            fact("probes", hop.probes.into());
            let rtts_us: Vec<i64> = shown.iter().map(|answer| answer.rtt_us).collect();
            fact("rtts_us", rtts_us.into());
            fact("kernel_time", shown.iter().all(|one| one.by_kernel).into());
            fact("answer", word(first.verdict).into());
            let mut others: Vec<String> = shown
                .iter()
                .filter(|answer| answer.from != first.from)
                .map(|answer| scrub::address(answer.from))
                .collect();
            others.sort_unstable();
            others.dedup();
            if !others.is_empty() {
                fact("others", others.into());
            }
        }
    }
    let length_us = match first {
        Some(_) => shown.iter().map(|answer| answer.rtt_us).max().unwrap_or(0),
        None if is_silent => timeout_us,
        // How far a hidden hop is, is the volunteer's as well.
        None => 0,
    };
    tonle_evidence::observation::Observation {
        t_start_us: hop.sent_us,
        t_end_us: hop.sent_us + length_us,
        operation: "trace_hop".to_owned(),
        subject: first.map(|answer| scrub::address(answer.from)),
        failure: is_silent.then_some(Failure::GenericTimeout),
        detail,
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TtlEnd => "ttl_end",
        Verdict::Target => "target",
        Verdict::Refused(_) => "refused",
    }
}

/// Where a hop stands, for the gateway; `None` of a silent one.
fn place_of(hop: &Hop, shown: &[Answer]) -> Option<Place> {
    let is_target = |answer: &Answer| answer.verdict == Verdict::Target;
    Some(Place {
        router: shown.first().map(|answer| answer.from),
        is_target: hop.answers.iter().any(is_target),
        rtt_us: hop.answers.iter().map(|answer| answer.rtt_us).min()?,
    })
}

#[cfg(test)]
mod tests;
