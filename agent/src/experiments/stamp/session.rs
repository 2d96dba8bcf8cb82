//! A session with the reflector of a measurement server, asked for over HTTP in recorded steps.
//!
//! After the steps of the request, operation `stamp_session`, subject the URL: what the answer
//! grants. Detail: `port`, `packets_max`, `rate_max_pps`, `expires_s`. It fails where the server has
//! no reflector or no session left (`http_unexpected_status_code`), and where the answer is no grant
//! (`json_parse_error`). The session's key and name are nowhere written.
//!
//! The reflector answers only the address that asked, so packets go to the address of the server that
//! was reached, in the same family.
use crate::experiments::Run;
use crate::steps::{self, Dial};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tonle_evidence::failure::Failure;
use tonle_net::dns::Patience;
use tonle_net::http::{self, Fetched, Get, Limits};
use tonle_net::meter::Metered;
use tonle_net::scrub;
use tonle_net::settings::NetSettings;
use tonle_net::stamp::Session;
use tonle_net::step::Step;
use tonle_net::tls::{self, ALPN_HTTP1, Handshake};
use tonle_wire::stamp::session::{GRANT_MAX_BYTES, Grant, SESSION_PATH};
use url::Url;

/// Bytes that a session costs at most: questions, a connection, TLS with its certificates, an answer.
pub(in crate::experiments) const SESSION_MAX_BYTES: u64 = 32 << 10;
/// Most addresses of a server that are tried.
const ADDRESSES_MAX: usize = 4;
/// Longest wait for each step.
const TIMEOUT: Duration = Duration::from_secs(5);
const OK: u16 = 200;
/// Who asks.
const PROGRAM: &str = concat!("tonle-agent/", env!("CARGO_PKG_VERSION"));

/// A session and what may be sent in it.
pub(in crate::experiments) struct Granted {
    pub(in crate::experiments) session: Session,
    pub(in crate::experiments) packets_max: u32,
    /// Shortest mean gap between two packets: a tenth above what the rate permits, because gaps
    /// differ.
    pub(in crate::experiments) gap_min: Duration,
}

/// Asks the measurement server at `base` (`ws://` or `wss://`); every step is recorded, `None` when
/// one failed.
pub(in crate::experiments) async fn ask(
    run: &Run,
    net: &NetSettings,
    base: &Url,
) -> Option<Granted> {
    let url = door_of(base);
    let host = url.host_str().unwrap_or_default();
    let dial = Dial {
        net,
        host,
        port: url.port_or_known_default().unwrap_or(443),
        patience: Patience::FIRST_ANSWER,
        timeout: TIMEOUT,
        addresses_max: ADDRESSES_MAX,
    };
    let (peer, stream) = steps::dial(run, dial).await.connected?;
    let stream = Metered::new(stream, run.meter.clone());
    let fetched = if url.scheme() == "https" {
        let wanted = Handshake {
            peer,
            server_name: host,
            alpn: ALPN_HTTP1,
            timeout: TIMEOUT,
        };
        let (seen, stream) = tls::handshake(net, &run.clock, stream, wanted).await;
        run.observe(seen);
        get(run, &url, peer, stream?).await
    } else {
        get(run, &url, peer, stream).await
    };
    granted(run, &url, peer, &fetched?)
}

/// The door of a measurement server.
fn door_of(base: &Url) -> Url {
    let mut url = base.clone();
    let scheme = if base.scheme() == "wss" {
        "https"
    } else {
        "http"
    };
    url.set_scheme(scheme)
        .expect("one web scheme takes another's place");
    url.set_path(SESSION_PATH);
    url.set_query(None);
    url.set_fragment(None);
    url
}

async fn get<S>(run: &Run, url: &Url, peer: SocketAddr, stream: S) -> Option<Fetched>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let get = Get {
        program: Some(PROGRAM),
        ..Get::to(url, peer.ip())
    };
    let limits = Limits {
        head: TIMEOUT,
        whole: TIMEOUT,
        body_max_bytes: GRANT_MAX_BYTES,
        notes_progress: false,
    };
    let (seen, fetched) = http::get(&run.clock, stream, get, &limits).await;
    run.observe(seen);
    fetched
}

fn granted(run: &Run, url: &Url, peer: SocketAddr, fetched: &Fetched) -> Option<Granted> {
    let mut step = Step::start(&run.clock, "stamp_session", scrub::url(url));
    if fetched.status != OK {
        run.observe(step.fail(Failure::HttpUnexpectedStatusCode));
        return None;
    }
    let Ok((grant, key)) = Grant::read(&fetched.body) else {
        run.observe(step.fail(Failure::JsonParse));
        return None;
    };
    step.fact("port", grant.port);
    step.fact("packets_max", grant.packets_max);
    step.fact("rate_max_pps", grant.rate_max_pps);
    step.fact("expires_s", grant.expires_s);
    run.observe(step.succeed());
    Some(Granted {
        session: Session {
            peer: SocketAddr::new(peer.ip(), grant.port),
            ssid: grant.ssid,
            key: Some(key),
            stateful: true,
        },
        packets_max: grant.packets_max,
        gap_min: Duration::from_millis(1_100) / grant.rate_max_pps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_stands_beside_the_other_protocols() {
        for (base, door) in [
            (
                "ws://192.0.2.1:8081/",
                "http://192.0.2.1:8081/stamp/v1/session",
            ),
            (
                "wss://m.example.org/a?b#c",
                "https://m.example.org/stamp/v1/session",
            ),
        ] {
            assert_eq!(door_of(&Url::parse(base).unwrap()).as_str(), door);
        }
    }
}
