//! One way to test a line over a WebSocket: what ndt7 and throughput1 have in common.
//!
//! A request takes the files in this order: here (whose path is it, may it upgrade, does it obey
//! the protocol, is it let in, is there room?), `refusal` (why not), `test` (from the handshake to
//! the end, counted in `counters`) and `sender` (the writing half; the reading one is the shared
//! `receiver`). A protocol supplies only what differs: [`Protocol`] for all its tests, [`Course`]
//! for each of them.
//!
//! What stock servers refuse is refused here too, so that a client that works with one works with
//! the other; each answer closes the connection before the upgrade:
//! 1. No WebSocket upgrade, another protocol's name, or a query that the protocol does not accept:
//!    400.
//! 2. No good access token where one is asked for: 401.
//! 3. The server is full: 503. The source runs too many tests: 429.
mod counters;
mod refusal;
mod sender;
mod test;

pub use counters::TestCounters;

use super::admission::{Admission, Permit};
use super::config::ServersConfig;
use super::front::{Answer, Answering, Caller, Conversation, Door, Probe, Upgraded, body};
use super::tokens::Tokens;
use super::websocket::receiver::Duty;
use super::websocket::upgrade::{self, Upgrade};
use hyper::body::Incoming;
use hyper::{Request, Response};
use refusal::Refusal;
use std::borrow::Cow;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::Direction;
use tonle_wire::query::AccessToken;

/// A protocol that tests a line over a WebSocket.
pub(super) trait Protocol: Send + Sync + 'static {
    /// How it is called in logs.
    const NAME: &'static str;
    /// What all its paths begin with.
    const PATH_PREFIX: &'static str;
    /// Value of `Sec-WebSocket-Protocol`.
    const SUBPROTOCOL: &'static str;
    /// What its access tokens are for.
    const TOKEN_SUBJECT: &'static str;
    /// Connections that a test has at once.
    const CONNECTIONS_PER_TEST: usize;
    /// What a client asks for.
    type Query: Send + 'static;
    /// Why it cannot be given.
    type BadQuery: std::error::Error;
    /// One test of it.
    type Course<'a>: Course
    where
        Self: 'a;

    /// The direction of a request path, if it is one of its own.
    fn direction_of(path: &str) -> Option<Direction>;
    /// Reads a raw query string.
    fn query(raw: &str) -> Result<Self::Query, Self::BadQuery>;
    /// What the client shows to be let in.
    fn access_token(query: &Self::Query) -> Option<&AccessToken>;
    /// Checks what can only be checked once the client is let in; `token_id` names the token that
    /// did.
    fn check_let_in(query: &Self::Query, token_id: Option<&str>) -> Result<(), Self::BadQuery>;
    /// The client's name for its program.
    fn client_name(query: &Self::Query) -> Option<&str>;
    /// What is made of a client's messages.
    fn duty(direction: Direction) -> Duty;
    /// Congestion control that the client asks for.
    fn congestion_control(query: &Self::Query) -> Option<&'static str>;
    /// When a test that did not end is cut off.
    fn hard_limit(&self) -> Duration;
    /// A test begins.
    fn begin(&self, begun: Begun<Self::Query>) -> Self::Course<'_>;
}

/// A test that begins.
pub(super) struct Begun<Q> {
    pub(super) direction: Direction,
    pub(super) query: Q,
    pub(super) kernel: Arc<Probe>,
    /// Runs since the end of the handshake.
    pub(super) clock: Stopwatch,
    /// The congestion control in use.
    pub(super) congestion_control: String,
}

