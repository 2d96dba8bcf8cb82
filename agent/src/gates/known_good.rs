//! Whether a site that is reached wherever the Internet is can be reached now: the way to it, up to a
//! handshake under its own certificate, and no request.
//!
//! Operation `known_good`, subject the URL. Detail: `failed_at`: the step that broke off, where one
//! did; `sent: false` where nothing left the device; `age_s` of a look that was had before the run.
use super::{CHECK_TIMEOUT, KNOWN_GOOD};
use crate::experiments::Run;
use std::net::SocketAddr;
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_net::dns::{Patience, resolve_host};
use tonle_net::meter::{Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::step::Step;
use tonle_net::tls::{self, ALPN_HTTP1, Handshake};
use tonle_net::{scrub, tcp};
use url::Url;

/// Most addresses that are tried.
const ADDRESSES_MAX: usize = 2;
/// Longest wait for each.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// Goes as far as the handshake once.
pub(super) async fn look(run: &Run, site: &Url) -> Observation {
    let mut step = Step::start(&run.clock, KNOWN_GOOD, scrub::url(site));
    let going = reach(run, site);
    let Ok(last) = tokio::time::timeout(CHECK_TIMEOUT, going).await else {
        return step.fail(Failure::GenericTimeout);
    };
    if let Some(sent) = last.detail.get("sent") {
        step.fact("sent", sent.clone());
    }
    match last.failure {
        None => step.succeed(),
        Some(failure) => {
            step.fact("failed_at", last.operation);
            step.fail(failure)
        }
    }
}

/// The last step on the way.
async fn reach(run: &Run, site: &Url) -> Observation {
    let host = site.host_str().unwrap_or_default();
    let port = site.port_or_known_default().unwrap_or(443);
    let patience = Patience::FIRST_ANSWER;
    let resolved = resolve_host(&run.net, &run.clock, &run.meter, host, patience).await;
    let mut last = resolved.observations.into_iter().next();
    for address in resolved.addresses.iter().take(ADDRESSES_MAX) {
        let peer = SocketAddr::new(*address, port);
        let (seen, stream) = tcp::connect(&run.net, &run.clock, peer, STEP_TIMEOUT).await;
        last = Some(seen);
        let Some(stream) = stream else {
            continue;
        };
        run.count_bytes(TCP_OPEN_CLOSE_BYTES);
        let wanted = Handshake {
            peer,
            server_name: host,
            alpn: ALPN_HTTP1,
            timeout: STEP_TIMEOUT,
        };
        let stream = Metered::new(stream, run.meter.clone());
        let (seen, _) = tls::handshake(&run.net, &run.clock, stream, wanted).await;
        return seen;
    }
    last.expect("a host is a literal address, or was asked for")
}
