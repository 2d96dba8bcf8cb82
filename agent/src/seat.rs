//! What of a device's measurements a membership is for: all, or quality at one collector and openness at another.
//!
//! The second seat is a folder of its own in the data directory, with all that a membership has: key,
//! chain, unsent and refused records, receipts, list, budget, the salt of its networks. The two share no name and no number,
//! so that neither collector is told that another exists. What both could still compare is in docs/openness.md.
use crate::config::Config;
use crate::identity::{Enrolment, Identity};
use std::io;
use std::path::{Path, PathBuf};
use tonle_evidence::record::Stream;

/// The second seat's folder in the data directory.
const FOLDER: &str = "openness";
/// Of the month's data, the part that openness gets where it has a seat of its own: one in so many. A page is
/// small beside a test of throughput.
const OPENNESS_PART: u64 = 4;

/// What a membership is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Seat {
    /// Everything: there is one membership.
    #[default]
    Whole,
    /// Quality only: openness has a seat elsewhere.
    Quality,
    /// Openness only.
    Openness,
}

impl Seat {
    /// Whether records of a stream are made for it.
    #[must_use]
    pub fn takes(self, stream: Stream) -> bool {
        match self {
            Self::Whole => true,
            Self::Quality => stream == Stream::Quality,
            Self::Openness => stream == Stream::Openness,
        }
    }

    /// What it may use of the month's data, bytes; both parts together are the whole.
    #[must_use]
    pub fn part_of(self, monthly_bytes: u64) -> u64 {
        let openness = monthly_bytes / OPENNESS_PART;
        match self {
            Self::Whole => monthly_bytes,
            Self::Quality => monthly_bytes - openness,
            Self::Openness => openness,
        }
    }
}

/// The data directory of the second seat, whether or not there is one.
fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join(FOLDER)
}

/// Whether openness has a seat of its own. One whose key is gone, or that no collector answered for, is none: it
/// was being left, or was never joined.
#[must_use]
pub fn has_second(data_dir: &Path) -> bool {
    let folder = folder(data_dir);
    Enrolment::is_in(&folder) && Identity::is_in(&folder)
}

/// Deletes what an attempt to join, or a leaving that was cut off, has left of a second seat: its key must
/// not be shown to a second collector, nor its records stay.
pub fn sweep(data_dir: &Path) -> io::Result<()> {
    let folder = folder(data_dir);
    if has_second(data_dir) || !folder.is_dir() {
        return Ok(());
    }
    std::fs::remove_dir_all(folder)
}

/// The configuration as its own seat has it: the first one's.
#[must_use]
pub fn first(config: Config) -> Config {
    if config.seat == Seat::Whole && has_second(&config.data_dir) {
        return Config {
            seat: Seat::Quality,
            ..config
        };
    }
    config
}

/// The configuration of the second seat, whether or not there is one.
#[must_use]
pub fn second(config: &Config) -> Config {
    Config {
        data_dir: folder(&config.data_dir),
        seat: Seat::Openness,
        ..config.clone()
    }
}

/// The configurations of all seats, the first one's first.
#[must_use]
pub fn all(config: &Config) -> Vec<Config> {
    let mut all = vec![first(config.clone())];
    if has_second(&config.data_dir) {
        all.push(second(config));
    }
    all
}

/// The configuration of the seat that a stream is measured for.
#[must_use]
pub fn of_stream(config: &Config, stream: Stream) -> Config {
    let mut all = all(config).into_iter();
    all.find(|seat| seat.seat.takes(stream))
        .unwrap_or_else(|| first(config.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_has_one_seat_and_the_parts_are_the_whole() {
        for stream in Stream::ALL {
            let takers = [Seat::Quality, Seat::Openness].map(|seat| seat.takes(*stream));
            assert_eq!(takers.iter().filter(|takes| **takes).count(), 1);
            assert!(Seat::Whole.takes(*stream));
        }
        for monthly in [0, 1, 3, 400_000_001, u64::MAX] {
            let parts = [Seat::Quality, Seat::Openness].map(|seat| seat.part_of(monthly));
            assert_eq!(parts[0] + parts[1], Seat::Whole.part_of(monthly));
        }
    }

    #[test]
    fn what_was_never_joined_or_was_being_left_is_no_seat_and_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let second = folder(dir.path());
        for file in ["identity.key", "enrolment.json"] {
            std::fs::create_dir(&second).unwrap();
            std::fs::write(second.join(file), "x").unwrap();
            assert!(!has_second(dir.path()), "{file}");
            sweep(dir.path()).unwrap();
            assert!(!second.exists(), "{file}");
        }
        std::fs::create_dir(&second).unwrap();
        for file in ["identity.key", "enrolment.json"] {
            std::fs::write(second.join(file), "x").unwrap();
        }
        sweep(dir.path()).unwrap();
        assert!(has_second(dir.path()));
    }

    #[test]
    fn without_a_second_membership_the_first_takes_all() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: dir.path().to_owned(),
            ..Config::default()
        };
        std::fs::create_dir(folder(dir.path())).unwrap();
        assert_eq!(all(&config), std::slice::from_ref(&config));
        assert_eq!(of_stream(&config, Stream::Openness), config);
    }
}
