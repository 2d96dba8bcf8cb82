//! Services: whether the places that a messenger's or another service's programs connect to can be
//! reached. Which they are is data (`configs/services.toml`). Says what was seen and gives no verdict.
//!
//! 1. A target is a service's id. Its groups are parts of it, of which one place each is enough; of a
//!    group with many hosts a few are drawn per run.
//! 2. Each host is looked up, and its first address that there is a way to is connected to on each
//!    port; where the group says so the handshake is made, under the roots of the service's own
//!    programs.
//! 3. What fails is tried once more after a pause: a failure that comes once is chance.
//!
//! Every step says its `group`, what it is to reach (`reach`: `tcp` or `tls`), its `endpoint`
//! (`host:port`; of a lookup the host), and `attempt` from 0. An observation `services` has the
//! `service` and the list's `version`.
mod list;

use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::contrast::{HANDSHAKE_BYTES, pause};
use crate::steps;
use futures_util::StreamExt;
use futures_util::stream;
use list::{Group, List, Reach};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::net::SocketAddr;
use std::time::Duration;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{Outcome, Stream, Target};
use tonle_net::dns::{Patience, resolve_host};
use tonle_net::meter::{Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::scrub;
use tonle_net::settings::NetSettings;
use tonle_net::step::Step;
use tonle_net::tcp;
use tonle_net::tls::{self, ALPN_HTTP1, Handshake};

/// Attempts at an endpoint.
const ATTEMPTS: u32 = 2;
/// Wait before the second attempt.
const PAUSE: Duration = Duration::from_secs(3);
/// Hosts that are tried side by side.
const WIDTH: usize = 4;
/// Bytes of looking a name up, at most.
const LOOKUP_BYTES: u64 = 6_000;
/// Endpoints that the bound of a run is made of where the list cannot be read.
const ENDPOINTS: u64 = 16;

static META: Meta = Meta {
    name: "services",
    version: 1,
    stream: Stream::Openness,
    about: "whether the places that a messenger connects to can be reached",
    timeout_s: 240,
};

/// See the top of this file.
pub struct Services;

impl Experiment for Services {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, target: &Target, max_bytes: u64) -> Cost {
        let list = List::load(None).ok();
        let service = list
            .as_ref()
            .and_then(|list| list.service(&target.value).ok());
        let endpoints = service.map_or(ENDPOINTS, |service| {
            let groups = service.group.iter();
            groups.map(|group| group.endpoints() as u64).sum()
        });
        let each = LOOKUP_BYTES + u64::from(ATTEMPTS) * HANDSHAKE_BYTES;
        Cost {
            bytes: (endpoints * each).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

/// What an endpoint of a group is reached with.
struct Place<'a> {
    group: &'a Group,
    host: String,
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let list = List::load(run.openness.services.as_ref())?;
    let service = list.service(&target.value)?;
    let net = service.surroundings(&run.net)?;
    let mut step = Step::start(&run.clock, "services", target.value.clone());
    step.fact("service", target.value.as_str());
    step.fact("version", list.version.as_str());
    let mut random = StdRng::seed_from_u64(run.seed);
    let mut places = Vec::new();
    for group in &service.group {
        let hosts = group.draw(&mut random).into_iter();
        places.extend(hosts.map(|host| Place { group, host }));
    }
    let net = &net;
    stream::iter(places)
        .for_each_concurrent(WIDTH, |place| async move { place.measure(run, net).await })
        .await;
    run.observe(step.succeed());
    Ok(())
}

impl Place<'_> {
    async fn measure(&self, run: &Run, net: &NetSettings) {
        let resolved = resolve_host(
            net,
            &run.clock,
            &run.meter,
            &self.host,
            Patience::FIRST_ANSWER,
        )
        .await;
        for mut seen in resolved.observations.clone() {
            self.label(&mut seen, &self.host, 0);
            run.observe(seen);
        }
        let addresses = &resolved.addresses;
        let with_route = addresses.iter().find(|address| tcp::has_route(**address));
        let Some(address) = with_route.or(addresses.first()) else {
            return;
        };
        for port in self.group.ports() {
            let peer = SocketAddr::new(*address, *port);
            for attempt in 0..ATTEMPTS {
                if attempt > 0 {
                    pause(run, PAUSE).await;
                }
                if self.reach(run, net, peer, attempt).await {
                    break;
                }
            }
        }
    }

    /// Connects, and shakes hands where that is asked; whether it was reached.
    async fn reach(&self, run: &Run, net: &NetSettings, peer: SocketAddr, attempt: u32) -> bool {
        if run.bytes_used() + HANDSHAKE_BYTES > run.max_bytes {
            run.ended(Outcome::Capped);
            return false;
        }
        let endpoint = format!("{}:{}", self.host, peer.port());
        let (mut seen, stream) = tcp::connect(net, &run.clock, peer, tcp::CONNECT_TIMEOUT).await;
        if steps::left_device(&seen) {
            run.count_bytes(TCP_OPEN_CLOSE_BYTES);
        }
        self.label(&mut seen, &endpoint, attempt);
        run.observe(seen);
        let Some(stream) = stream else {
            return false;
        };
        if self.group.reach == Reach::Tcp {
            return true;
        }
        let wanted = Handshake {
            peer,
            server_name: &self.host,
            alpn: ALPN_HTTP1,
            timeout: tls::HANDSHAKE_TIMEOUT,
        };
        let stream = Metered::new(stream, run.meter.clone());
        let (mut seen, _) = tls::handshake(net, &run.clock, stream, wanted).await;
        self.label(&mut seen, &endpoint, attempt);
        let is_reached = seen.succeeded();
        run.observe(seen);
        is_reached
    }

    fn label(&self, seen: &mut Observation, endpoint: &str, attempt: u32) {
        let detail = &mut seen.detail;
        detail.insert("group".to_owned(), self.group.id.as_str().into());
        detail.insert("reach".to_owned(), self.group.reach.as_str().into());
        detail.insert("endpoint".to_owned(), (*scrub::host(endpoint)).into());
        detail.insert("attempt".to_owned(), attempt.into());
    }
}

#[cfg(test)]
mod tests;
