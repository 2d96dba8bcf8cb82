//! `GET /stamp/v1/session`: a session of the reflector for the address that asks, as JSON
//! ([`Grant`]).
use super::sessions::{LIFE_S, NoSession, PACKETS_MAX, RATE_MAX_PPS};
use super::{Stamp, StampCounters};
use crate::servers::front::{Answer, Answering, Caller, Door, body, plain_text};
use crate::servers::tokens::NoEntry;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use std::net::IpAddr;
use tonle_wire::query::{Pairs, Unreadable};
use tonle_wire::stamp::Key;
use tonle_wire::stamp::session::{Grant, SESSION_PATH};

/// Bytes of a session's key: as many as the hash of its HMAC has.
const KEY_BYTES: usize = 32;
/// What access tokens for it are for. Agents show none: where tokens are required there are no
/// sessions for them.
const TOKEN_SUBJECT: &str = "stamp";

/// Why a request is not granted a session.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum Refusal {
    #[error("ask for a session with GET")]
    Method,
    #[error(transparent)]
    Query(#[from] Unreadable),
    #[error(transparent)]
    Token(#[from] NoEntry),
    #[error(transparent)]
    Session(#[from] NoSession),
    #[error("no random numbers; try later")]
    Random,
}

impl Stamp {
    fn grant(&self, request: &Request<Incoming>, address: IpAddr) -> Result<Grant, Refusal> {
        if request.method() != Method::GET {
            return Err(Refusal::Method);
        }
        let query = Pairs::parse(request.uri().query().unwrap_or_default())?;
        self.tokens.check(TOKEN_SUBJECT, query.access_token())?;
        let (mut key, mut wish) = ([0; KEY_BYTES], [0; 2]);
        getrandom::fill(&mut key)
            .and_then(|()| getrandom::fill(&mut wish))
            .map_err(|_no_source| Refusal::Random)?;
        let shared = &self.shared;
        let ssid = shared.sessions().grant(
            shared.clock.elapsed_us(),
            address,
            Key::new(key.to_vec()).expect("32 bytes are enough"),
            u16::from_ne_bytes(wish),
        )?;
        Ok(Grant {
            port: shared.port,
            ssid,
            key: Grant::key_text(&key),
            expires_s: LIFE_S,
            packets_max: PACKETS_MAX,
            rate_max_pps: RATE_MAX_PPS,
        })
    }

    fn response(&self, granted: &Result<Grant, Refusal>) -> Response<String> {
        let counters = &self.shared.counters;
        let (counter, response) = match granted {
            Ok(grant) => (&counters.granted, json(grant)),
            Err(refusal) => {
                let (counter, status) = match refusal {
                    Refusal::Method => (&counters.refused_requests, StatusCode::METHOD_NOT_ALLOWED),
                    Refusal::Query(_) => (&counters.refused_requests, StatusCode::BAD_REQUEST),
                    Refusal::Token(_) => (&counters.refused_token, StatusCode::UNAUTHORIZED),
                    Refusal::Session(NoSession::Source) => {
                        (&counters.refused_source, StatusCode::TOO_MANY_REQUESTS)
                    }
                    Refusal::Session(NoSession::Overload) | Refusal::Random => {
                        (&counters.refused_overload, StatusCode::SERVICE_UNAVAILABLE)
                    }
                };
                (counter, plain_text(status, refusal))
            }
        };
        StampCounters::count(counter);
        response
    }
}

impl Door for Stamp {
    fn is_for(&self, path: &str) -> bool {
        path == SESSION_PATH
    }

    fn answer<'a>(&'a self, request: Request<Incoming>, caller: &'a Caller) -> Answering<'a> {
        let granted = self.grant(&request, caller.peer.ip());
        let response = self.response(&granted).map(body::whole);
        Box::pin(async { Answer::Respond(response) })
    }
}

/// The grant, for whoever asked and no cache.
fn json(grant: &Grant) -> Response<String> {
    let mut response = Response::new(grant.write());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
