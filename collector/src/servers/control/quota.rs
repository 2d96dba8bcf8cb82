//! How much may be asked of the control server, and of others through it. In memory only.
use super::config::ControlConfig;
use crate::limit::{Limiter, Rate};
use crate::servers::admission::{Admission, NoRoom, Permit, source_of};
use std::net::IpAddr;
use std::sync::Arc;
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::Direction;

/// Why a request is not served now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMuch {
    /// The server is full.
    #[error("too many requests at once; try later")]
    Overload,
    /// This source asks too much.
    #[error("too many requests from this source; try again in {0} s")]
    Source(u32),
    /// What it asks for has been asked for too often.
    #[error("too many requests for this destination; try again in {0} s")]
    Destination(u32),
}

/// See the top of this file.
pub(super) struct Quota {
    clock: Stopwatch,
    admission: Arc<Admission>,
    sources: Limiter<IpAddr>,
    destinations: Limiter<IpAddr>,
}

impl Quota {
    pub(super) fn new(config: &ControlConfig) -> Self {
        let per_min = |requests: u32| {
            let requests = f64::from(requests);
            Limiter::new(Rate::new(requests / 60.0, requests))
        };
        let admission = Admission::new(config.max_in_flight, config.max_per_source);
        Self {
            clock: Stopwatch::start(),
            admission: Arc::new(admission),
            sources: per_min(config.requests_per_source_per_min),
            destinations: per_min(config.contacts_per_destination_per_min),
        }
    }

    /// Counts a request of `source` before anything else is done for it.
    pub(super) fn note_request(&self, source: IpAddr) -> Result<(), TooMuch> {
        let taken = self
            .sources
            .take(source_of(source), 1.0, self.clock.elapsed_us());
        taken.map_err(TooMuch::Source)
    }

    /// Takes a place for a request that has been read.
    pub(super) fn admit(&self, source: IpAddr) -> Result<Permit, TooMuch> {
        let admitted = self.admission.admit(Direction::Download, source);
        admitted.map_err(|no_room| match no_room {
            NoRoom::Overload => TooMuch::Overload,
            NoRoom::Source => TooMuch::Source(1),
        })
    }

    /// Counts a contact with `address`.
    pub(super) fn note_contact(&self, address: IpAddr) -> Result<(), TooMuch> {
        let taken = self
            .destinations
            .take(source_of(address), 1.0, self.clock.elapsed_us());
        taken.map_err(TooMuch::Destination)
    }
}
