//! The request step: one GET over HTTP/1.1 on a stream that the caller opened.
//!
//! Operation `http_request`, subject the URL. Detail, as far as the response came: `status`,
//! `first_byte_us` (from the request to the first byte of the body, or to the end of the head when
//! there is no body), `header_names` (lower case, in order), of the harmless headers the values
//! (`content_type`, `server`), `location` (where a redirect leads, without its query),
//! `downgrade: true` when it leads from https to http,
//! `body_bytes`, `body_truncated`, `body_sha256`, `title`. Hash, title and kept bytes are those of the body with addresses scrubbed
//! ([`crate::scrub`]); `scrubbed: true` says that there were some, so that no one can guess the
//! volunteer's address by hashing pages that hold it.
pub mod channel;
mod cookies;
mod page;

pub use cookies::{Cookies, cookies_of};
pub use page::{redirect, title};

use crate::classify;
use crate::clock::Stopwatch;
use crate::scrub;
use crate::step::{Seen, Step};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;
use url::Url;

/// Sent as a common browser sends it: a site or a middlebox must treat the request as it treats
/// the people around the device (OONI's practice).
pub const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
/// What a common browser takes.
pub const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// The languages it asks for.
pub const ACCEPT_LANGUAGE: &str = "en-US,en;q=0.9";
/// Most headers of a response.
const HEADERS_MAX: usize = 100;
/// Longest head of a response, bytes.
const HEAD_MAX_BYTES: usize = 64 << 10;
/// What may have been read of a body beyond its limit when that ends it, bytes: one buffer on its
/// way to us and one that is being filled.
pub const READ_AHEAD_BYTES: usize = 2 * HEAD_MAX_BYTES;
/// Bytes of a body that are kept for the private half.
const PREFIX_BYTES: usize = 16 << 10;
/// Headers whose values are noted; every other value may name the volunteer, his session or (as
/// `Via` does) a proxy of his network.
const VALUES: [(HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "content_type"),
    (header::SERVER, "server"),
];
/// Longest value noted, characters.
const VALUE_MAX_CHARS: usize = 256;

/// Bounds of a request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest wait for the head of the response.
    pub head: Duration,
    /// Longest time for the whole exchange.
    pub whole: Duration,
    /// Bytes of the body after which the rest is not read.
    pub body_max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            body_max_bytes: 1 << 20,
        }
    }
}

/// What arrived. Present as soon as a head arrived, also when the body then broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Status code.
    pub status: u16,
    /// Where it sends us.
    pub redirect: Option<Url>,
    /// Cookies that it sets, as `name=value`; never recorded.
    pub cookies: Vec<String>,
    /// Microseconds from the request to the first byte of content.
    pub first_byte_us: i64,
    /// First bytes of the body, addresses scrubbed.
    pub body_prefix: Vec<u8>,
    /// The body as it came, to be read by a program; never recorded.
    pub body: Vec<u8>,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub struct Get<'a> {
    /// The URL; its host becomes the `Host` header.
    pub url: &'a Url,
    /// Whether a server sent us there, so that its query may not be written.
    pub foreign: bool,
    /// The far end of the stream: its address may stand in what is kept.
    pub peer: IpAddr,
    /// Value of the `Cookie` header, empty for none.
    pub cookies: &'a str,
    /// Who asks, where it is no page of somebody's that a browser would open.
    pub program: Option<&'a str>,
}

/// Requests the URL over `stream`.
pub async fn get<S>(clock: &Stopwatch, stream: S, get: Get<'_>, limits: &Limits) -> Seen<Fetched>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let subject = if get.foreign {
        scrub::foreign_url(get.url)
    } else {
        scrub::url(get.url)
    };
    let mut step = Step::start(clock, "http_request", subject);
    let started = Instant::now();
    let exchanged = exchange(&mut step, stream, &get, started, limits).await;
    step.result_known();
    let arrival = match exchanged {
        Ok(arrival) => arrival,
        Err(failure) => return (step.fail(failure), None),
    };
    let (fetched, failure) = described(&mut step, arrival, &get);
    match failure {
        None => (step.succeed(), Some(fetched)),
        Some(failure) => (step.fail(failure), Some(fetched)),
    }
}

/// A response as far as it came.
struct Arrival {
    status: u16,
    headers: HeaderMap,
    first_byte_us: i64,
    body: Vec<u8>,
    truncated: bool,
    broken: Option<Failure>,
}

