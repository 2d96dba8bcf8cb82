//! Services: whether the places that a messenger's or another service's programs connect to can be
//! reached. Which they are is data (`configs/services.toml`). Says what was seen and gives no verdict.
//!
//! 1. A target is a service's id. Its groups are parts of it, of which one place each is enough; of a
//!    group with many hosts a few are drawn per run.
//! 2. Each host is looked up, and its first address that there is a way to is connected to on each
//!    port; where the group says so the handshake is made, under the roots of the service's own
//!    programs.
//! 3. What fails is tried once more after a pause: a failure that comes once is chance.
//! 4. The controls are asked for the places of a part that was not reached ([`crate::control`]): a service may
//!    be down. Of a part that a mere connection reaches they are asked for one name all the same: no
//!    certificate says there who answered, but they know the networks of addresses (`elsewhere`).
//!
//! Every step says its `group`, what it is to reach (`reach`: `tcp` or `tls`), its `endpoint`
//! (`host:port`; of a lookup the host), and `attempt` from 0; where the list says in which networks the
//! group's addresses lie, `asns`. An observation `services` has the `service` and the list's `version`.
mod elsewhere;
mod list;

use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::contrast::{HANDSHAKE_BYTES, pause};
use crate::control::{self, CONTROLS_BYTES};
use crate::steps;
use elsewhere::{QUESTIONS_MAX, Tried};
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
    version: 2,
    stream: Stream::Openness,
    about: "whether the places that a messenger connects to can be reached",
    // The places, and then the controls.
    timeout_s: 400,
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
            bytes: (endpoints * each + QUESTIONS_MAX as u64 * CONTROLS_BYTES).min(max_bytes),
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
    let measured: Vec<_> = places
        .into_iter()
        .map(|place| place.measure(run, net))
        .collect();
    let tried: Vec<Tried<'_>> = stream::iter(measured).buffered(WIDTH).collect().await;
    for question in elsewhere::questions(&tried) {
        control::ask_all(run, &question).await;
    }
    run.observe(step.succeed());
    Ok(())
}

impl<'a> Place<'a> {
    async fn measure(self, run: &Run, net: &NetSettings) -> Tried<'a> {
        let resolved = resolve_host(
            net,
            &run.clock,
            &run.meter,
            &self.host,
            Patience::FIRST_ANSWER,
        )
        .await;
        for mut seen in resolved.observations.clone() {
            self.label(&mut seen, None, 0);
            run.observe(seen);
        }
        let addresses = &resolved.addresses;
        let with_route = addresses.iter().find(|address| tcp::has_route(**address));
        let (mut peers, mut is_reached) = (Vec::new(), false);
        if let Some(address) = with_route.or(addresses.first()) {
            for port in self.group.ports() {
                let peer = SocketAddr::new(*address, *port);
                is_reached |= self.reach_at_last(run, net, peer).await;
                peers.push(peer);
            }
        }
        Tried {
            group: self.group,
            host: self.host,
            peers,
            is_reached,
        }
    }

    /// Whether one of the attempts reached it.
    async fn reach_at_last(&self, run: &Run, net: &NetSettings, peer: SocketAddr) -> bool {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                pause(run, PAUSE).await;
            }
            if self.reach(run, net, peer, attempt).await {
                return true;
            }
        }
        false
    }

    /// Connects, and shakes hands where that is asked; whether it was reached.
    async fn reach(&self, run: &Run, net: &NetSettings, peer: SocketAddr, attempt: u32) -> bool {
        if run.bytes_used() + HANDSHAKE_BYTES > run.max_bytes {
            run.ended(Outcome::Capped);
            return false;
        }
        let (mut seen, stream) = tcp::connect(net, &run.clock, peer, tcp::CONNECT_TIMEOUT).await;
        if steps::left_device(&seen) {
            run.count_bytes(TCP_OPEN_CLOSE_BYTES);
        }
        self.label(&mut seen, Some(peer.port()), attempt);
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
        self.label(&mut seen, Some(peer.port()), attempt);
        let is_reached = seen.succeeded();
        run.observe(seen);
        is_reached
    }

    fn label(&self, seen: &mut Observation, port: Option<u16>, attempt: u32) {
        let host = scrub::host(&self.host);
        let endpoint = port.map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let detail = &mut seen.detail;
        detail.insert("group".to_owned(), self.group.id.as_str().into());
        detail.insert("reach".to_owned(), self.group.reach.as_str().into());
        detail.insert("endpoint".to_owned(), endpoint.into());
        detail.insert("attempt".to_owned(), attempt.into());
        if !self.group.asns.is_empty() {
            detail.insert("asns".to_owned(), self.group.asns.clone().into());
        }
    }
}

#[cfg(test)]
mod tests;
