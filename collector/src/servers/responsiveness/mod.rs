//! The responsiveness server: a configuration, a small object, a large one without end, and a sink
//! for uploads (draft-ietf-ippm-responsiveness-09, section 7). Stock clients work unmodified, over
//! HTTP/2 with TLS and, for weak devices, over HTTP/1.1 without.
//!
//! Nothing is ever encoded or compressed, nothing redirects, nothing is kept. A load (large object
//! or upload) counts as a test towards the limits of the configuration, sixteen of them to a test,
//! and is bounded in bytes and in time; the small object has the limits of its connection.
mod counters;
mod large;
mod upload;

pub use counters::ResponsivenessCounters;

use super::admission::{Admission, NoRoom, Permit};
use super::config::ServersConfig;
use super::front::{Answer, Answering, Caller, Door, body, body::Body, plain_text};
use super::tokens::{NoEntry, Tokens};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode};
use rand::Rng;
use std::sync::Arc;
use std::time::Duration;
use tonle_wire::ndt7::Direction;
use tonle_wire::query::{Pairs, Unreadable};
use tonle_wire::responsiveness::config::{Config, Paths};
use tonle_wire::responsiveness::spec::{
    CONFIG_PATH, CONFIG_TYPE, CONNECTIONS_MAX, OBJECT_TYPE, OLDER_CONFIG_PATHS, SMALL_BYTES,
};
use url::Url;

const PATHS: Paths = Paths {
    small: "/responsiveness/small",
    large: "/responsiveness/large",
    upload: "/responsiveness/upload",
};
/// Longest time of one load; its connection ends not much later.
const LOAD_MAX_TIME: Duration = Duration::from_mins(1);
/// What access tokens for it are for. Stock clients have none: where tokens are required this server
/// is not for them.
const TOKEN_SUBJECT: &str = "responsiveness";
/// When to come back to a full server, seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");
/// What large objects are cut from: longer than any compressor looks back.
const NOISE_BYTES: usize = 1 << 20;

/// The door of responsiveness.
pub(super) struct Responsiveness {
    shared: Arc<Shared>,
}

