//! A visit: a page as a browser would reach it, in separate timed steps: resolve, connect, TLS,
//! request; redirects followed step by step. `web_connectivity` and `web_page` are visits.
//!
//! 1. Addresses are tried in order, IPv4 first, until one connects; every attempt is recorded.
//! 2. A TLS handshake or a request that fails is not tried on another address: a browser would not.
//! 3. Redirects are followed to the tenth, with the cookies they set; one that comes back to a page
//!    with the same cookies is a loop. None is followed into the volunteer's own network.
pub mod kpi;

use crate::experiments::{CannotRun, Run};
use crate::steps::{self, Dial};
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;
use tonle_evidence::failure::Failure;
use tonle_evidence::record::Target;
use tonle_net::dns::Patience;
use tonle_net::http::{self, Cookies, Fetched, Get, Limits};
use tonle_net::meter::Metered;
use tonle_net::scrub;
use tonle_net::step::{Seen, Step};
use tonle_net::tcp;
use tonle_net::tls::{self, ALPN_HTTP1, Handshake};
use url::Url;

/// Most redirects followed (OONI Web Connectivity follows as many).
const REDIRECTS_MAX: usize = 10;
/// Most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 6;
/// What one page costs beside its body, at most: questions, handshakes, certificates, headers.
pub const PAGE_OVERHEAD_BYTES: u64 = 48 << 10;

/// What kinds of visit differ in.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How long resolvers are listened to.
    pub patience: Patience,
    /// Longest body read, bytes.
    pub body_max_bytes: u64,
    /// Whether the first bytes of bodies are kept for the private half.
    pub keeps_bodies: bool,
}

/// Visits the target's page on the run's account.
pub async fn visit(run: &Run, target: &Target, manner: Manner) -> Result<End, CannotRun> {
    let url = page_url(&target.value)?;
    steps::check_literal(run, &target.value, url.host_str().unwrap_or_default())?;
    let mut visit = Visit {
        run,
        manner,
        cookies: Cookies::default(),
    };
    Ok(visit.follow(url).await)
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

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
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
    manner: Manner,
    cookies: Cookies,
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
            program: None,
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
            .checked_sub(PAGE_OVERHEAD_BYTES + http::READ_AHEAD_BYTES as u64)
            .filter(|room| *room > 0)?;
        usize::try_from(room.min(self.manner.body_max_bytes)).ok()
    }

    /// Resolves the host and connects to the first of its addresses that lets us.
    async fn connect(&mut self, url: &Url) -> Result<(SocketAddr, TcpStream), End> {
        let dial = Dial {
            net: &self.run.net,
            host: url.host_str().unwrap_or_default(),
            port: url.port_or_known_default().unwrap_or(443),
            patience: self.manner.patience,
            timeout: tcp::CONNECT_TIMEOUT,
            addresses_max: ADDRESSES_MAX,
        };
        let dialled = steps::dial(self.run, dial).await;
        let otherwise = if dialled.left {
            End::Failed
        } else {
            End::NeverLeft
        };
        dialled.connected.ok_or(otherwise)
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
        run.observe(seen);
        stream.ok_or(End::Failed)
    }

    /// Keeps what arrived and says where it leads.
    fn arrived(&mut self, url: &Url, (seen, fetched): Seen<Fetched>) -> Page {
        let failed = seen.failure.is_some();
        let index = self.run.observe(seen);
        let fetched = fetched.ok_or(End::Failed)?;
        let has_content = !fetched.body_prefix.is_empty();
        if has_content && self.manner.keeps_bodies {
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
