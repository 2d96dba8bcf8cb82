//! DNS: one name asked of every resolver of the device and of every public resolver, for both
//! address families, each question on a socket of its own.
//!
//! 1. Everything that comes back until the window closes is kept, not only the first answer.
//! 2. The resolution time is that of the questions that were answered; "the name has no address of
//!    this family" is an answer.
//! 3. A question that never left the device enters no failure ratio.
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::quantile::{median, ratio_ppm};
use crate::steps;
use futures_util::future::join_all;
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::failure::Failure;
use tonle_evidence::record::{Stream, Target};
use tonle_net::dns::{Patience, QueryType, Question, query};
use tonle_net::settings::NetSettings;

/// Port of public resolvers.
const DNS_PORT: u16 = 53;
/// Upper bound of one question with its answers, as far as they are not cut.
const QUESTION_BYTES: u64 = 1_500;
/// Questions that the bound of a run is made of: three resolvers of the device, seven public ones,
/// two families.
const QUESTIONS: u64 = 20;

static META: Meta = Meta {
    name: "dns",
    version: 1,
    stream: Stream::Quality,
    about: "time and answers of the device's resolvers and of public ones",
    timeout_s: 30,
};

/// Whose resolver it is: the variant of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Configured,
    Public,
}

impl Whose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Public => "public",
        }
    }
}

/// What came of one question that left the device.
#[derive(Debug, Clone, Copy)]
struct Answered {
    whose: Whose,
    /// `None` when it failed.
    time_us: Option<i64>,
}

/// See the top of this file.
pub struct Dns;

impl Experiment for Dns {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: (QUESTIONS * QUESTION_BYTES).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, &target.value)))
    }
}

async fn measure(run: &Run, name: &str) -> Result<(), CannotRun> {
    if name.parse::<IpAddr>().is_ok() || Question::new(name, QueryType::A, 0).is_none() {
        return Err(CannotRun::Target {
            target: name.to_owned(),
            reason: "it is no domain name".to_owned(),
        });
    }
    let resolvers = resolvers(&run.net);
    if resolvers.is_empty() {
        return Err(CannotRun::Missing(
            "a resolver, in resolv.conf or among the targets".to_owned(),
        ));
    }
    let questions = resolvers
        .iter()
        .flat_map(|asked| QueryType::BOTH.map(|query_type| (*asked, query_type)));
    let asked = join_all(questions.map(|((resolver, whose), query_type)| async move {
        if run.bytes_used() + QUESTION_BYTES > run.max_bytes {
            return None;
        }
        ask(run, resolver, whose, (name, query_type)).await
    }))
    .await;
    let answered: Vec<Answered> = asked.into_iter().flatten().collect();
    for whose in [Whose::Configured, Whose::Public] {
        report(run, whose, &answered);
    }
    Ok(())
}

/// Every resolver once, the device's own first.
fn resolvers(net: &NetSettings) -> Vec<(SocketAddr, Whose)> {
    let configured = net
        .resolvers
        .iter()
        .map(|resolver| (*resolver, Whose::Configured));
    let public = net
        .public_resolvers
        .iter()
        .map(|address| SocketAddr::new(*address, DNS_PORT))
        .filter(|resolver| !net.resolvers.contains(resolver))
        .map(|resolver| (resolver, Whose::Public));
    configured.chain(public).collect()
}

async fn ask(
    run: &Run,
    resolver: SocketAddr,
    whose: Whose,
    question: (&str, QueryType),
) -> Option<Answered> {
    let asked = query(
        &run.net,
        &run.clock,
        &run.meter,
        resolver,
        question,
        Patience::FULL,
    )
    .await;
    let seen = asked.observation;
    let is_answer = matches!(seen.failure, None | Some(Failure::DnsNoAnswer));
    let answered = Answered {
        whose,
        time_us: is_answer.then(|| seen.duration_us()),
    };
    let left = steps::left_device(&seen);
    run.observe(seen);
    left.then_some(answered)
}

fn report(run: &Run, whose: Whose, answered: &[Answered]) {
    let of_whose = || answered.iter().filter(|answered| answered.whose == whose);
    let times_us: Vec<i64> = of_whose().filter_map(|answered| answered.time_us).collect();
    let asked = of_whose().count();
    if let Some(time_us) = median(&times_us) {
        run.sample(format!("dns.resolution_us/{}", whose.as_str()), time_us);
    }
    if let Some(failed_ppm) = ratio_ppm(asked - times_us.len(), asked) {
        run.sample(format!("dns.failure_ppm/{}", whose.as_str()), failed_ppm);
    }
}

#[cfg(test)]
mod tests;
