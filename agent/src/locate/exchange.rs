//! One question to the service: an HTTPS GET in the recorded steps of every measurement, because it
//! is part of one. Redirects are followed to the fifth, never from https to http.
use crate::experiments::Run;
use crate::steps::{self, Dial};
use tonle_evidence::failure::Failure;
use tonle_net::dns::Patience;
use tonle_net::http::{self, Fetched, Get, Limits};
use tonle_net::meter::Metered;
use tonle_net::tcp;
use tonle_net::tls::{self, ALPN_HTTP1, Handshake};
use tonle_wire::locate::Answer;
use tonle_wire::locate::answer::{ANSWER_MAX_BYTES, refusal};
use url::Url;

/// Most redirects followed.
const REDIRECTS_MAX: usize = 5;
/// Most addresses of the service that are tried.
const ADDRESSES_MAX: usize = 4;

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Refused {
    /// What it is called.
    pub(super) failure: Failure,
    /// What the service answered with; none when it was not reached.
    pub(super) status: Option<u16>,
    /// What the service says of it.
    pub(super) reason: Option<String>,
}

impl Refused {
    fn by_the_line(failure: Failure) -> Self {
        Self {
            failure,
            status: None,
            reason: None,
        }
    }
}

/// Asks; every step is recorded.
pub(super) async fn ask(run: &Run, url: &Url, client: (&str, &str)) -> Result<Answer, Refused> {
    let mut next = url.clone();
    for _ in 0..=REDIRECTS_MAX {
        let fetched = fetch(run, &next, client).await?;
        let Some(to) = fetched.redirect else {
            return read(&fetched);
        };
        if next.scheme() == "https" && to.scheme() != "https" {
            return Err(Refused {
                failure: Failure::HttpUnexpectedRedirectUrl,
                status: Some(fetched.status),
                reason: None,
            });
        }
        next = to;
    }
    Err(Refused::by_the_line(Failure::unknown(
        "stopped after too many redirects",
    )))
}

/// 200 with servers is an answer. Anything else is a refusal: no capacity (204), too many requests
/// (429), no server or no place known (500, 503), or what no specification names.
fn read(fetched: &Fetched) -> Result<Answer, Refused> {
    let refused = |failure, reason| Refused {
        failure,
        status: Some(fetched.status),
        reason,
    };
    if fetched.status != 200 {
        let reason = refusal(&fetched.body);
        return Err(refused(Failure::HttpUnexpectedStatusCode, reason));
    }
    Answer::parse(&fetched.body)
        .map_err(|error| refused(Failure::JsonParse, Some(error.to_string())))
}

async fn fetch(run: &Run, url: &Url, client: (&str, &str)) -> Result<Fetched, Refused> {
    let broken = Refused::by_the_line;
    let host = url.host_str().unwrap_or_default();
    let dial = Dial {
        net: &run.net,
        host,
        port: url.port_or_known_default().unwrap_or(443),
        patience: Patience::FULL,
        timeout: tcp::CONNECT_TIMEOUT,
        addresses_max: ADDRESSES_MAX,
    };
    let dialled = steps::dial(run, dial).await;
    let Some((peer, stream)) = dialled.connected else {
        return Err(broken(Failure::HostUnreachable));
    };
    let stream = Metered::new(stream, run.meter.clone());
    let user_agent = format!("{}/{}", client.0, client.1);
    let get = Get {
        // Its query holds the place, and perhaps a key of the operator's.
        foreign: true,
        program: Some(&user_agent),
        ..Get::to(url, peer.ip())
    };
    let limits = Limits {
        body_max_bytes: ANSWER_MAX_BYTES,
        ..Limits::default()
    };
    let (seen, fetched) = if url.scheme() == "https" {
        let wanted = Handshake {
            peer,
            server_name: host,
            alpn: ALPN_HTTP1,
            timeout: tls::HANDSHAKE_TIMEOUT,
        };
        let (seen, stream) = tls::handshake(&run.net, &run.clock, stream, wanted).await;
        let failure = seen.failure.clone();
        run.observe(seen);
        let Some(stream) = stream else {
            return Err(broken(failure.unwrap_or(Failure::SslFailedHandshake)));
        };
        http::get(&run.clock, stream, get, &limits).await
    } else {
        http::get(&run.clock, stream, get, &limits).await
    };
    let failure = seen.failure.clone();
    run.observe(seen);
    match (fetched, failure) {
        (Some(fetched), None) => Ok(fetched),
        (_, failure) => Err(broken(failure.unwrap_or(Failure::Eof))),
    }
}
