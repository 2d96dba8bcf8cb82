//! The target asked over TLS (RFC 7858) and over HTTPS (RFC 8484): whether these ways are open, and what
//! is said there. What fails is tried once more after a pause.
use super::{Label, PAUSE, QUESTION_BYTES, Trial};
use crate::contrast::{HANDSHAKE_BYTES, pause};
use crate::steps::left_device;
use crate::whereabouts::Whereabouts;
use futures_util::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::observation::Observation;
use tonle_net::dns::{Asked, Patience, https, resolve_host, tls};
use url::Url;

/// Attempts at a resolver.
const ATTEMPTS: u32 = 2;
/// Most resolvers over HTTPS of a run.
const DOH_MAX: usize = 2;
/// Upper bound of one attempt with the lookup of the resolver's own name.
const ATTEMPT_BYTES: u64 = HANDSHAKE_BYTES + 4 * QUESTION_BYTES;

/// Asks everybody side by side; the addresses that were answered for the target.
pub(super) async fn ask_all(trial: &Trial<'_>) -> Vec<IpAddr> {
    let openness = &trial.run.openness;
    let dot = openness.trials.dot.iter().enumerate();
    let over_tls = join_all(dot.map(|(which, resolver)| over_tls(trial, which, resolver)));
    let mut random = StdRng::seed_from_u64(trial.run.seed);
    let doh: Vec<&Url> = openness.doh.sample(&mut random, DOH_MAX).collect();
    let doh = doh.into_iter().enumerate();
    let over_https = join_all(doh.map(|(which, url)| over_https(trial, which, url)));
    let (over_tls, over_https) = tokio::join!(over_tls, over_https);
    [over_tls.concat(), over_https.concat()].concat()
}

async fn over_tls(
    trial: &Trial<'_>,
    which: usize,
    (address, name): &(IpAddr, String),
) -> Vec<IpAddr> {
    let run = trial.run;
    for attempt in 0..ATTEMPTS {
        if !may_try(trial, attempt).await {
            break;
        }
        let resolver = tls::Resolver {
            address: SocketAddr::new(*address, tls::PORT),
            name,
        };
        let asked = tls::lookup(
            &run.net,
            &run.clock,
            &run.meter,
            resolver,
            &trial.names.target,
            tls::TIMEOUT,
        );
        let label = label("dot", which, attempt);
        if let Some(addresses) = noted(trial, label, asked.await) {
            return addresses;
        }
    }
    Vec::new()
}

async fn over_https(trial: &Trial<'_>, which: usize, url: &Url) -> Vec<IpAddr> {
    let run = trial.run;
    for attempt in 0..ATTEMPTS {
        if !may_try(trial, attempt).await {
            break;
        }
        let label = label("doh", which, attempt);
        let Whereabouts {
            addresses,
            is_out_of_reach,
        } = whereabouts(trial, label, url).await;
        let resolver = https::Resolver {
            url,
            addresses: &addresses,
        };
        let asked = https::lookup(
            &run.net,
            &run.clock,
            &run.meter,
            resolver,
            &trial.names.target,
            https::TIMEOUT,
        );
        let mut asked = asked.await;
        if is_out_of_reach {
            let details = asked.iter_mut().map(|one| &mut one.observation.detail);
            details.for_each(|detail| drop(detail.insert("sent".to_owned(), false.into())));
        }
        if let Some(addresses) = noted(trial, label, asked) {
            return addresses;
        }
    }
    Vec::new()
}

/// Where a resolver over HTTPS stands, by the device's own resolvers.
async fn whereabouts(trial: &Trial<'_>, label: Label, url: &Url) -> Whereabouts {
    let run = trial.run;
    if let Some(literal) = Whereabouts::of_literal(url) {
        return literal;
    }
    let host = url.host_str().unwrap_or_default();
    let patience = Patience::FIRST_ANSWER;
    let resolved = resolve_host(&run.net, &run.clock, &run.meter, host, patience).await;
    let label = Label {
        question: "server",
        ..label
    };
    for seen in &resolved.observations {
        note(trial, label, seen.clone());
    }
    let is_out_of_reach = !resolved.observations.iter().any(left_device);
    let addresses = match resolved.failure() {
        None => Ok(resolved.addresses),
        Some(failure) => Err(failure.clone()),
    };
    Whereabouts {
        addresses,
        is_out_of_reach,
    }
}

/// Whether there are bytes for another attempt; waits before all but the first.
async fn may_try(trial: &Trial<'_>, attempt: u32) -> bool {
    if attempt > 0 {
        pause(trial.run, PAUSE).await;
    }
    trial.may_spend(ATTEMPT_BYTES)
}

fn label(asked: &'static str, which: usize, attempt: u32) -> Label {
    Label {
        asked,
        which,
        question: "target",
        round: attempt,
    }
}

/// Notes what was said; the addresses, where the resolver was reached.
fn noted(trial: &Trial<'_>, label: Label, asked: [Asked; 2]) -> Option<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    let mut is_reached = false;
    for one in asked {
        is_reached |= !one.observation.detail.contains_key("failed_at");
        addresses.extend(one.addresses);
        note(trial, label, one.observation);
    }
    is_reached.then_some(addresses)
}

fn note(trial: &Trial<'_>, label: Label, mut seen: Observation) {
    label.put_on(&mut seen);
    trial.run.observe(seen);
}