async fn exchange<S>(
    step: &mut Step,
    stream: S,
    get: &Get<'_>,
    started: Instant,
    limits: &Limits,
) -> Result<Arrival, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = request(get)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_MAX_BYTES)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| classify::http_error(&error))?;
    // Whatever ends the connection also ends the exchange, which then says why.
    let driver = async {
        let _ = connection.await;
        std::future::pending().await
    };
    let exchanging = async {
        let response = timeout_at(started + limits.head, sender.send_request(request))
            .await
            .map_err(|_| Failure::GenericTimeout)?
            .map_err(|error| classify::http_error(&error))?;
        Ok(receive(
            step,
            response,
            started + limits.whole,
            limits.body_max_bytes,
        )
        .await)
    };
    tokio::select! {
        exchanged = exchanging => exchanged,
        never = driver => never,
    }
}

fn request(get: &Get<'_>) -> Result<Request<Empty<Bytes>>, Failure> {
    let url = get.url;
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = Request::get(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, get.program.unwrap_or(USER_AGENT))
        .header(header::ACCEPT, ACCEPT)
        .header(header::ACCEPT_LANGUAGE, ACCEPT_LANGUAGE)
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close");
    if !get.cookies.is_empty() {
        request = request.header(header::COOKIE, get.cookies);
    }
    request
        .body(Empty::new())
        .map_err(|_| Failure::HttpRequestFailed)
}

async fn receive(
    step: &mut Step,
    response: Response<Incoming>,
    deadline: Instant,
    body_max_bytes: usize,
) -> Arrival {
    let (head, mut incoming) = response.into_parts();
    let mut arrival = Arrival {
        status: head.status.as_u16(),
        headers: head.headers,
        first_byte_us: step.elapsed_us(),
        body: Vec::new(),
        truncated: false,
        broken: None,
    };
    loop {
        let frame = match timeout_at(deadline, incoming.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => {
                arrival.broken = Some(classify::http_error(&error));
                break;
            }
            Err(_) => {
                arrival.broken = Some(Failure::GenericTimeout);
                break;
            }
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if arrival.body.is_empty() {
            arrival.first_byte_us = step.elapsed_us();
        }
        let room = body_max_bytes - arrival.body.len();
        arrival
            .body
            .extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            arrival.truncated = true;
            break;
        }
    }
    arrival
}

/// Notes the facts of what arrived.
fn described(step: &mut Step, arrival: Arrival, get: &Get<'_>) -> (Fetched, Option<Failure>) {
    let body = scrub::bytes(&arrival.body, &[get.peer.to_canonical()]);
    step.fact("status", arrival.status);
    step.fact("first_byte_us", arrival.first_byte_us);
    let names: Vec<&str> = arrival.headers.keys().map(HeaderName::as_str).collect();
    step.fact("header_names", names);
    let value = |name: &HeaderName| {
        arrival
            .headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
    };
    for (name, key) in VALUES {
        if let Some(value) = value(&name) {
            let scrubbed = scrub::text(&value, &[]);
            let short: String = scrubbed.chars().take(VALUE_MAX_CHARS).collect();
            step.fact(key, short);
        }
    }
    step.fact("body_bytes", arrival.body.len());
    step.fact("body_truncated", arrival.truncated);
    step.fact("body_sha256", hex::encode(Sha256::digest(&body)));
    if matches!(body, Cow::Owned(_)) {
        step.fact("scrubbed", true);
    }
    if let Some(title) = title(&body) {
        step.fact("title", title);
    }
    let location = value(&header::LOCATION);
    let (redirect, misled) = match redirect(get.url, arrival.status, location.as_deref()) {
        Ok(to) => (to, None),
        Err(failure) => (None, Some(failure)),
    };
    if let Some(to) = &redirect {
        step.fact("location", scrub::foreign_url(to));
        if get.url.scheme() == "https" && to.scheme() == "http" {
            step.fact("downgrade", true);
        }
    }
    let fetched = Fetched {
        status: arrival.status,
        redirect,
        cookies: cookies_of(&arrival.headers),
        first_byte_us: arrival.first_byte_us,
        body_prefix: body[..body.len().min(PREFIX_BYTES)].to_vec(),
        body: arrival.body,
    };
    (fetched, arrival.broken.or(misled))
}

#[cfg(test)]
mod tests;
