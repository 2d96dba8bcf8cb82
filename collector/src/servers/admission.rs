//! Who may test now: a limit over all, one per direction, and one per source. In memory only, and
//! only while a test runs.
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonle_wire::ndt7::Direction;

/// Uploads have this many times the room of downloads.
const UPLOAD_ROOM: usize = 2;

/// What runs now.
#[derive(Debug)]
pub(super) struct Admission {
    max_downloads: usize,
    max_per_source: usize,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    downloads: usize,
    uploads: usize,
    by_source: HashMap<IpAddr, usize>,
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRoom {
    /// The server is full.
    #[error("the server runs as many tests as it can; try later")]
    Overload,
    /// This source runs too many tests.
    #[error("too many tests at once from this source; try later")]
    Source,
}

/// A place in the server; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Arc<Admission>,
    direction: Direction,
    source: Option<IpAddr>,
}

impl Admission {
    pub(super) fn new(max_downloads: usize, max_per_source: usize) -> Self {
        Self {
            max_downloads,
            max_per_source,
            running: Mutex::default(),
        }
    }

    /// Most tests that ever run at once.
    pub(super) fn tests_max(&self) -> usize {
        self.max_of(Direction::Download) + self.max_of(Direction::Upload)
    }

    fn max_of(&self, direction: Direction) -> usize {
        match direction {
            Direction::Download => self.max_downloads,
            Direction::Upload => self.max_downloads.saturating_mul(UPLOAD_ROOM),
        }
    }

    /// Takes a place, if there is one.
    pub(super) fn admit(
        self: &Arc<Self>,
        direction: Direction,
        peer: IpAddr,
    ) -> Result<Permit, NoRoom> {
        self.admit_from(direction, Some(source_of(peer)))
    }

    /// Takes a place, if there is one, for somebody who is known, wherever he asks from.
    pub(super) fn admit_known(self: &Arc<Self>, direction: Direction) -> Result<Permit, NoRoom> {
        self.admit_from(direction, None)
    }

    fn admit_from(
        self: &Arc<Self>,
        direction: Direction,
        source: Option<IpAddr>,
    ) -> Result<Permit, NoRoom> {
        let mut running = self.lock();
        if *running.of(direction) >= self.max_of(direction) {
            return Err(NoRoom::Overload);
        }
        if let Some(source) = source {
            let from_source = running.by_source.entry(source).or_insert(0);
            if *from_source >= self.max_per_source {
                return Err(NoRoom::Source);
            }
            *from_source += 1;
        }
        *running.of(direction) += 1;
        Ok(Permit {
            admission: Arc::clone(self),
            direction,
            source,
        })
    }

    /// Counts stay whole even if a thread died holding them: every change is a single step.
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn of(&mut self, direction: Direction) -> &mut usize {
        match direction {
            Direction::Download => &mut self.downloads,
            Direction::Upload => &mut self.uploads,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut running = self.admission.lock();
        *running.of(self.direction) -= 1;
        let Some(source) = self.source else {
            return;
        };
        if let Some(count) = running.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                running.by_source.remove(&source);
            }
        }
    }
}

/// One subscriber, as far as an address tells: an IPv4 address, or the /64 that an IPv6 line has.
pub(super) fn source_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_full_server_refuses_downloads_but_lets_uploads_finish() {
        let admission = Arc::new(Admission::new(1, 10));
        let first = admission
            .admit(Direction::Download, ip("192.0.2.1"))
            .unwrap();
        let second = admission.admit(Direction::Download, ip("192.0.2.2"));
        assert_eq!(second.unwrap_err(), NoRoom::Overload);
        let uploads: Vec<_> = (0..2)
            .map(|_| admission.admit(Direction::Upload, ip("192.0.2.3")).unwrap())
            .collect();
        let third = admission.admit(Direction::Upload, ip("192.0.2.3"));
        assert_eq!(third.unwrap_err(), NoRoom::Overload);
        drop((first, uploads));
        assert!(
            admission
                .admit(Direction::Download, ip("192.0.2.2"))
                .is_ok()
        );
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_prefix() {
        let admission = Arc::new(Admission::new(10, 1));
        let _one = admission
            .admit(Direction::Upload, ip("2001:db8::1"))
            .unwrap();
        let neighbour = admission.admit(Direction::Upload, ip("2001:db8::2"));
        assert_eq!(neighbour.unwrap_err(), NoRoom::Source);
        let _two = admission
            .admit(Direction::Upload, ip("2001:db8:0:1::1"))
            .unwrap();
        let _three = admission.admit(Direction::Upload, ip("192.0.2.1")).unwrap();
        let mapped = admission.admit(Direction::Upload, ip("::ffff:192.0.2.1"));
        assert_eq!(mapped.unwrap_err(), NoRoom::Source);
    }

    #[test]
    fn who_is_known_has_a_place_beside_his_neighbours() {
        let admission = Arc::new(Admission::new(2, 1));
        let _stranger = admission
            .admit(Direction::Download, ip("192.0.2.1"))
            .unwrap();
        let _known = admission.admit_known(Direction::Download).unwrap();
        let full = admission.admit_known(Direction::Download);
        assert_eq!(full.unwrap_err(), NoRoom::Overload);
    }

    #[test]
    fn no_address_is_kept_after_its_test() {
        let admission = Arc::new(Admission::new(10, 10));
        drop(
            admission
                .admit(Direction::Download, ip("192.0.2.1"))
                .unwrap(),
        );
        assert!(admission.lock().by_source.is_empty());
    }
}
