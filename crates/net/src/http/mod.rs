//! The request step: one GET over HTTP/1.1 or HTTP/2 on a stream that the caller opened.
//!
//! Operation `http_request`, subject the URL. Detail, as far as the response came: `status`,
//! `first_byte_us` (from the request to the first byte of the body, or to the end of the head when
//! there is no body), `header_names` (lower case, in order), of the harmless headers the values
//! (`content_type`, `server`), `location` (where a redirect leads, without its query),
//! `downgrade: true` when it leads from https to http,
//! `body_bytes`, `body_truncated`, `body_sha256`, `title` (as [`tonle_wire::ooni::title`] reads it);
//! where they were asked for, the parallel lists `progress_us` (since the request) and
//! `progress_bytes` (of the body so far) at moments that fit no pattern. Hash, title and kept bytes are those of the body with addresses scrubbed
//! ([`crate::scrub`]); `scrubbed: true` says that there were some, so that no one can guess the
//! volunteer's address by hashing pages that hold it.
pub mod channel;
mod cookies;
mod exchange;
mod page;
pub mod reach;

pub use cookies::{Cookies, cookies_of};
pub use exchange::{HEAD_MAX_BYTES, READ_AHEAD_BYTES};
pub use page::redirect;

use crate::clock::Stopwatch;
use crate::scrub;
use crate::step::{Seen, Step};
use exchange::{Arrival, exchange};
use hyper::header::{self, HeaderName};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tonle_evidence::failure::Failure;
use url::Url;

/// Sent as a common browser sends it: a site or a middlebox must treat the request as it treats
/// the people around the device (OONI's practice).
pub const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
/// What a common browser takes.
pub const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// The languages it asks for.
pub const ACCEPT_LANGUAGE: &str = "en-US,en;q=0.9";
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
    /// Whether it is noted how the body came, at moments that fit no pattern.
    pub notes_progress: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            body_max_bytes: 1 << 20,
            notes_progress: false,
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
    /// Value of the `Referer` header, empty for none.
    pub referer: &'a str,
    /// Whether the handshake chose HTTP/2.
    pub http2: bool,
    /// Who asks, where it is no page of somebody's that a browser would open.
    pub program: Option<&'a str>,
}

impl<'a> Get<'a> {
    /// A page as somebody types it, over HTTP/1.1.
    #[must_use]
    pub fn to(url: &'a Url, peer: IpAddr) -> Self {
        Self {
            url,
            foreign: false,
            peer,
            cookies: "",
            referer: "",
            http2: false,
            program: None,
        }
    }
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
    let text = String::from_utf8_lossy(&body);
    let title = tonle_wire::ooni::title(&text);
    if !title.is_empty() {
        step.fact("title", title);
    }
    if !arrival.progress.is_empty() {
        let (times_us, bytes): (Vec<i64>, Vec<u64>) = arrival.progress.into_iter().unzip();
        step.fact("progress_us", times_us);
        step.fact("progress_bytes", bytes);
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
