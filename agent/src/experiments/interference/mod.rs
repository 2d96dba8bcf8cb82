//! Interference: what becomes of requests in clear on their way to the collector's own echo, which says
//! what reached it. The target gives a name and is never contacted. Says what was seen and gives no
//! verdict.
//!
//! 1. `headers`: a request whose header names are in a random case (ts-006 of the OONI specification). Who
//!    hands it on by parsing it leaves traces.
//! 2. `line`: request lines that are none (ts-007), which a proxy answers itself. They come in an order that
//!    the seed draws.
//! 3. `host`: an ordinary request whose `Host` is the target's name, or one that nobody minds. Server and
//!    address are ours either way, so that only the name differs.
//! 4. All of that comes in rounds, after a pause: what comes once is chance.
//!
//! Steps `connect` and `echo`, subject the server. Each has `kind` as above and `round` from 0; of `line`
//! `invalid` (`method`, `field_count`, `big_method`, `version`, `cache_object`), of `host` `presented`
//! (`target`, `neutral`). `echo` has `echoed`: whether the request came back; then `altered`, and where it is
//! `request_line_altered`, and names of header lines that were `added`, are `missing`, have another value
//! (`changed`) or another spelling (`recased`). Else `status` where HTTP answered. `busy: true`: the echo had
//! no time. `answer_bytes`.
mod compare;
mod exchange;
mod request;
#[cfg(test)]
mod tests;

use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::contrast::{Presented, are_related, pause};
use crate::steps;
use exchange::{Comes, EXCHANGE_BYTES, Place};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use request::Invalid;
use std::net::SocketAddr;
use std::time::Duration;
use tonle_evidence::observation::Detail;
use tonle_evidence::record::{Stream, Target};
use url::{Host, Url};

/// Times that headers and invalid lines are sent.
const ROUNDS: u32 = 2;
/// Times that each name is shown.
const HOST_ROUNDS: u32 = 3;
/// Wait before each exchange but the first.
const PAUSE: Duration = Duration::from_millis(300);
/// Bytes of looking the server's name up, at most.
const LOOKUP_BYTES: u64 = 6_000;
const EXCHANGES: u64 = ROUNDS as u64 * (1 + Invalid::ALL.len() as u64) + HOST_ROUNDS as u64 * 2;

static META: Meta = Meta {
    name: "interference",
    version: 1,
    stream: Stream::Openness,
    about: "what a box on the line changes in requests to the collector, or minds in them",
    // Eighteen exchanges that each wait for a connection and an answer.
    timeout_s: 210,
};

/// See the top of this file.
pub struct Interference;

impl Experiment for Interference {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: (LOOKUP_BYTES + EXCHANGES * EXCHANGE_BYTES).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

/// One thing that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Headers,
    Line(Invalid),
    Host(Presented),
}

impl Attempt {
    fn label(self, round: u32) -> Detail {
        let (kind, more) = match self {
            Self::Headers => ("headers", None),
            Self::Line(how) => ("line", Some(("invalid", how.as_str()))),
            Self::Host(presented) => ("host", Some(("presented", presented.as_str()))),
        };
        let words = [("kind", kind)].into_iter().chain(more);
        let mut label: Detail = words
            .map(|(key, word)| (key.to_owned(), word.into()))
            .collect();
        label.insert("round".to_owned(), round.into());
        label
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let name = host_of(target)?;
    let neutral = run.openness.neutral_name.as_str();
    if neutral.is_empty() {
        let what = "a neutral name to compare with; set `openness.neutral_name`";
        return Err(CannotRun::Missing(what.to_owned()));
    }
    if are_related(&name, neutral) {
        return Err(CannotRun::Target {
            target: target.value.clone(),
            reason: format!("its name cannot be told from the neutral one, {neutral}"),
        });
    }
    let Some(server) = run.openness.echo.as_ref() else {
        let what =
            "a collector on another machine, whose measurement servers say what reaches them";
        return Err(CannotRun::Missing(what.to_owned()));
    };
    let (own, port) = (authority(server), server.port_or_known_default());
    let (Some(host), Some(port)) = (server.host_str(), port) else {
        return Err(CannotRun::Missing("the collector's address".to_owned()));
    };
    let Some(address) = steps::resolve_one(run, host).await else {
        return Ok(());
    };
    let place = Place {
        run,
        net: &run.net.for_named_server(),
        peer: SocketAddr::new(address, port),
    };
    let mut random = StdRng::seed_from_u64(run.seed);
    let attempts = order(&mut random);
    for (done, (round, attempt)) in attempts.iter().enumerate() {
        (run.progress)(done as u64, attempts.len() as u64);
        if done > 0 {
            pause(run, PAUSE).await;
        }
        let (sent, comes) = match attempt {
            Attempt::Headers => (request::recased(&own, &mut random), Comes::AsContent),
            Attempt::Line(how) => (request::invalid(*how, &own, &mut random), Comes::AsItIs),
            Attempt::Host(Presented::Target) => {
                (request::plain(&name, &mut random), Comes::AsContent)
            }
            Attempt::Host(_) => (request::plain(neutral, &mut random), Comes::AsContent),
        };
        if !place.exchange(&sent, comes, &attempt.label(*round)).await {
            return Ok(());
        }
    }
    Ok(())
}

/// Round and kind of everything that is sent. Invalid lines come last: a box that holds them against
/// the device for a while must not spoil the rest.
fn order(random: &mut StdRng) -> Vec<(u32, Attempt)> {
    let mut all = Vec::new();
    for round in 0..HOST_ROUNDS {
        let mut attempts = vec![
            Attempt::Host(Presented::Target),
            Attempt::Host(Presented::Neutral),
        ];
        if round < ROUNDS {
            attempts.push(Attempt::Headers);
        }
        attempts.shuffle(random);
        all.extend(attempts.into_iter().map(|attempt| (round, attempt)));
    }
    for round in 0..ROUNDS {
        let mut lines = Invalid::ALL;
        lines.shuffle(random);
        all.extend(lines.map(|how| (round, Attempt::Line(how))));
    }
    all
}

/// The name of a target that is given as one, or by a URL.
fn host_of(target: &Target) -> Result<String, CannotRun> {
    let value = &target.value;
    let text = if value.contains("://") {
        value.clone()
    } else {
        format!("http://{value}/")
    };
    let unfit = |reason: &str| CannotRun::Target {
        target: value.clone(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(&text).map_err(|error| unfit(&error.to_string()))?;
    match url.host() {
        Some(Host::Domain(name)) if matches!(url.scheme(), "http" | "https") => Ok(name.to_owned()),
        _ => Err(unfit("a name is needed, or an http or https URL with one")),
    }
}

/// What a browser writes into `Host` for a server.
fn authority(server: &Url) -> String {
    let host = server.host_str().unwrap_or_default();
    match server.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