/// What all requests share.
struct Shared {
    is_offered: bool,
    public_url: Option<Url>,
    has_tls: bool,
    tokens: Arc<Tokens>,
    admission: Arc<Admission>,
    counters: Arc<ResponsivenessCounters>,
    noise: Bytes,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum Refusal {
    #[error("this server does not offer responsiveness")]
    NotOffered,
    #[error("this object takes {0} only")]
    Method(Method),
    #[error(transparent)]
    Query(#[from] Unreadable),
    #[error(transparent)]
    Token(#[from] NoEntry),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotOffered => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::NoRoom(NoRoom::Overload) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoRoom(NoRoom::Source) => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl Responsiveness {
    pub(super) fn new(
        config: &ServersConfig,
        has_tls: bool,
        tokens: Arc<Tokens>,
        counters: Arc<ResponsivenessCounters>,
    ) -> Self {
        let admission = Admission::new(
            config.max_downloads.saturating_mul(CONNECTIONS_MAX),
            config.max_per_source.saturating_mul(CONNECTIONS_MAX),
        );
        let mut noise = vec![0; NOISE_BYTES];
        rand::rng().fill_bytes(&mut noise);
        let shared = Shared {
            is_offered: config.responsiveness,
            public_url: config
                .public_url
                .as_deref()
                .and_then(|url| url.parse().ok()),
            has_tls,
            tokens,
            admission: Arc::new(admission),
            counters,
            noise: noise.into(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Most loads that ever run at once.
    pub(super) fn loads_max(&self) -> usize {
        self.shared.admission.tests_max()
    }
}

impl Door for Responsiveness {
    fn is_for(&self, path: &str) -> bool {
        path == CONFIG_PATH
            || OLDER_CONFIG_PATHS.contains(&path)
            || [PATHS.small, PATHS.large, PATHS.upload].contains(&path)
    }

    fn answer<'a>(&'a self, request: Request<Incoming>, caller: &'a Caller) -> Answering<'a> {
        Box::pin(async move {
            let shared = &self.shared;
            let response = shared.respond(request, caller).await;
            Answer::Respond(response.unwrap_or_else(|refusal| shared.refuse(&refusal)))
        })
    }
}

impl Shared {
    async fn respond(
        self: &Arc<Self>,
        request: Request<Incoming>,
        caller: &Caller,
    ) -> Result<Response<Body>, Refusal> {
        if !self.is_offered {
            return Err(Refusal::NotOffered);
        }
        let path = request.uri().path();
        let wanted = if path == PATHS.upload {
            Method::POST
        } else {
            Method::GET
        };
        if request.method() != wanted {
            return Err(Refusal::Method(wanted));
        }
        let query = Pairs::parse(request.uri().query().unwrap_or_default())?;
        self.tokens.check(TOKEN_SUBJECT, query.access_token())?;
        if path == PATHS.small {
            ResponsivenessCounters::add(&self.counters.small_objects, 1);
            return Ok(object(body::whole(vec![b'.'; SMALL_BYTES])));
        }
        if path == PATHS.large {
            let permit = self.admit(Direction::Download, caller)?;
            return Ok(object(large::body(self, permit, caller)));
        }
        if path == PATHS.upload {
            let permit = self.admit(Direction::Upload, caller)?;
            return Ok(upload::discard(self, permit, request.into_body()).await);
        }
        // Who would find no room is told so before the test.
        drop(self.admit(Direction::Download, caller)?);
        ResponsivenessCounters::add(&self.counters.configurations, 1);
        Ok(self.configuration(&request, caller))
    }

    fn admit(&self, direction: Direction, caller: &Caller) -> Result<Permit, Refusal> {
        Ok(self.admission.admit(direction, caller.peer.ip())?)
    }

    fn configuration(&self, request: &Request<Incoming>, caller: &Caller) -> Response<Body> {
        let (origin, https_origin) = self.origins(request, caller);
        let json = Config::to_json(&origin, https_origin.as_deref(), PATHS);
        let mut response = Response::new(body::whole(json));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONFIG_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// Where the objects are, as asked and with TLS: at the public place, else at the place where
    /// the client found this.
    fn origins(&self, request: &Request<Incoming>, caller: &Caller) -> (String, Option<String>) {
        if let Some(url) = &self.public_url {
            let place = &url[url::Position::BeforeHost..url::Position::AfterPort];
            let https = format!("https://{place}");
            return match url.scheme() {
                "wss" => (https.clone(), Some(https)),
                _ => (format!("http://{place}"), self.has_tls.then_some(https)),
            };
        }
        let place = place_asked(request).unwrap_or_else(|| caller.kernel.server().to_string());
        let https = format!("https://{place}");
        if caller.tls {
            return (https.clone(), Some(https));
        }
        (format!("http://{place}"), self.has_tls.then_some(https))
    }

    fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        let counters = &self.counters;
        let (counter, is_busy) = match refusal {
            Refusal::NoRoom(NoRoom::Overload) => (&counters.refused_overload, true),
            Refusal::NoRoom(NoRoom::Source) => (&counters.refused_source, true),
            Refusal::Token(_) => (&counters.refused_token, false),
            Refusal::NotOffered | Refusal::Method(_) | Refusal::Query(_) => {
                (&counters.refused_requests, false)
            }
        };
        ResponsivenessCounters::add(counter, 1);
        let mut response = plain_text(refusal.status(), refusal).map(body::whole);
        let headers = response.headers_mut();
        if is_busy {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if let Refusal::Method(allowed) = refusal {
            let allowed = HeaderValue::from_str(allowed.as_str()).expect("a method is a token");
            headers.insert(header::ALLOW, allowed);
        }
        response
    }
}

/// Host and port that the client asked for; `None` when it named none, or no such thing.
fn place_asked(request: &Request<Incoming>) -> Option<String> {
    if let Some(authority) = request.uri().authority() {
        return Some(plain_place(authority));
    }
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    host.parse().ok().map(|authority| plain_place(&authority))
}

/// Without credentials.
fn plain_place(authority: &Authority) -> String {
    match authority.port() {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    }
}

fn object(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let octets = HeaderValue::from_static(OBJECT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, octets);
    response
}
