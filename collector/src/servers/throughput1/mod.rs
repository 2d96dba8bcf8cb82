//! The throughput1 server (M-Lab's MSAK): like ndt7, but a client opens several streams and says of
//! each how long and how many bytes. Stock clients work unmodified.
//!
//! Streams are not grouped: nothing here knows which belong together, and nothing is kept. Rules of
//! a request, each broken one answered with 400: a WebSocket upgrade with the protocol's name, and a
//! query that [`Query::parse`] accepts. A stream counts as a test towards the limits of the
//! configuration.
mod counters;
mod measure;
mod stream;

pub use counters::Throughput1Counters;

use super::admission::{Admission, NoRoom, Permit};
use super::config::ServersConfig;
use super::front::{Answer, Answering, Caller, Conversation, Door, Upgraded, body, plain_text};
use super::websocket::load::LoadFrames;
use super::websocket::upgrade::{self, NoUpgrade, Upgrade};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use stream::Stream;
use tonle_wire::throughput1::Direction;
use tonle_wire::throughput1::query::{BadQuery, Query};
use tonle_wire::throughput1::spec::{
    MESSAGE_MAX_BYTES, MESSAGE_START_BYTES, PATH_PREFIX, STREAMS_MAX, SUBPROTOCOL, direction_of,
};

/// The door of throughput1.
pub(super) struct Throughput1 {
    shared: Arc<Shared>,
}

/// What all streams share.
struct Shared {
    config: ServersConfig,
    admission: Arc<Admission>,
    counters: Arc<Throughput1Counters>,
    load: LoadFrames,
}

/// Why a request is not upgraded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum Refusal {
    #[error("there is no such test")]
    NotFound,
    #[error(transparent)]
    Upgrade(#[from] NoUpgrade),
    #[error(transparent)]
    Query(#[from] BadQuery),
    #[error("the server runs as many tests as it can; try later")]
    Overload,
    #[error("too many streams at once from this source; try later")]
    Source,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Upgrade(_) | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Overload => StatusCode::SERVICE_UNAVAILABLE,
            Self::Source => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// An acceptable request.
#[derive(Debug)]
struct Wanted {
    direction: Direction,
    query: Query,
    upgrade: Upgrade,
}

fn check<B>(request: &Request<B>) -> Result<Wanted, Refusal> {
    let direction = direction_of(request.uri().path()).ok_or(Refusal::NotFound)?;
    let upgrade = upgrade::check(request, SUBPROTOCOL)?;
    let query = Query::parse(request.uri().query().unwrap_or_default())?;
    Ok(Wanted {
        direction,
        query,
        upgrade,
    })
}

impl Throughput1 {
    pub(super) fn new(config: &ServersConfig, counters: Arc<Throughput1Counters>) -> Self {
        let streams = STREAMS_MAX as usize;
        let admission = Admission::new(
            config.max_downloads.saturating_mul(streams),
            config.max_per_source.saturating_mul(streams),
        );
        let shared = Shared {
            config: config.clone(),
            admission: Arc::new(admission),
            counters,
            load: LoadFrames::random(
                &mut rand::make_rng(),
                MESSAGE_START_BYTES,
                MESSAGE_MAX_BYTES,
            ),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Most streams that ever run at once.
    pub(super) fn streams_max(&self) -> usize {
        self.shared.admission.tests_max()
    }

    fn grant<B>(
        &self,
        request: &Request<B>,
        peer: SocketAddr,
    ) -> Result<(Wanted, Permit), Refusal> {
        let wanted = check(request)?;
        let permit = self
            .shared
            .admission
            .admit(wanted.direction, peer.ip())
            .map_err(|no_room| match no_room {
                NoRoom::Overload => Refusal::Overload,
                NoRoom::Source => Refusal::Source,
            })?;
        Ok((wanted, permit))
    }

    /// The 101, and the test that follows it.
    fn upgrade(&self, wanted: Wanted, permit: Permit) -> Answer {
        let response = wanted.upgrade.response();
        let shared = Arc::clone(&self.shared);
        let conversation: Conversation = Box::new(move |upgraded: Upgraded| {
            Box::pin(async move {
                let stream = Stream {
                    shared: &shared,
                    kernel: upgraded.kernel,
                    direction: wanted.direction,
                    query: wanted.query,
                    cancel: &upgraded.cancel,
                };
                stream.run(upgraded.stream, upgraded.already_read).await;
                drop(permit);
            })
        });
        Answer::Upgrade(response, conversation)
    }

    fn refuse(&self, refusal: &Refusal) -> Response<String> {
        let counters = &self.shared.counters;
        let counter = match refusal {
            Refusal::Overload => &counters.refused_overload,
            Refusal::Source => &counters.refused_source,
            _ => &counters.refused_requests,
        };
        Throughput1Counters::add(counter, 1);
        plain_text(refusal.status(), refusal)
    }
}

impl Door for Throughput1 {
    fn is_for(&self, path: &str) -> bool {
        path.starts_with(PATH_PREFIX)
    }

    fn answer<'a>(&'a self, request: Request<Incoming>, caller: &'a Caller) -> Answering<'a> {
        let answer = match self.grant(&request, caller.peer) {
            Ok((wanted, permit)) => self.upgrade(wanted, permit),
            Err(refusal) => Answer::Respond(self.refuse(&refusal).map(body::whole)),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, subprotocol: &str) -> Request<()> {
        Request::get(uri)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Protocol", subprotocol)
            .body(())
            .unwrap()
    }

    #[test]
    fn a_good_request_gets_its_subprotocol_back() {
        let uri = "/throughput/v1/upload?streams=2&mid=a&bytes=5";
        let wanted = check(&request(uri, SUBPROTOCOL)).unwrap();
        assert_eq!(
            (wanted.direction, wanted.query.limit_bytes),
            (Direction::Upload, Some(5))
        );
        let response = wanted.upgrade.response();
        assert_eq!(response.headers()["Sec-WebSocket-Protocol"], SUBPROTOCOL);
    }

    #[test]
    fn what_stock_servers_refuse_is_refused_with_their_status() {
        for (uri, subprotocol, status) in [
            ("/throughput/v1/download?mid=a", SUBPROTOCOL, 400),
            ("/throughput/v1/download?streams=1", SUBPROTOCOL, 400),
            (
                "/throughput/v1/download?streams=1&mid=a&duration=x",
                SUBPROTOCOL,
                400,
            ),
            (
                "/throughput/v1/download?streams=1&mid=a",
                "net.measurementlab.ndt.v7",
                400,
            ),
            ("/throughput/v1/sideways?streams=1&mid=a", SUBPROTOCOL, 404),
        ] {
            let refused = check(&request(uri, subprotocol)).unwrap_err();
            assert_eq!(refused.status(), status, "{uri}");
        }
    }

    #[test]
    fn a_full_server_says_503_and_a_busy_source_429() {
        let config = ServersConfig {
            max_per_source: 1,
            ..ServersConfig::default()
        };
        let door = Throughput1::new(&config, Arc::default());
        let wanted = request("/throughput/v1/download?streams=4&mid=a", SUBPROTOCOL);
        let peer = "192.0.2.1:5".parse().unwrap();
        let running: Vec<_> = (0..4).map(|_| door.grant(&wanted, peer).unwrap()).collect();
        let fifth = door.grant(&wanted, peer).unwrap_err();
        assert_eq!(fifth.status(), StatusCode::TOO_MANY_REQUESTS);
        drop(running);
        assert!(door.grant(&wanted, peer).is_ok());
        assert_eq!(Refusal::Overload.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
