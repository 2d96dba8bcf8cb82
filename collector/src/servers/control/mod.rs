//! The control server (OONI: test helper): asks for a page from here, so that a probe can tell what
//! its own network did from what the site did. Its protocol is oohelperd's; see docs/control.md.
//!
//! A request takes the files in this order: `quota` (may this source ask now?), `asked` (what for?),
//! `lookup` (the page's name), then at once `endpoints` (every address, with TLS) and `page` (the page
//! itself, `response`), together the answer. Whoever connects asks `guard` first. Nothing of a request
//! is kept or logged.
mod alt_svc;
mod asked;
mod config;
mod counters;
mod endpoints;
mod guard;
mod lookup;
mod names;
mod page;
mod quic;
mod quota;
mod response;

pub use config::ControlConfig;
pub use counters::ControlCounters;

use super::Surroundings;
use super::front::{Answer, Answering, Caller, Door, body, body::Body, plain_text};
use super::tokens::{NoEntry, Tokens};
use super::websocket::conversation::OnDrop;
use crate::admin::Admin;
use crate::ingest::network::NetworkTable;
use crate::ingest::source::{Cidr, Peer, Source};
use asked::{Asked, BadRequest};
use endpoints::Addresses;
use guard::Guard;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use page::Visit;
use quota::{Quota, Standing, TooMuch};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tonle_evidence::pass::{PASS_HEADER, Pass};
use tonle_net::clock::{Stopwatch, wall_us};
use tonle_net::settings::NetSettings;
use tonle_wire::ooni::{CONTROL_REQUEST_MAX_BYTES, ControlResponse};
use tonle_wire::query::{Pairs, Unreadable};

/// Where it answers, beside `/` where the operator wants it; below the servers' base URL.
pub const PATH: &str = "control";
const ROOT: &str = "/";
/// What stock helpers say to `GET`, by which people see that one lives.
const GREETING: &str = r#"{"message":"Hello OONItarian!"}"#;
/// What access tokens for it are for.
const TOKEN_SUBJECT: &str = "control";
/// Longest wait for a request's body.
const BODY_MAX_TIME: Duration = Duration::from_secs(10);
/// Endpoints tried at once, for all requests together.
const CONNECTS_MAX: usize = 512;

/// The door of the control server.
pub(super) struct Control {
    at_root: bool,
    max_in_flight: usize,
    tokens: Arc<Tokens>,
    proxies: Vec<Cidr>,
    members: Arc<OnceLock<Arc<Admin>>>,
    outside: Outside,
}

