//! The servers that a run may test with: the one that its target names, or those that a Locate
//! service names for it (`crate::locate`), best first.
//!
//! 1. A server that a service named is believed as little as the service: it is never contacted on
//!    an address that is not on the Internet.
//! 2. When a handshake fails the next server is tried; both directions use the same one as long as it
//!    works. Where none does, the answer is forgotten.
//! 3. Over TLS where the processor has instructions for it, else without: the test would measure the
//!    device.
//! 4. The path class is what was declared of a named server; a found one lies where its service says,
//!    in the volunteer's country or abroad.
use crate::experiments::bulk::base_url;
use crate::experiments::bulk::connection::{CLIENT_NAME, CLIENT_VERSION, Connected, Server};
use crate::experiments::{CannotRun, Run};
use crate::locate::{Locating, service_of};
use crate::steps;
use std::collections::VecDeque;
use tonle_evidence::record::{PathClass, Target};
use tonle_net::processor;
use tonle_wire::locate::Target as Found;
use tonle_wire::ndt7::Direction;
use tonle_wire::ndt7::query::describe_client;
use tonle_wire::ndt7::spec::SUBPROTOCOL;
use url::Url;

/// Where a run gets its servers from.
pub(super) enum Source<'a> {
    /// The target is the server.
    Named(Server, PathClass),
    /// The target is a service that names servers.
    Service(&'a Locating, Url),
}

impl<'a> Source<'a> {
    /// Says what is wrong with the target, or with the permission to use it, before anything is
    /// sent.
    pub(super) fn of(run: &'a Run, target: &Target) -> Result<Self, CannotRun> {
        if let Some(service) = service_of(&target.value) {
            let locating = run.locating.as_ref().ok_or_else(not_agreed)?;
            if service.scheme() != "https" && !run.net.allow_loopback {
                return Err(CannotRun::Target {
                    target: target.value.clone(),
                    reason:
                        "a Locate service is asked over https only: it answers with access tokens"
                            .to_owned(),
                });
            }
            let host = service.host_str().unwrap_or_default();
            steps::check_literal(run, &target.value, host)?;
            return Ok(Self::Service(locating, service));
        }
        let server = Server::new(run, base_url(&target.value)?, target.path_class);
        if !server.may_be_local() {
            steps::check_literal(run, &target.value, &server.host())?;
        }
        Ok(Self::Named(server, target.path_class))
    }

    /// The servers, which may have to be asked for.
    pub(super) async fn servers(self, run: &Run) -> Result<Servers<'a>, CannotRun> {
        match self {
            Self::Named(server, path_class) => Ok(Servers {
                left: VecDeque::from([Candidate {
                    server,
                    path_class,
                    found: None,
                }]),
                locating: None,
            }),
            Self::Service(locating, service) => {
                let client = (CLIENT_NAME, CLIENT_VERSION);
                let found = locating.servers(run, &service, client).await?;
                let wants_tls = processor::has_aes_instructions();
                let usable = found.into_iter().filter(|one| may_contact(run, one));
                let of = |one| Candidate::found(run, one, wants_tls, &locating.country);
                Ok(Servers {
                    left: usable.map(of).collect(),
                    locating: Some(locating),
                })
            }
        }
    }
}

fn not_agreed() -> CannotRun {
    CannotRun::Permission(
        "M-Lab publishes the address of whoever tests with it; read that text and agree to it with \
         `tonle agent consent`"
            .to_owned(),
    )
}

/// Servers that have not failed yet.
pub(super) struct Servers<'a> {
    left: VecDeque<Candidate>,
    locating: Option<&'a Locating>,
}

/// A server that may be tested with.
struct Candidate {
    server: Server,
    path_class: PathClass,
    found: Option<(Found, bool)>,
}

impl Servers<'_> {
    /// A connection for one direction to the first server that lets us; every step is recorded,
    /// `None` when no server is left.
    pub(super) async fn connect(&mut self, run: &Run, direction: Direction) -> Option<Connected> {
        while let Some(first) = self.left.front_mut() {
            if let Some(connected) = first.connect(run, direction).await {
                return Some(connected);
            }
            self.left.pop_front();
        }
        if let Some(locating) = self.locating {
            locating.locator.forget();
        }
        None
    }

    /// Where the server that is tested with lies.
    pub(super) fn path_class(&self) -> PathClass {
        let first = self.left.front();
        first.map_or(PathClass::Unknown, |first| first.path_class)
    }
}

impl Candidate {
    fn found(run: &Run, found: Found, wants_tls: bool, own_country: &str) -> Self {
        let path_class = match &found.country {
            Some(country) if country == own_country => PathClass::Domestic,
            Some(_) => PathClass::Abroad,
            None => PathClass::Unknown,
        };
        let url = found.url(Direction::Download, wants_tls).clone();
        Self {
            server: Server::found(run, url),
            path_class,
            found: Some((found, wants_tls)),
        }
    }

    async fn connect(&mut self, run: &Run, direction: Direction) -> Option<Connected> {
        let Some((found, wants_tls)) = &self.found else {
            let query = describe_client(CLIENT_NAME, CLIENT_VERSION);
            let path = direction.path();
            return self.server.connect_to(run, path, &query, SUBPROTOCOL).await;
        };
        let url = found.url(direction, *wants_tls);
        self.server.aim(url);
        let query = url.query().unwrap_or_default();
        let path = direction.path();
        self.server.connect_to(run, path, query, SUBPROTOCOL).await
    }
}

/// Whether the hosts of a found server may be contacted, as far as their names tell: what a name
/// leads to is checked where it is connected to.
fn may_contact(run: &Run, found: &Found) -> bool {
    let is_public = |direction: Direction| {
        let host = found.url(direction, true).host_str().unwrap_or_default();
        steps::check_literal(run, host, host).is_ok()
    };
    let is_public = Direction::ALL.into_iter().all(is_public);
    if !is_public {
        Locating::not_contacted(run, found);
    }
    is_public
}