/// One test, as its protocol has it.
pub(super) trait Course: Send {
    /// Whether each measurement is followed by a Ping.
    const PINGS: bool;
    /// When the server ends the test, microseconds from its start.
    fn length_us(&self) -> i64;
    /// Time until the next measurement, microseconds, from a random number in [0, 1).
    fn measurement_wait_us(&self, uniform: f64) -> i64;
    /// Payload of the next message of load; `None` when no more may be sent.
    fn next_load_bytes(&self) -> Option<usize>;
    /// The frame of a message of load.
    fn load(&self, payload_bytes: usize) -> Cow<'_, [u8]>;
    /// A message of load was sent.
    fn sent_load(&mut self, payload_bytes: usize);
    /// Payload sent so far, as the protocol counts it.
    fn sent_bytes(&self) -> u64;
    /// The JSON of a measurement. `received_bytes`: payload of the client that counts.
    fn measure(&mut self, received_bytes: u64) -> String;
    /// The measurement just made was sent.
    fn sent_measurement(&mut self);
    /// Whether, after the measurement just sent, the client has what it asked for.
    fn is_complete(&self) -> bool;
    /// The test is over.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// The door of a protocol.
pub(super) struct TestDoor<P> {
    shared: Arc<Shared<P>>,
}

/// What all tests of a protocol share.
struct Shared<P> {
    protocol: P,
    congestion_control: Option<String>,
    admission: Arc<Admission>,
    tokens: Arc<Tokens>,
    counters: Arc<TestCounters>,
}

/// An acceptable request.
#[derive(Debug)]
struct Wanted<Q> {
    direction: Direction,
    query: Q,
    upgrade: Upgrade,
}

/// A request that is granted, and its place in the server.
type Granted<P> = (Wanted<<P as Protocol>::Query>, Permit);

impl<P: Protocol> TestDoor<P> {
    pub(super) fn new(
        protocol: P,
        config: &ServersConfig,
        tokens: Arc<Tokens>,
        counters: Arc<TestCounters>,
    ) -> Self {
        let connections = |tests: usize| tests.saturating_mul(P::CONNECTIONS_PER_TEST);
        let admission = Admission::new(
            connections(config.max_downloads),
            connections(config.max_per_source),
        );
        let shared = Shared {
            protocol,
            congestion_control: config.wanted_congestion_control().map(str::to_owned),
            admission: Arc::new(admission),
            tokens,
            counters,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Most connections of tests that are ever open at once.
    pub(super) fn connections_max(&self) -> usize {
        self.shared.admission.tests_max()
    }

    fn grant<B>(
        &self,
        request: &Request<B>,
        peer: SocketAddr,
    ) -> Result<Granted<P>, Refusal<P::BadQuery>> {
        let wanted = check::<P, B>(request)?;
        let shown = P::access_token(&wanted.query);
        let token_id = self.shared.tokens.check(P::TOKEN_SUBJECT, shown)?;
        P::check_let_in(&wanted.query, token_id.as_deref()).map_err(Refusal::Query)?;
        let permit = self.shared.admission.admit(wanted.direction, peer.ip())?;
        Ok((wanted, permit))
    }

    /// The 101, and the test that follows it.
    fn upgrade(&self, (wanted, permit): Granted<P>) -> Answer {
        let response = wanted.upgrade.response();
        let shared = Arc::clone(&self.shared);
        let conversation: Conversation = Box::new(move |upgraded: Upgraded| {
            Box::pin(async move {
                test::run(&shared, wanted.direction, wanted.query, upgraded).await;
                drop(permit);
            })
        });
        Answer::Upgrade(response, conversation)
    }

    fn refuse(&self, refusal: &Refusal<P::BadQuery>) -> Response<String> {
        let counters = &self.shared.counters;
        TestCounters::add(refusal.counter(counters), 1);
        refusal.response()
    }
}

fn check<P: Protocol, B>(request: &Request<B>) -> Result<Wanted<P::Query>, Refusal<P::BadQuery>> {
    let direction = P::direction_of(request.uri().path()).ok_or(Refusal::NotFound)?;
    let upgrade = upgrade::check(request, P::SUBPROTOCOL)?;
    let query = P::query(request.uri().query().unwrap_or_default()).map_err(Refusal::Query)?;
    Ok(Wanted {
        direction,
        query,
        upgrade,
    })
}

impl<P: Protocol> Door for TestDoor<P> {
    fn is_for(&self, path: &str) -> bool {
        path.starts_with(P::PATH_PREFIX)
    }

    fn answer<'a>(&'a self, request: Request<Incoming>, caller: &'a Caller) -> Answering<'a> {
        let answer = match self.grant(&request, caller.peer) {
            Ok(granted) => self.upgrade(granted),
            Err(refusal) => Answer::Respond(self.refuse(&refusal).map(body::whole)),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests;
