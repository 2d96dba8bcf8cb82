//! Whether a captive portal answers for everybody: an empty page of the collector, asked for in clear.
//!
//! Operation `portal_check`, subject the page. Detail: `when` (`before` | `after` the run), `status`,
//! `location` (without its query), `title`, `body_bytes`, `body_sha256` of whatever answered;
//! `failed_at`: the step that broke off, where one did; `sent: false` where nothing left the device;
//! `age_s` of a look that was had before the run. The page itself answers 204 and nothing else.
use super::{CHECK_TIMEOUT, PORTAL_CHECK};
use crate::experiments::Run;
use std::net::SocketAddr;
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_net::dns::{Patience, resolve_host};
use tonle_net::http::{self, Get, Limits};
use tonle_net::meter::{Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::step::Step;
use tonle_net::{scrub, tcp};
use url::Url;

/// Longest body read: what a portal says of itself stands at the beginning.
const BODY_MAX_BYTES: usize = 4 << 10;
/// Longest wait for a connection: the collector is never that far away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Who asks: the collector's log may know.
const USER_AGENT: &str = "tonle-agent";
/// Facts of the response that are kept.
const KEPT: [&str; 5] = ["status", "location", "title", "body_bytes", "body_sha256"];

/// Asks for the page once.
pub(super) async fn look(run: &Run, page: &Url) -> Observation {
    let mut step = Step::start(&run.clock, PORTAL_CHECK, scrub::url(page));
    let asking = ask(run, page);
    let Ok(seen) = tokio::time::timeout(CHECK_TIMEOUT, asking).await else {
        return step.fail(Failure::GenericTimeout);
    };
    for (key, value) in &seen.detail {
        if KEPT.contains(&key.as_str()) || key == "sent" {
            step.fact(key, value.clone());
        }
    }
    match seen.failure {
        None => step.succeed(),
        // Whatever came of the body: somebody answered.
        Some(_) if seen.detail.contains_key("status") => step.succeed(),
        Some(failure) => {
            step.fact("failed_at", seen.operation);
            step.fail(failure)
        }
    }
}

/// The last step on the way to the page.
async fn ask(run: &Run, page: &Url) -> Observation {
    let net = run.net.for_named_server();
    let host = page.host_str().unwrap_or_default();
    let port = page.port_or_known_default().unwrap_or(80);
    let patience = Patience::FIRST_ANSWER;
    let resolved = resolve_host(&net, &run.clock, &run.meter, host, patience).await;
    let Some(address) = resolved.addresses.first() else {
        return resolved
            .observations
            .into_iter()
            .next()
            .expect("a name without an address was asked for");
    };
    let peer = SocketAddr::new(*address, port);
    let (seen, stream) = tcp::connect(&net, &run.clock, peer, CONNECT_TIMEOUT).await;
    let Some(stream) = stream else {
        return seen;
    };
    run.count_bytes(TCP_OPEN_CLOSE_BYTES);
    let get = Get {
        url: page,
        foreign: false,
        peer: peer.ip(),
        cookies: "",
        program: Some(USER_AGENT),
        http2: false,
        referer: "",
    };
    let limits = Limits {
        body_max_bytes: BODY_MAX_BYTES,
        ..Limits::default()
    };
    let stream = Metered::new(stream, run.meter.clone());
    let (seen, _) = http::get(&run.clock, stream, get, &limits).await;
    seen
}
