//! Web connectivity: a page as a browser would reach it, in separate timed steps: resolve, connect,
//! TLS, request; redirects followed step by step. Says what was seen and gives no verdict.
//!
//! 1. Addresses are tried in order, IPv4 first, until one connects; every attempt is recorded.
//! 2. A TLS handshake or a request that fails is not tried on another address: a browser would not.
//! 3. Redirects are followed to the tenth, with the cookies they set; one that comes back to a page
//!    with the same cookies is a loop.
//! 4. The page is accessible when its first content arrived, whatever its status (TS 102 250-2:
//!    non-accessibility is failing to reach first content).
//! 5. Set-up time is the sum of the steps on the way to the first byte of content, from resolving
//!    on (TS 102 250-2); our own pauses between steps, such as listening for late DNS answers, are
//!    no part of it.
//! 6. An attempt that never left the device says nothing of access: no sample.
mod cookies;

use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::steps;
use cookies::Cookies;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;
use tonle_evidence::failure::Failure;
use tonle_evidence::record::{Outcome, PathClass, Stream, Target};
use tonle_net::dns::Patience;
use tonle_net::http::{self, Fetched, Get, Limits};
use tonle_net::meter::{Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::scrub;
use tonle_net::step::{Seen, Step};
use tonle_net::tcp;
use tonle_net::tls::{self, ALPN_HTTP1, Handshake};
use url::Url;

/// Most redirects followed (OONI Web Connectivity follows as many).
const REDIRECTS_MAX: usize = 10;
/// Most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 6;
/// Longest body read, bytes.
const BODY_MAX_BYTES: u64 = 1 << 20;
/// What one page costs beside its body, at most: questions, handshakes, certificates, headers.
const PAGE_OVERHEAD_BYTES: u64 = 48 << 10;

static META: Meta = Meta {
    name: "web_connectivity",
    version: 1,
    stream: Stream::Openness,
    about: "whether a page can be reached, and how long its first content takes",
    timeout_s: 180,
};

/// See the top of this file.
pub struct WebConnectivity;

impl Experiment for WebConnectivity {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: (BODY_MAX_BYTES + 4 * PAGE_OVERHEAD_BYTES).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let url = page_url(&target.value)?;
    steps::check_literal(run, &target.value, url.host_str().unwrap_or_default())?;
    let mut visit = Visit {
        run,
        cookies: Cookies::default(),
        setup_us: 0,
    };
    match visit.follow(url).await {
        End::Reached => report(run, target.path_class, Some(visit.setup_us)),
        End::Failed => report(run, target.path_class, None),
        End::NeverLeft => {}
        End::Capped => run.ended(Outcome::Capped),
    }
    Ok(())
}

fn page_url(value: &str) -> Result<Url, CannotRun> {
    let bad = |reason: String| CannotRun::Target {
        target: value.to_owned(),
        reason,
    };
    let url = Url::parse(value).map_err(|error| bad(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("it is no http or https URL".to_owned()));
    }
    Ok(url)
}

fn report(run: &Run, class: PathClass, setup_us: Option<i64>) {
    let failed_ppm = if setup_us.is_some() { 0 } else { 1_000_000 };
    run.sample(format!("web.nonaccess_ppm/{class}"), failed_ppm);
    if let Some(setup_us) = setup_us {
        run.sample(format!("web.setup_us/{class}"), setup_us);
    }
}

/// How a visit ended.
enum End {
    /// First content of the last page arrived.
    Reached,
    /// It did not; the observations say why.
    Failed,
    /// Nothing left the device.
    NeverLeft,
    /// The run's bytes would not have been enough.
    Capped,
}

/// A page on the way: where it sends us.
type Page = Result<Option<Url>, End>;

struct Visit<'a> {
    run: &'a Run,
    cookies: Cookies,
    setup_us: i64,
}

