//! Addresses that run no resolver: whoever answers there stands between (ts-012 of the OONI
//! specification; `GFWatch`, USENIX Security 2021).
//!
//! 1. They are nobody's whom a stranger chose: those that the configuration names, and those of the
//!    collector's own servers.
//! 2. A lying resolver could lead us to somebody else by the name of a server of ours. So an address
//!    that comes by a name counts only where a handshake under that name succeeds.
//! 3. Beside the target the neutral name is asked: if that is answered as well, somebody answers every
//!    question, and the name is not the reason.
use super::questions::plain;
use super::servers::{DNS_PORT, Server};
use super::{Label, Trial};
use crate::contrast::HANDSHAKE_BYTES;
use crate::steps::left_device;
use futures_util::future::join_all;
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::observation::Observation;
use tonle_net::dns::{Patience, QueryType, resolve_host};
use tonle_net::meter::{Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::tcp::{self, has_route};
use tonle_net::tls::{self, ALPN_HTTP1, Handshake};
use url::{Host, Url};

/// Most addresses that are asked.
const SILENT_MAX: usize = 2;
/// Bytes of looking up a server of ours, at most.
const LOOKUP_BYTES: u64 = 6_000;

/// The silent addresses of a run; `resolvers` are none.
pub(super) async fn find(trial: &Trial<'_>, resolvers: &[Server]) -> Vec<Server> {
    let mut found: Vec<IpAddr> = Vec::new();
    let is_fit = |address: &IpAddr, found: &[IpAddr]| {
        let is_resolver = resolvers.iter().any(|one| one.address.ip() == *address);
        !is_resolver && !found.contains(address) && trial.run.net.may_contact(*address)
    };
    for address in &trial.run.openness.trials.silent {
        if found.len() < SILENT_MAX && is_fit(address, &found) && has_route(*address) {
            found.push(*address);
        }
    }
    for (which, url) in trial.run.openness.own_servers.iter().enumerate() {
        if found.len() >= SILENT_MAX {
            break;
        }
        let address = address_of(trial, which, url).await;
        found.extend(address.filter(|address| is_fit(address, &found)));
    }
    let servers = found.into_iter().enumerate();
    servers
        .map(|(which, address)| Server {
            address: SocketAddr::new(address, DNS_PORT),
            asked: "silent",
            which,
            is_public: false,
        })
        .collect()
}

/// The address of a server of ours, where it is known to be ours.
async fn address_of(trial: &Trial<'_>, which: usize, url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(name) if matches!(url.scheme(), "https" | "wss") => {
            let port = url.port().unwrap_or(443);
            proven(trial, which, name, port).await
        }
        Host::Domain(_) => None,
    }
}

async fn proven(trial: &Trial<'_>, which: usize, name: &str, port: u16) -> Option<IpAddr> {
    if !trial.may_spend(LOOKUP_BYTES + HANDSHAKE_BYTES) {
        return None;
    }
    let run = trial.run;
    let note = |mut seen: Observation| {
        let label = Label {
            asked: "silent",
            which,
            question: "own_server",
            round: 0,
        };
        label.put_on(&mut seen);
        run.observe(seen);
    };
    let patience = Patience::FIRST_ANSWER;
    let resolved = resolve_host(&run.net, &run.clock, &run.meter, name, patience).await;
    resolved.observations.iter().cloned().for_each(note);
    let mut addresses = resolved.addresses.into_iter();
    let address = addresses.find(|address| has_route(*address))?;
    let peer = SocketAddr::new(address, port);
    let (seen, stream) = tcp::connect(&run.net, &run.clock, peer, tcp::CONNECT_TIMEOUT).await;
    if left_device(&seen) {
        run.count_bytes(TCP_OPEN_CLOSE_BYTES);
    }
    note(seen);
    let stream = Metered::new(stream?, run.meter.clone());
    let wanted = Handshake {
        peer,
        server_name: name,
        alpn: ALPN_HTTP1,
        timeout: tls::HANDSHAKE_TIMEOUT,
    };
    let (seen, _) = tls::handshake(&run.net, &run.clock, stream, wanted).await;
    let is_ours = seen.succeeded();
    note(seen);
    is_ours.then_some(address)
}

/// Sends both names to each, side by side; the addresses that somebody answered for the target.
pub(super) async fn ask_all(trial: &Trial<'_>, silent: &[Server], round: u32) -> Vec<IpAddr> {
    let names = &trial.names;
    let asked = silent.iter().map(|server| async move {
        let a = |question, name| plain(trial, server, (question, round), (name, QueryType::A));
        let (answered, _) = tokio::join!(a("target", &names.target), a("neutral", &names.neutral));
        answered
    });
    join_all(asked).await.concat()
}
