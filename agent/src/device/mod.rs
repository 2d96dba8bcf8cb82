//! The agent as one thing: open it, join, measure a round, upload, or run for ever.
//!
//! The data directory is locked while a [`Device`] lives. What the volunteer may change meanwhile
//! (`consent.json`, `profile.json`) is read anew before each round and each upload.
mod clock;
mod complaint;
mod daily;
mod desk;
mod fate;
mod life;
mod membership;
mod open;
mod plan;
mod purse;
mod seats;

pub(crate) use desk::software;
pub use desk::{RecordSummary, RoundObserver, Skipped};
pub use fate::{PROCESSED, UNREACHABLE};
pub use membership::{LeaveError, confirm};
pub use open::OpenError;
pub(crate) use open::{is_running, stored_ledger};
use plan::Plan;
pub(crate) use plan::is_on_this_machine;
pub use seats::Seats;

use crate::budget::{Allowance, Ledger};
use crate::categories::CategoriesError;
use crate::config::Config;
use crate::consent::ConsentError;
use crate::context::System;
use crate::context::daemons::{self, Watch};
use crate::files::DiskFiles;
use crate::identity::Enrolment;
use crate::locate::Locator;
use crate::openness::Openness;
use crate::outbox::{OutboxStatus, SharedOutbox, lock};
use crate::profile::{Profile, ProfileError};
use crate::runner::{Round as Course, Stops, round};
use crate::seat::{self, Seat};
use crate::targets::TargetsError;
use crate::upload::{Destination, UploadReport, Uploader};
use desk::RoundDesk;
use serde::Serialize;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use tonle_evidence::record::{Stream, Target};
use tonle_net::clock::wall_us;
use tonle_net::datadir::DataDir;
use tonle_net::settings::NetSettings;
use tonle_wire::stamp::Key;

/// One thing that a round contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The experiment.
    pub experiment: &'static str,
    /// What it is directed at.
    pub target: Target,
}

/// What a round came to.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// The records, each durable in the spool, in the order of their ends.
    pub records: Vec<RecordSummary>,
    /// What did not run, and why.
    pub skipped: Vec<Skipped>,
    /// Whether anything beyond this device answered.
    pub answered: bool,
}

/// What changes while the agent works.
struct State {
    ledger: Option<Ledger>,
    enrolment: Option<Arc<Enrolment>>,
    uploader: Option<Arc<Uploader<DiskFiles>>>,
    /// Whether the spool was opened with the bound that openness records need.
    keeps_openness: bool,
    /// The collector's clock minus ours by its `Date`, microseconds, until an upload tells it better.
    dated_offset_us: Option<i64>,
    /// Whether the line costs by volume, as the system's daemons said last.
    metered_as_told: Option<bool>,
}

/// An open agent.
pub struct Device {
    config: Config,
    dir: DataDir,
    files: DiskFiles,
    net: NetSettings,
    /// Key that reflectors of others share with this device.
    stamp_key: Option<Key>,
    /// What visits to pages are compared with; remembers over all rounds.
    openness: Openness,
    client: reqwest::Client,
    system: System,
    /// Remembers what a Locate service said, over all rounds.
    locator: Arc<Locator>,
    outbox: SharedOutbox<DiskFiles>,
    state: Mutex<State>,
    /// One round at a time on the line, whoever asks and for whichever seat.
    rounds: Arc<tokio::sync::Mutex<()>>,
}

/// Why nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// Not enrolled.
    #[error("not joined; run `tonle agent join` with an invitation first")]
    NotJoined,
    /// No consent to the present text.
    #[error(
        "the text about quality measurements was not agreed to, or has changed; read it and agree with `tonle agent consent`"
    )]
    NoConsent,
    /// Consent cannot be read.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// Openness is not agreed to.
    #[error(
        "{0} visits sites, which needs your agreement to openness measurements; read the text and agree with `tonle agent consent`"
    )]
    NoOpennessConsent(&'static str),
    /// No consent to what an experiment asks for beside its stream.
    #[error(
        "{experiment} is riskier than a visit and needs an agreement of its own; read the text with `tonle agent consent` and agree with --accept-{topic}"
    )]
    NoOwnConsent {
        /// The experiment.
        experiment: &'static str,
        /// What its text is about.
        topic: crate::consent::Topic,
    },
    /// The collector keeps records of other streams only.
    #[error(
        "{experiment} gives {stream} records, which the collector that this agent joined does not take; join one that does"
    )]
    NotHosted {
        /// The experiment.
        experiment: &'static str,
        /// Its stream.
        stream: Stream,
    },
    /// The volunteer's choice of categories.
    #[error(transparent)]
    Categories(#[from] CategoriesError),
    /// The target is of a category that is off.
    #[error(
        "{target} is of category {category}, which is off; `tonle agent categories --on {category}` changes that"
    )]
    CategoryOff {
        /// The target.
        target: String,
        /// Its category.
        category: String,
    },
    /// The profile cannot be read.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No list of targets.
    #[error(transparent)]
    Targets(#[from] TargetsError),
    /// A record could not be kept; nothing more is measured.
    #[error("cannot keep a record: {0}")]
    Keep(String),
}

