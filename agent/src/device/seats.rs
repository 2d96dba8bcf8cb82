//! The seats of a device, opened together.
use super::{Device, OpenError, RoundError, purse};
use crate::budget::Ledger;
use crate::config::Config;
use crate::seat::Seat;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonle_evidence::local_time::LocalHour;
use tonle_net::clock::wall_us;

/// Time after which a membership that could not go on is tried again.
const RETRY: Duration = Duration::from_mins(10);

/// One membership, or two.
pub struct Seats {
    /// The membership for quality, or for all.
    pub first: Device,
    second: Option<Device>,
}

impl Seats {
    /// Opens what there is.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        Ok(Self::of(Device::open(config)?))
    }

    /// An open membership, with the second one beside it. One that cannot be opened does not keep the first from
    /// its work.
    #[must_use]
    pub fn of(first: Device) -> Self {
        let second = first.second().unwrap_or_else(|error| {
            tracing::error!(%error, "openness is not measured: {error}");
            None
        });
        Self { first, second }
    }

    /// The first one first.
    pub fn each(&self) -> impl Iterator<Item = &Device> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// Measures and uploads for each until cancelled. One that cannot go on is tried again now and then beside the
    /// other; once none can go on, this ends with the reason of the last.
    pub async fn run(&self, stop: &CancellationToken) -> Result<(), RoundError> {
        let all = stop.child_token();
        let working = AtomicUsize::new(self.each().count());
        let runs = self
            .each()
            .map(|device| keep_running(device, &all, &working));
        let ended = futures_util::future::join_all(runs).await;
        if stop.is_cancelled() {
            return Ok(());
        }
        ended.into_iter().collect()
    }
}

/// Runs one membership until all are cancelled, or until none works.
async fn keep_running(
    device: &Device,
    all: &CancellationToken,
    working: &AtomicUsize,
) -> Result<(), RoundError> {
    loop {
        let ended = device.run(all).await;
        let Err(error) = ended else {
            return Ok(());
        };
        let others = working.fetch_sub(1, Ordering::AcqRel) - 1;
        if others == 0 {
            all.cancel();
            return Err(error);
        }
        tracing::error!(
            %error,
            "one of two memberships cannot go on and is tried again later: {error}"
        );
        tokio::select! {
            () = all.cancelled() => return Ok(()),
            () = tokio::time::sleep(RETRY) => {}
        }
        working.fetch_add(1, Ordering::AcqRel);
    }
}

/// The month's data when a second membership begins and ends: see [`crate::budget`].
impl Device {
    /// This new membership's ledger begins with what `first` used beyond its part.
    pub fn begin_beside(&self, first: &Self) -> Result<(), RoundError> {
        let Some(ledger) = first.ledger() else {
            return Ok(());
        };
        let own_bytes = first.part_beside_openness()?;
        self.keep_ledger(ledger.beyond(own_bytes, first.local_hour()?))
    }

    /// What [`Self::begin_beside`] took over is the other membership's from now on.
    pub fn keep_own_part(&self) -> Result<(), RoundError> {
        let Some(mut ledger) = self.ledger() else {
            return Ok(());
        };
        ledger.keep_within(self.part_beside_openness()?, self.local_hour()?);
        self.keep_ledger(ledger)
    }

    /// What the second membership used is this one's before that one goes.
    pub fn take_back_from(&self, second: &Self) -> Result<(), RoundError> {
        let Some(of_second) = second.ledger() else {
            return Ok(());
        };
        let now = self.local_hour()?;
        let mut ledger = self.ledger().unwrap_or_else(|| Ledger::begin(now));
        ledger.take_back(&of_second, now);
        self.keep_ledger(ledger)
    }

    /// The part of the month's data that quality has once openness has a seat of its own.
    fn part_beside_openness(&self) -> Result<u64, RoundError> {
        let quality = Config {
            seat: Seat::Quality,
            ..self.config.clone()
        };
        Ok(quality.allowance(self.metered()?).monthly_bytes)
    }

    fn ledger(&self) -> Option<Ledger> {
        self.state().ledger.clone()
    }

    fn keep_ledger(&self, ledger: Ledger) -> Result<(), RoundError> {
        purse::store(&self.dir, &ledger).map_err(|error| RoundError::Keep(error.to_string()))?;
        self.state().ledger = Some(ledger);
        Ok(())
    }

    fn local_hour(&self) -> Result<LocalHour, RoundError> {
        let enrolment = self.enrolment().ok_or(RoundError::NotJoined)?;
        let offset_s = enrolment.enrolled.country.utc_offset_s;
        Ok(LocalHour::at(wall_us(), offset_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_joined(dir: &std::path::Path, name: &str) -> Device {
        let config = Config {
            data_dir: dir.join(name),
            ..Config::default()
        };
        Device::open(config).unwrap()
    }

    #[tokio::test]
    async fn one_that_cannot_go_on_does_not_stop_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let device = not_joined(dir.path(), "a");
        let (all, working) = (CancellationToken::new(), AtomicUsize::new(2));
        let run = keep_running(&device, &all, &working);
        let waited = tokio::time::timeout(Duration::from_millis(300), run).await;
        assert!(waited.is_err(), "it is to be tried again");
        assert!(!all.is_cancelled());
        assert_eq!(working.load(Ordering::Acquire), 1);
    }

    #[tokio::test]
    async fn when_none_can_go_on_the_program_learns_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let seats = Seats {
            first: not_joined(dir.path(), "a"),
            second: Some(not_joined(dir.path(), "b")),
        };
        let ended = seats.run(&CancellationToken::new()).await;
        assert!(matches!(ended, Err(RoundError::NotJoined)));
    }
}
