//! The ndt7 server: bulk download and upload over one WebSocket, with the kernel's counters sent
//! along. Stock ndt7 clients work unmodified.
//!
//! No archive (off unless the operator names a folder), no log and no file holds a client's address.
//! `ConnectionInfo` tells the client its own address, as the protocol wants, and nobody else.
//!
//! Who may test and how a test goes stands in `door`; here is what ndt7 has of its own: a test
//! (`course`), what a measurement says (`measure`), and where finished ones are kept (`archive`).
mod archive;
mod course;
mod measure;

pub use archive::ArchiveCounters;

use super::busy::Busy;
use super::config::{ServersConfig, TestLength};
use super::door::{Begun, Protocol};
use super::websocket::load::LoadFrames;
use super::websocket::receiver::Duty;
use archive::Archive;
use course::Ndt7Course;
use std::sync::Arc;
use std::time::Duration;
use tonle_net::clock::wall_us;
use tonle_wire::ndt7::Direction;
use tonle_wire::ndt7::query::{BadQuery, Query};
use tonle_wire::ndt7::scaling::Scaling;
use tonle_wire::ndt7::spec::{
    MESSAGE_SENT_MAX_BYTES, MESSAGE_START_BYTES, PATH_PREFIX, SUBPROTOCOL,
};
use tonle_wire::query::AccessToken;

/// What all tests share.
pub(super) struct Ndt7 {
    length: TestLength,
    archive: Option<Archive>,
    load: LoadFrames,
}

impl Ndt7 {
    pub(super) fn new(config: &ServersConfig, archived: Arc<ArchiveCounters>) -> Self {
        let archive_dir = config.archive_dir.clone();
        Self {
            length: config.test_length,
            archive: archive_dir.map(|dir| Archive::new(dir, archived)),
            load: LoadFrames::random(
                &mut rand::make_rng(),
                MESSAGE_START_BYTES,
                MESSAGE_SENT_MAX_BYTES,
            ),
        }
    }
}

impl Protocol for Ndt7 {
    const NAME: &'static str = "ndt7";
    const PATH_PREFIX: &'static str = PATH_PREFIX;
    const SUBPROTOCOL: &'static str = SUBPROTOCOL;
    const TOKEN_SUBJECT: &'static str = "ndt";
    const CONNECTIONS_PER_TEST: usize = 1;
    type Query = Query;
    type BadQuery = BadQuery;
    type Course<'a> = Ndt7Course<'a>;

    fn direction_of(path: &str) -> Option<Direction> {
        Direction::from_path(path)
    }

    fn query(raw: &str) -> Result<Query, BadQuery> {
        Query::parse(raw)
    }

    fn access_token(query: &Query) -> Option<&AccessToken> {
        query.access_token.as_ref()
    }

    fn check_let_in(_query: &Query, _token_id: Option<&str>) -> Result<(), BadQuery> {
        Ok(())
    }

    fn client_name(query: &Query) -> Option<&str> {
        query.get("client_name")
    }

    fn duty(direction: Direction) -> Duty {
        match direction {
            Direction::Download => Duty::TextOnly,
            Direction::Upload => Duty::Count,
        }
    }

    fn congestion_control(_query: &Query) -> Option<&'static str> {
        None
    }

    fn hard_limit(&self) -> Duration {
        self.length.hard_limit
    }

    fn begin(&self, begun: Begun<Query>) -> Ndt7Course<'_> {
        Ndt7Course {
            protocol: self,
            kernel: begun.kernel,
            direction: begun.direction,
            query: begun.query,
            clock: begun.clock,
            start_us: wall_us(),
            busy: Busy::begin(),
            scaling: Scaling::default(),
            last: None,
            sent: Vec::new(),
        }
    }
}