impl Visit<'_> {
    async fn follow(&mut self, target: Url) -> End {
        let mut visited = Vec::new();
        let mut next = target;
        loop {
            let here = (next.clone(), self.cookies.header(&next));
            if visited.contains(&here) {
                return self.refuse(&next, "redirect loop");
            }
            if visited.len() > REDIRECTS_MAX {
                return self.refuse(&next, "stopped after too many redirects");
            }
            let foreign = !visited.is_empty();
            visited.push(here);
            match self.page(&next, foreign).await {
                Ok(Some(to)) => next = to,
                Ok(None) => return End::Reached,
                Err(end) => return end,
            }
        }
    }

    /// Records that a redirect is not followed.
    fn refuse(&self, to: &Url, why: &str) -> End {
        let step = Step::start(&self.run.clock, "redirect", scrub::foreign_url(to));
        self.run.observe(step.fail(Failure::unknown(why)));
        End::Failed
    }

    async fn page(&mut self, url: &Url, foreign: bool) -> Page {
        let body_max_bytes = self.room_for_body().ok_or(End::Capped)?;
        let (peer, stream) = self.connect(url).await?;
        let stream = Metered::new(stream, self.run.meter.clone());
        let cookies = self.cookies.header(url);
        let get = Get {
            url,
            foreign,
            peer: peer.ip(),
            cookies: &cookies,
        };
        let limits = Limits {
            body_max_bytes,
            ..Limits::default()
        };
        let clock = &self.run.clock;
        let seen = if url.scheme() == "https" {
            let stream = self.shake_hands(url, peer, stream).await?;
            http::get(clock, stream, get, &limits).await
        } else {
            http::get(clock, stream, get, &limits).await
        };
        self.arrived(url, seen)
    }

    /// Bytes that the next body may have.
    fn room_for_body(&self) -> Option<usize> {
        let left = self.run.max_bytes.saturating_sub(self.run.bytes_used());
        let room = left
            .checked_sub(PAGE_OVERHEAD_BYTES)
            .filter(|room| *room > 0)?;
        usize::try_from(room.min(BODY_MAX_BYTES)).ok()
    }

    /// Resolves the host and connects to the first of its addresses that lets us.
    async fn connect(&mut self, url: &Url) -> Result<(SocketAddr, TcpStream), End> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(443);
        let resolved = steps::resolve(self.run, host, Patience::FULL).await;
        self.setup_us += resolved.duration_us();
        let mut left = resolved.observations.iter().any(steps::left_device);
        for address in resolved.addresses.iter().take(ADDRESSES_MAX) {
            let peer = SocketAddr::new(*address, port);
            if let Some(stream) = self.try_address(peer, &mut left).await {
                return Ok((peer, stream));
            }
        }
        Err(if left { End::Failed } else { End::NeverLeft })
    }

    async fn try_address(&mut self, peer: SocketAddr, left: &mut bool) -> Option<TcpStream> {
        let run = self.run;
        let (seen, stream) = tcp::connect(&run.net, &run.clock, peer, tcp::CONNECT_TIMEOUT).await;
        if steps::left_device(&seen) {
            *left = true;
            run.count_bytes(TCP_OPEN_CLOSE_BYTES);
        }
        self.setup_us += seen.duration_us();
        run.observe(seen);
        stream
    }

    async fn shake_hands(
        &mut self,
        url: &Url,
        peer: SocketAddr,
        stream: Metered<TcpStream>,
    ) -> Result<tls::TlsStream<Metered<TcpStream>>, End> {
        let wanted = Handshake {
            peer,
            server_name: url.host_str().unwrap_or_default(),
            alpn: ALPN_HTTP1,
            timeout: tls::HANDSHAKE_TIMEOUT,
        };
        let run = self.run;
        let (seen, stream) = tls::handshake(&run.net, &run.clock, stream, wanted).await;
        self.setup_us += seen.duration_us();
        run.observe(seen);
        stream.ok_or(End::Failed)
    }

    /// Keeps what arrived and says where it leads.
    fn arrived(&mut self, url: &Url, (seen, fetched): Seen<Fetched>) -> Page {
        let failed = seen.failure.is_some();
        let index = self.run.observe(seen);
        let fetched = fetched.ok_or(End::Failed)?;
        self.setup_us += fetched.first_byte_us;
        let has_content = !fetched.body_prefix.is_empty();
        if has_content {
            self.run.keep_body(index, fetched.body_prefix);
        }
        self.cookies.set(url, fetched.cookies);
        match fetched.redirect {
            Some(to) => Ok(Some(self.checked(to)?)),
            None if failed && !has_content => Err(End::Failed),
            None => Ok(None),
        }
    }

    /// A redirect into the volunteer's own network is not followed.
    fn checked(&self, to: Url) -> Result<Url, End> {
        let host = to.host_str().unwrap_or_default();
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        match literal {
            Ok(address) if !self.run.net.may_contact(address) => {
                let mut step = Step::start(&self.run.clock, "redirect", scrub::foreign_url(&to));
                step.fact("contacted", false);
                self.run.observe(step.fail(Failure::DnsBogon));
                Err(End::Failed)
            }
            _ => Ok(to),
        }
    }
}

#[cfg(test)]
mod tests;
