//! The agent's days: rounds by schedule, uploads whenever there is reason to.
use super::plan::{FAVOURED, LOCALISATION, RESPONSIVENESS, THROUGHPUT, is_against_server};
use super::{Device, Plan, RoundError, daily};
use crate::budget::{Ledger, with_overhead};
use crate::experiments;
use crate::files::DiskFiles;
use crate::outbox::{SharedOutbox, lock};
use crate::profile::Profile;
use crate::schedule::{HeavyDay, Quiet, Schedule, mix};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonle_evidence::local_time::LocalHour;
use tonle_net::clock::wall_us;

/// What sets the heavy experiments' slots apart from the light ones'.
const HEAVY_SEED: u64 = 0x0068_6561_7679;

/// What sets the rare rounds apart from others.
const FAVOURED_SEED: u64 = 0x6661_766f_7572;
/// And of the hour of localisation.
const LOCALISATION_SEED: u64 = 0x6c6f_6361_6c69;
/// Hours of a day.
const DAY_HOURS: u64 = 24;
/// One heavy round of so many is rare: about one in two days.
const RARE_ROUNDS: u64 = 8;
/// Time between two looks for what is too old.
const EXPIRY: Duration = Duration::from_hours(1);
const HOUR_US: i64 = 3_600_000_000;

/// When something is due, and what.
struct Due {
    at_us: i64,
    is_heavy: bool,
}

/// Drops what has grown too old also while nothing is measured, as in quiet hours.
async fn expire_hourly(outbox: SharedOutbox<DiskFiles>, cancel: CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(EXPIRY) => {}
        }
        let outbox = SharedOutbox::clone(&outbox);
        let expired = tokio::task::spawn_blocking(move || lock(&outbox).expire(wall_us())).await;
        if let Err(error) = expired {
            tracing::error!(%error, "old records were not dropped, by a defect: {error}");
        }
    }
}

impl Device {
    /// Measures by schedule and uploads until cancelled. Ends within seconds then: the run in
    /// progress is recorded as it stands.
    pub async fn run(&self, cancel: &CancellationToken) -> Result<(), RoundError> {
        let uploader = self.uploader()?;
        let tracker = TaskTracker::new();
        let until_cancelled = cancel.child_token();
        let uploads = {
            let cancel = until_cancelled.clone();
            tracker.spawn(async move { uploader.run(cancel).await })
        };
        tracker.spawn(expire_hourly(
            SharedOutbox::clone(&self.outbox),
            until_cancelled.clone(),
        ));
        let measured = self.measure_by_schedule(cancel).await;
        until_cancelled.cancel();
        tracker.close();
        tracker.wait().await;
        if let Err(error) = uploads.await {
            tracing::error!(%error, "the uploads ended by a defect: {error}");
        }
        measured
    }

