//! The throughput1 server (M-Lab's MSAK): like ndt7, but a client opens several streams and says of
//! each how long and how many bytes. Stock clients work unmodified.
//!
//! Streams are not grouped: nothing here knows which belong together, and nothing is kept. A stream
//! counts as a test towards the limits of the configuration, which have room for as many streams as
//! stock clients open. Who may test and how a test goes stands in `door`; here is what throughput1
//! has of its own: a stream (`course`) and what its measurements say (`measure`).
mod course;
mod measure;

use super::door::{Begun, Protocol};
use super::websocket::load::LoadFrames;
use super::websocket::receiver::Duty;
use course::Throughput1Course;
use std::time::Duration;
use tonle_wire::query::AccessToken;
use tonle_wire::throughput1::Direction;
use tonle_wire::throughput1::query::{BadQuery, Query};
use tonle_wire::throughput1::spec::{
    HARD_LIMIT_MS, MESSAGE_MAX_BYTES, MESSAGE_START_BYTES, PATH_PREFIX, STREAMS_MAX, SUBPROTOCOL,
    direction_of,
};

/// What all streams share.
pub(super) struct Throughput1 {
    load: LoadFrames,
}

impl Throughput1 {
    pub(super) fn new() -> Self {
        Self {
            load: LoadFrames::random(
                &mut rand::make_rng(),
                MESSAGE_START_BYTES,
                MESSAGE_MAX_BYTES,
            ),
        }
    }
}

impl Protocol for Throughput1 {
    const NAME: &'static str = "throughput1";
    const PATH_PREFIX: &'static str = PATH_PREFIX;
    const SUBPROTOCOL: &'static str = SUBPROTOCOL;
    const TOKEN_SUBJECT: &'static str = "msak";
    const CONNECTIONS_PER_TEST: usize = STREAMS_MAX as usize;
    type Query = Query;
    type BadQuery = BadQuery;
    type Course<'a> = Throughput1Course<'a>;

    fn direction_of(path: &str) -> Option<Direction> {
        direction_of(path)
    }

    fn query(raw: &str) -> Result<Query, BadQuery> {
        Query::parse(raw)
    }

    fn access_token(query: &Query) -> Option<&AccessToken> {
        query.access_token.as_ref()
    }

    fn check_let_in(query: &Query, token_id: Option<&str>) -> Result<(), BadQuery> {
        query.name(token_id).map(drop)
    }

    fn client_name(query: &Query) -> Option<&str> {
        query.get("client_name")
    }

    /// Text and binary alike count, in either direction.
    fn duty(_direction: Direction) -> Duty {
        Duty::Count
    }

    fn congestion_control(query: &Query) -> Option<&'static str> {
        query.congestion_control
    }

    fn hard_limit(&self) -> Duration {
        Duration::from_millis(HARD_LIMIT_MS)
    }

    fn begin(&self, begun: Begun<Query>) -> Throughput1Course<'_> {
        Throughput1Course::new(&self.load, begun)
    }
}
