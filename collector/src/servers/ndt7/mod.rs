//! The ndt7 server: bulk download and upload over one WebSocket, with the kernel's counters sent
//! along. Stock ndt7 clients work unmodified.
//!
//! No archive (off unless the operator names a folder), no log and no file holds a client's address.
//! `ConnectionInfo` tells the client its own address, as the protocol wants, and nobody else.
//!
//! A request takes the files in this order: `handshake` (may it upgrade?), `tokens` (is it let in?),
//! `admission` (is there room?), `session` (the test), with `sender` and the shared `receiver`
//! as its two halves and `measure`
//! reading the kernel.
mod archive;
mod counters;
mod handshake;
mod measure;
mod sender;
mod session;
pub(super) mod tokens;

pub use counters::Ndt7Counters;

use super::admission::{Admission, NoRoom, Permit};
use super::config::ServersConfig;
use super::front::{Answer, Answering, Caller, Conversation, Door, Upgraded, body};
use crate::servers::websocket::load::LoadFrames;
use archive::Archive;
use handshake::{Refusal, Wanted};
use hyper::body::Incoming;
use hyper::{Request, Response};
use session::Session;
use std::net::SocketAddr;
use std::sync::Arc;
use tokens::Tokens;
use tonle_wire::ndt7::spec::{MESSAGE_SENT_MAX_BYTES, MESSAGE_START_BYTES, PATH_PREFIX};

/// The door of ndt7.
pub(super) struct Ndt7 {
    shared: Arc<Shared>,
}

/// What all tests share.
struct Shared {
    config: ServersConfig,
    admission: Arc<Admission>,
    counters: Arc<Ndt7Counters>,
    tokens: Tokens,
    archive: Option<Archive>,
    load: LoadFrames,
}

impl Ndt7 {
    pub(super) fn new(config: &ServersConfig, counters: Arc<Ndt7Counters>) -> Self {
        let admission = Admission::new(config.max_downloads, config.max_per_source);
        let archive = config.archive_dir.clone();
        let shared = Shared {
            tokens: Tokens::new(config),
            archive: archive.map(|dir| Archive::new(dir, Arc::clone(&counters))),
            config: config.clone(),
            admission: Arc::new(admission),
            counters,
            load: LoadFrames::random(
                &mut rand::make_rng(),
                MESSAGE_START_BYTES,
                MESSAGE_SENT_MAX_BYTES,
            ),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Most tests that ever run at once.
    pub(super) fn tests_max(&self) -> usize {
        self.shared.admission.tests_max()
    }

    fn grant(
        &self,
        request: &Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<(Wanted, Permit), Refusal> {
        let wanted = handshake::check(request)?;
        let token = wanted.query.access_token.as_ref();
        self.shared.tokens.check(token)?;
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
        let response = wanted.response();
        let shared = Arc::clone(&self.shared);
        let conversation: Conversation = Box::new(move |upgraded: Upgraded| {
            Box::pin(async move {
                let session = Session {
                    shared: &shared,
                    kernel: upgraded.kernel,
                    direction: wanted.direction,
                    query: wanted.query,
                    cancel: &upgraded.cancel,
                };
                session.run(upgraded.stream, upgraded.already_read).await;
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
            Refusal::Token(_) => &counters.refused_token,
            _ => &counters.refused_requests,
        };
        Ndt7Counters::add(counter, 1);
        refusal.response()
    }
}

impl Door for Ndt7 {
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