    async fn measure_by_schedule(&self, cancel: &CancellationToken) -> Result<(), RoundError> {
        loop {
            self.hear().await;
            let due = self.next_due(wall_us())?;
            let wait = Duration::from_micros(u64::try_from(due.at_us - wall_us()).unwrap_or(0));
            tracing::info!(
                wait_s = wait.as_secs(),
                "next round in {} s",
                wait.as_secs()
            );
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                refreshed = self.refresh_targets() => if let Err(error) = refreshed {
                    tracing::warn!(%error, "going on with the lists on this device: {error}");
                },
            }
            match self.round_of(due.is_heavy, cancel).await {
                // Without a collector there is nothing to wait for; all else may mend itself.
                Err(error @ RoundError::NotJoined) => return Err(error),
                Err(error) => tracing::error!(%error, "this round came to nothing: {error}"),
                Ok(()) => {}
            }
        }
    }

    async fn round_of(&self, is_heavy: bool, cancel: &CancellationToken) -> Result<(), RoundError> {
        let mut plan = self.plan(None)?;
        plan.jobs
            .retain(|job| is_against_server(job.experiment.meta().name) == is_heavy);
        let now_us = wall_us();
        if !is_hour_of_localisation(self.seed()?, now_us) {
            plan.jobs
                .retain(|job| job.experiment.meta().name != LOCALISATION);
        }
        self.bound_localisation(&mut plan, now_us);
        let has_room = self.has_room_beside_throughput()?;
        if !has_room {
            plan.jobs
                .retain(|job| job.experiment.meta().name != RESPONSIVENESS);
        }
        if is_heavy && has_room && self.is_turn_of_the_rare(&plan, now_us)? {
            plan.jobs.extend(self.plan(Some(&[FAVOURED]))?.jobs);
        }
        if plan.jobs.is_empty() {
            return Ok(());
        }
        let round = self.run_plan(plan, cancel, &()).await?;
        tracing::info!(
            round.records = round.records.len(),
            round.skipped = round.skipped.len(),
            round.answered = round.answered,
            "a round of {} records ended",
            round.records.len()
        );
        for skipped in &round.skipped {
            tracing::warn!(
                experiment.name = skipped.experiment,
                "did not run: {}",
                skipped.reason
            );
        }
        Ok(())
    }

    /// Leaves localisation out of a round that nobody asked for by name where the day had its own already, also
    /// before a restart; or where that cannot be told.
    pub(super) fn bound_localisation(&self, plan: &mut Plan, now_us: i64) {
        let mut jobs = plan.jobs.iter();
        let is_planned = jobs.any(|job| job.experiment.meta().name == LOCALISATION);
        let taken = if is_planned {
            daily::take(self.data_dir(), now_us)
        } else {
            daily::forget_old(self.data_dir(), now_us).map(|()| false)
        };
        let is_due = taken.unwrap_or_else(|error| {
            tracing::warn!(%error, "nothing is localised: {error}");
            false
        });
        if !is_due {
            plan.jobs
                .retain(|job| job.experiment.meta().name != LOCALISATION);
        }
    }

    /// Whether the budget has room for a heavy run beside the throughput run of this round and the
    /// next one, which say more for the same bytes.
    fn has_room_beside_throughput(&self) -> Result<bool, RoundError> {
        let allowance = self.allowance()?;
        let now = LocalHour::at(wall_us(), self.utc_offset_s()?);
        let ledger = self.state().ledger.clone();
        let ledger = ledger.unwrap_or_else(|| Ledger::begin(now));
        let needs = allowance.run_max_bytes + 2 * ledger.throughput_needs_bytes();
        let available = ledger.available_bytes(allowance.monthly_bytes, now);
        Ok(available >= with_overhead(needs))
    }

    /// Whether a heavy round also asks whether tests are favoured: now and then, where throughput is
    /// measured over a line that does not cost by volume.
    fn is_turn_of_the_rare(&self, plan: &Plan, now_us: i64) -> Result<bool, RoundError> {
        let has = |name: &str| {
            let mut jobs = plan.jobs.iter();
            jobs.any(|job| job.experiment.meta().name == name && !job.is_local())
        };
        let is_wanted = has(THROUGHPUT) && !has(FAVOURED) && self.metered()? == Some(false);
        let hour = (now_us / HOUR_US).unsigned_abs();
        Ok(is_wanted && mix(self.seed()? ^ FAVOURED_SEED ^ hour).is_multiple_of(RARE_ROUNDS))
    }

    fn next_due(&self, now_us: i64) -> Result<Due, RoundError> {
        let light = self.light_schedule()?.next_us(now_us);
        if experiments::by_name(THROUGHPUT).is_none() {
            return Ok(Due {
                at_us: light,
                is_heavy: false,
            });
        }
        let heavy = self.heavy_day()?.next_us(now_us);
        Ok(Due {
            at_us: light.min(heavy),
            is_heavy: heavy < light,
        })
    }

    fn light_schedule(&self) -> Result<Schedule, RoundError> {
        Ok(Schedule {
            interval_s: self.config().interval_s,
            seed: self.seed()?,
            quiet: self.quiet(),
            utc_offset_s: self.utc_offset_s()?,
        })
    }

    /// As many throughput rounds a day as interval and budget allow.
    fn heavy_day(&self) -> Result<HeavyDay, RoundError> {
        let config = self.config();
        let last_bytes = self
            .state()
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.throughput_bytes);
        let monthly_bytes = self.allowance()?.monthly_bytes;
        Ok(HeavyDay {
            rounds: HeavyDay::rounds_of(config.throughput_interval_s, monthly_bytes, last_bytes),
            seed: mix(self.seed()? ^ HEAVY_SEED),
            quiet: self.quiet(),
            utc_offset_s: self.utc_offset_s()?,
        })
    }

    fn seed(&self) -> Result<u64, RoundError> {
        let profile = Profile::load(self.data_dir())?;
        Ok(profile.map_or(0, |profile| profile.schedule_seed()))
    }

    fn quiet(&self) -> Option<Quiet> {
        let config = self.config();
        let hours = config.quiet_from_hour.zip(config.quiet_until_hour);
        hours.map(|(from_hour, until_hour)| Quiet {
            from_hour,
            until_hour,
        })
    }

    fn utc_offset_s(&self) -> Result<i32, RoundError> {
        let enrolment = self.enrolment().ok_or(RoundError::NotJoined)?;
        Ok(enrolment.enrolled.country.utc_offset_s)
    }
}
/// Whether a round of this hour may localise: one hour of the day, each device its own.
fn is_hour_of_localisation(seed: u64, now_us: i64) -> bool {
    let hour = (now_us / HOUR_US).unsigned_abs() % DAY_HOURS;
    mix(seed ^ LOCALISATION_SEED) % DAY_HOURS == hour
}