/// What everything that goes out shares.
struct Outside {
    guard: Guard,
    quota: Quota,
    resolvers: Vec<SocketAddr>,
    settings: NetSettings,
    clock: Stopwatch,
    network: Arc<NetworkTable>,
    connects: Semaphore,
    counters: Arc<ControlCounters>,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("ask with GET or POST")]
    Method,
    #[error(transparent)]
    Query(#[from] Unreadable),
    #[error(transparent)]
    Token(#[from] NoEntry),
    #[error("the request is longer than {CONTROL_REQUEST_MAX_BYTES} bytes")]
    TooLong,
    #[error("the request took too long")]
    Slow,
    #[error(transparent)]
    Request(#[from] BadRequest),
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

impl Refusal {
    /// Stock helpers know 400 and 503 only.
    fn status(&self) -> StatusCode {
        match self {
            Self::Method | Self::Query(_) | Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::TooMuch(TooMuch::Overload) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMuch(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl Control {
    /// As the operator decided. The configuration was checked: what it names can be read.
    pub(super) fn new(
        config: &ControlConfig,
        surroundings: &Surroundings,
        tokens: Arc<Tokens>,
        counters: Arc<ControlCounters>,
    ) -> Self {
        let guard = config.guard().expect("the configuration was checked");
        let settings = NetSettings {
            resolvers: Vec::new(),
            public_resolvers: Vec::new(),
            roots: config.roots().expect("the configuration was checked"),
            allow_loopback: guard.is_laboratory(),
        };
        Self {
            at_root: config.at_root,
            max_in_flight: config.max_in_flight,
            tokens,
            proxies: surroundings.trusted_proxies.clone(),
            members: Arc::clone(&surroundings.members),
            outside: Outside {
                guard,
                quota: Quota::new(config),
                resolvers: config.resolvers(),
                settings,
                clock: Stopwatch::start(),
                network: Arc::clone(&surroundings.network),
                connects: Semaphore::new(CONNECTS_MAX),
                counters,
            },
        }
    }

    /// Most requests that are ever answered at once.
    pub(super) fn requests_max(&self) -> usize {
        self.max_in_flight
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        caller: &Caller,
    ) -> Result<Response<Body>, Refusal> {
        if request.method() == Method::GET {
            ControlCounters::count(&self.outside.counters.greeted);
            return Ok(json(GREETING));
        }
        if request.method() != Method::POST {
            return Err(Refusal::Method);
        }
        let query = Pairs::parse(request.uri().query().unwrap_or_default())?;
        self.tokens.check(TOKEN_SUBJECT, query.access_token())?;
        let stranger = Standing::Stranger(self.source(&request, caller));
        let pass = self.pass(&request);
        let quota = &self.outside.quota;
        if pass.is_none() {
            quota.note_request(stranger)?;
        }
        let text = read(request.into_body()).await?;
        let mut who = stranger;
        if let Some(pass) = pass {
            if pass.is_good(&text, wall_us() / 1_000_000) {
                who = Standing::Agent(pass.key);
            }
            quota.note_request(who)?;
        }
        let asked = Asked::parse(&text)?;
        let _place = quota.admit(who)?;
        let counters = &self.outside.counters;
        counters.in_progress.fetch_add(1, Ordering::Relaxed);
        let _running = OnDrop(|| {
            counters.in_progress.fetch_sub(1, Ordering::Relaxed);
        });
        let answer = self.outside.answer(who, &asked).await?;
        ControlCounters::count(match who {
            Standing::Agent(_) => &counters.answered_agents,
            Standing::Stranger(_) => &counters.answered,
        });
        let text = serde_json::to_string(&answer).expect("texts and numbers alone");
        Ok(json(text))
    }

    /// A pass of an agent that is enrolled, if one is shown; whether it is good only its content says.
    fn pass(&self, request: &Request<Incoming>) -> Option<Pass> {
        let shown = request.headers().get(PASS_HEADER)?.to_str().ok()?;
        let pass = Pass::read(shown)?;
        let agent = self.members.get()?.agent_by_key(&pass.key)?;
        (!agent.is_revoked(wall_us())).then_some(pass)
    }

    /// Where a request comes from.
    fn source(&self, request: &Request<Incoming>, caller: &Caller) -> IpAddr {
        let peer = Peer {
            address: caller.peer,
            tls: caller.tls,
        };
        let source = Source::of(peer, request.headers(), &self.proxies);
        source.client.unwrap_or(source.peer)
    }

    fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        let counters = &self.outside.counters;
        let (counter, wait_s) = match refusal {
            Refusal::Token(_) => (&counters.refused_token, None),
            Refusal::TooMuch(TooMuch::Overload) => (&counters.refused_overload, Some(1)),
            Refusal::TooMuch(TooMuch::Source(wait_s)) => (&counters.refused_source, Some(*wait_s)),
            Refusal::TooMuch(TooMuch::Destination(wait_s)) => {
                (&counters.refused_destination, Some(*wait_s))
            }
            _ => (&counters.refused_requests, None),
        };
        ControlCounters::count(counter);
        let mut response = plain_text(refusal.status(), refusal);
        if let Some(wait_s) = wait_s {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        response.map(body::whole)
    }
}

impl Outside {
    /// Does what is asked.
    async fn answer(&self, who: Standing, asked: &Asked) -> Result<ControlResponse, TooMuch> {
        let found = lookup::look_up(self, asked.host()).await;
        let addresses = Addresses::of(self, asked, &found.addresses);
        let dns = found.told();
        let visit = Visit::new(self, who, asked, found);
        let (seen, page) = tokio::try_join!(
            endpoints::try_all(self, who, asked, &addresses),
            visit.fetch(asked.url.clone()),
        )?;
        Ok(ControlResponse {
            ip_info: addresses.told(self, &seen.valid),
            tcp_connect: seen.tcp,
            tls_handshake: seen.tls,
            quic_handshake: seen.quic,
            http_request: Some(page),
            dns: Some(dns),
            ..ControlResponse::default()
        })
    }
}

/// The body of a request.
async fn read(incoming: Incoming) -> Result<Bytes, Refusal> {
    let reading = Limited::new(incoming, CONTROL_REQUEST_MAX_BYTES).collect();
    let read = timeout(BODY_MAX_TIME, reading).await;
    let whole = read.map_err(|_| Refusal::Slow)?;
    // A body that broke off has nobody who reads the answer.
    Ok(whole.map_err(|_| Refusal::TooLong)?.to_bytes())
}

fn json(text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(body::whole(text));
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    response
}

impl Door for Control {
    fn is_for(&self, path: &str) -> bool {
        path.strip_prefix(ROOT) == Some(PATH) || (self.at_root && path == ROOT)
    }

    fn answer<'a>(&'a self, request: Request<Incoming>, caller: &'a Caller) -> Answering<'a> {
        Box::pin(async move {
            let response = self.respond(request, caller).await;
            Answer::Respond(response.unwrap_or_else(|refusal| self.refuse(&refusal)))
        })
    }
}