impl Device {
    /// Opens the data directory and everything in it.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        open::open(config)
    }

    /// Opens the seat for openness at another collector, where there is one. It measures in turn with this
    /// one, never at the same time.
    pub fn second(&self) -> Result<Option<Self>, OpenError> {
        if self.config.seat != Seat::Quality {
            return Ok(None);
        }
        let second = open::open(seat::second(&self.config))?;
        Ok(Some(Self {
            rounds: Arc::clone(&self.rounds),
            ..second
        }))
    }

    /// True once a collector has answered for this agent's key.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.enrolment().is_some()
    }

    /// The collector's answer and address; `None` before joining.
    #[must_use]
    pub fn enrolment(&self) -> Option<Arc<Enrolment>> {
        self.state().enrolment.clone()
    }

    /// Where the state is.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration it was opened with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Runs every experiment that is on once on each of its targets. Each record is durable in the
    /// spool when this returns.
    pub async fn round(
        &self,
        cancel: &CancellationToken,
        observer: &dyn RoundObserver,
    ) -> Result<Round, RoundError> {
        let mut plan = self.plan(None)?;
        self.bound_localisation(&mut plan, wall_us());
        self.run_plan(plan, cancel, observer).await
    }

    /// Runs one experiment, on one target or on all of its listed ones.
    pub async fn measure(
        &self,
        experiment: &'static str,
        target: Option<&str>,
        cancel: &CancellationToken,
        observer: &dyn RoundObserver,
    ) -> Result<Round, RoundError> {
        let mut plan = self.plan(Some(&[experiment]))?;
        plan.jobs = self.jobs_of(experiment, target)?;
        self.run_plan(plan, cancel, observer).await
    }

    async fn run_plan(
        &self,
        plan: Plan,
        cancel: &CancellationToken,
        observer: &dyn RoundObserver,
    ) -> Result<Round, RoundError> {
        let _one_at_a_time = self.rounds.lock().await;
        self.learn_clock().await;
        let stops = Stops {
            stop: cancel.child_token(),
            give_up: CancellationToken::new(),
        };
        let jobs = plan.jobs.clone();
        let watch = Watch::begin(&self.system).await;
        self.state().metered_as_told = watch.latest().told().metered();
        let mut desk = RoundDesk::new(self, plan, observer, stops.stop.clone(), watch)?;
        let run_max_bytes = self.allowance()?.run_max_bytes;
        let course: Course = round(jobs, run_max_bytes, &mut desk, &stops).await;
        desk.close(course.answered)
    }

    /// Sends what waits, once through the spool.
    pub async fn upload(&self, cancel: &CancellationToken) -> Result<UploadReport, RoundError> {
        Ok(self.uploader()?.drain(cancel).await)
    }

    /// The uploader to the collector that was joined.
    fn uploader(&self) -> Result<Arc<Uploader<DiskFiles>>, RoundError> {
        let mut state = self.state();
        let enrolment = state.enrolment.clone().ok_or(RoundError::NotJoined)?;
        let uploader = state.uploader.get_or_insert_with(|| {
            let to = Destination {
                collectors: enrolment.collectors.clone(),
                key: enrolment.verifying_key(),
            };
            let outbox = SharedOutbox::clone(&self.outbox);
            let seed = u64::from_be_bytes(desk::random());
            Arc::new(Uploader::new(outbox, self.client.clone(), to, seed))
        });
        Ok(Arc::clone(uploader))
    }

    /// What waits, what was refused, what was acknowledged.
    #[must_use]
    pub fn status(&self) -> OutboxStatus {
        lock(&self.outbox).status()
    }

    /// Hears what the system's daemons say of the line, for what is planned next.
    pub async fn hear(&self) {
        let told = daemons::told_now(&self.system).await;
        self.state().metered_as_told = told.metered();
    }

    /// What the line may be used for.
    fn allowance(&self) -> Result<Allowance, RoundError> {
        Ok(self.config.allowance(self.metered()?))
    }

    /// Whether the line costs by volume: as it was declared, else as the system says.
    fn metered(&self) -> Result<Option<bool>, RoundError> {
        Ok(self.declared_metered()?.or(self.state().metered_as_told))
    }

    /// Whether the line costs by volume, as far as the volunteer said.
    fn declared_metered(&self) -> Result<Option<bool>, RoundError> {
        let profile = Profile::load(self.data_dir())?;
        let declared = profile.map(|profile| profile.declared).unwrap_or_default();
        Ok(declared.with(&self.config).metered)
    }

    /// Whether the volunteer said that the line does not cost by volume.
    fn is_declared_unmetered(&self) -> Result<bool, RoundError> {
        Ok(self.declared_metered()? == Some(false))
    }

    fn clock_offset_us(&self) -> Option<i64> {
        let (uploader, dated_us) = {
            let state = self.state();
            (state.uploader.clone(), state.dated_offset_us)
        };
        let told = uploader.and_then(|uploader| uploader.clock_offset());
        told.map(|clock| clock.offset_us).or(dated_us)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under the lock leaves the state usable, so a panic elsewhere spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
