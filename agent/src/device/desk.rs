//! Between the runner and the disk: allows each run, and turns what it recorded into a durable
//! record.
use super::open::resolvers;
use super::plan::{has_server, is_on_this_machine, published};
use super::purse::{Purse, Spent};
use super::{Device, Plan, Round, RoundError};
use crate::budget::Reservation;
use crate::consent::{Consent, Topic};
use crate::context::daemons::Watch;
use crate::context::{Counters, Line, Surroundings};
use crate::experiments::Run;
use crate::experiments::run::Progress;
use crate::locate::{self, Locating};
use crate::openness::Openness;
use crate::outbox::lock;
use crate::profile::{Declared, Profile};
use crate::record::RunContext;
use crate::runner::{Desk, Ended, Finished, Job};
use crate::scrub::Scrubber;
use crate::traces;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonle_evidence::hash::Hash;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{
    Claim, Context, Method, Outcome, ProvinceKnown, Software, Technology,
};
use tonle_net::clock::wall_us;
use tonle_net::settings::NetSettings;
use tonle_wire::locate::Place;

/// A record of a round, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordSummary {
    /// The record.
    pub hash: Hash,
    /// The experiment.
    pub experiment: String,
    /// What it was directed at.
    pub target: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Names of the failures its steps saw, each once.
    pub failures: Vec<String>,
    /// Metric and value.
    pub samples: Vec<(String, i64)>,
    /// Bytes it used, both directions, by its own count.
    pub bytes_used: u64,
    /// Bytes that the data budget was charged for it; its upload comes on top.
    pub charged_bytes: u64,
    /// Start of the run by the device's wall clock, microseconds since the Unix epoch.
    pub t_start_us: i64,
    /// What each step saw, as the record has it; times count from the start of the run.
    pub observations: Vec<Observation>,
    /// The access technology, as the record has it.
    pub technology: Claim<Technology>,
    /// What the device knew of itself, as the record has it.
    pub context: Context,
}

/// A job of a round that did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The experiment.
    pub experiment: String,
    /// What it was to be directed at.
    pub target: String,
    /// Why, with the remedy.
    pub reason: String,
}

/// Who watches a round.
pub trait RoundObserver: Send + Sync {
    /// The round begins; it has this many jobs.
    fn began(&self, _jobs: usize) {}
    /// A run begins.
    fn started(&self, _experiment: &str, _target: &str) {}
    /// A run got on, in units of its own.
    fn progress(&self) -> Progress {
        Arc::new(|_, _| {})
    }
    /// A record is durable.
    fn recorded(&self, _record: &RecordSummary) {}
    /// A job did not run.
    fn skipped(&self, _skipped: &Skipped) {}
}

/// Nobody watches.
impl RoundObserver for () {}

/// What is needed of a run from its beginning to its end.
struct Open {
    reservation: Option<Reservation>,
    counters: Option<Counters>,
    technology: Option<Technology>,
}

/// What is known of a run when it has ended.
struct Close {
    spent: Spent,
    charged_bytes: u64,
    technology_before: Option<Technology>,
}

pub(super) struct RoundDesk<'a> {
    device: &'a Device,
    observer: &'a dyn RoundObserver,
    stop: CancellationToken,
    plan: Plan,
    consent: Consent,
    profile: Profile,
    declared: Declared,
    seen: Surroundings,
    watch: Watch,
    purse: Purse<'a>,
    open: BTreeMap<(&'static str, String), Open>,
    round: Round,
    failed: Option<String>,
    /// As `resolv.conf` says now: it changes with the network.
    resolvers: Vec<std::net::SocketAddr>,
    openness: Openness,
}

impl<'a> RoundDesk<'a> {
    pub(super) fn new(
        device: &'a Device,
        plan: Plan,
        observer: &'a dyn RoundObserver,
        stop: CancellationToken,
        watch: Watch,
    ) -> Result<Self, RoundError> {
        let keep = |error: &dyn std::fmt::Display| RoundError::Keep(error.to_string());
        let data_dir = device.dir.path();
        let profile =
            Profile::load(data_dir)?.unwrap_or_else(|| Profile::new(crate::profile::new_salt()));
        let declared = profile.declared.clone().with(&device.config);
        let metered_as_told = watch.latest().told().metered();
        let purse = Purse::open(
            &device.dir,
            &device.system,
            plan.enrolment.enrolled.country.utc_offset_s,
            device
                .config
                .allowance(declared.metered.or(metered_as_told)),
            device.state().ledger.clone(),
        );
        observer.began(plan.jobs.len());
        purse
            .reserve_round(&plan.jobs)
            .map_err(|error| keep(&error))?;
        Ok(Self {
            consent: Consent::load(data_dir)?,
            declared,
            seen: device.system.look(&profile.salt),
            watch,
            profile,
            device,
            observer,
            stop,
            purse,
            open: BTreeMap::new(),
            round: Round {
                records: Vec::new(),
                skipped: Vec::new(),
                answered: false,
            },
            failed: None,
            resolvers: resolvers(&device.config),
            openness: device.openness_of(&plan),
            plan,
        })
    }

    fn net(&self, job: &Job) -> NetSettings {
        let net = NetSettings {
            resolvers: self.resolvers.clone(),
            public_resolvers: self.plan.public_resolvers.clone(),
            ..self.device.net.clone()
        };
        // The collector's own server may stand on this machine or in this network; what a service
        // names may not.
        let is_service = locate::service_of(&job.target.value).is_some();
        if has_server(job.experiment.meta().name) && !is_service {
            net.for_named_server()
        } else {
            net
        }
    }

    /// The right to ask a Locate service, where the volunteer agreed. It is told the middle of the
    /// province where that is confirmed, and nothing else of the place.
    fn locating(&self) -> Option<Locating> {
        self.consent.allows(Topic::Mlab).then(|| {
            let country = &self.plan.enrolment.enrolled.country;
            let network = self.seen.network;
            let province = self.profile.province(&self.declared, network, country);
            let is_confirmed = province.known == ProvinceKnown::SelfDeclared;
            let known = country.province(&province.code).filter(|_| is_confirmed);
            Locating {
                locator: Arc::clone(&self.device.locator),
                place: known
                    .and_then(|province| province.centre)
                    .map(|centre| Place {
                        lat_udeg: centre.lat_udeg,
                        lon_udeg: centre.lon_udeg,
                    }),
                country: country.code.clone(),
            }
        })
    }

    fn skip(&mut self, job: &Job, reason: String) {
        let skipped = Skipped {
            experiment: job.experiment.meta().name.to_owned(),
            target: published(job).value,
            reason,
        };
        self.observer.skipped(&skipped);
        self.round.skipped.push(skipped);
    }

    fn keep(&mut self, job: &Job, mut finished: Finished, close: &Close) {
        let traces = std::mem::take(&mut finished.recorded.traces);
        if let Err(error) = traces::keep(self.device.files.clone(), &traces) {
            tracing::warn!(%error, "a trace cannot be kept: {error}");
        }
        match self.record(job, finished, close) {
            Ok(summary) => {
                self.observer.recorded(&summary);
                self.round.records.push(summary);
            }
            Err(reason) => {
                tracing::error!(
                    experiment.name = job.experiment.meta().name,
                    reason,
                    "a record cannot be kept: {reason}"
                );
                self.stop.cancel();
                self.failed.get_or_insert(reason);
            }
        }
    }

    /// Builds the record and appends it; durable when this returns.
    fn record(
        &mut self,
        job: &Job,
        finished: Finished,
        close: &Close,
    ) -> Result<RecordSummary, String> {
        let context = self.context(job, &finished, close);
        let samples = finished.recorded.samples.clone();
        let failures = failures_of(&finished);
        let (bytes_used, t_start_us) = (finished.bytes_used, finished.t_start_us);
        let kept = lock(&self.device.outbox)
            .keep(&context, finished.recorded, wall_us())
            .map_err(|error| error.to_string())?;
        self.spend_upload(kept.size_bytes);
        Ok(RecordSummary {
            hash: kept.hash,
            experiment: context.method.id,
            target: context.target.value,
            outcome: kept.outcome,
            failures,
            samples,
            bytes_used,
            charged_bytes: close.charged_bytes,
            t_start_us,
            observations: kept.observations,
            technology: context.technology,
            context: kept.context,
        })
    }

    /// What sending the record may cost: its size before compression, towards a collector that is
    /// not this machine.
    fn spend_upload(&mut self, size_bytes: usize) {
        let collector = self.plan.enrolment.collectors.first();
        if !collector.is_some_and(|url| is_on_this_machine(url.as_str())) {
            self.purse.spend(size_bytes as u64);
        }
    }

    fn context(&self, job: &Job, finished: &Finished, close: &Close) -> RunContext {
        let meta = job.experiment.meta();
        let enrolled = &self.plan.enrolment.enrolled;
        let after = self.look();
        let network = after.network;
        RunContext {
            method: Method {
                id: meta.name.to_owned(),
                version: meta.version,
                stream: meta.stream,
            },
            target: published(job),
            country: enrolled.country.code.clone(),
            utc_offset_s: enrolled.country.utc_offset_s,
            province: self
                .profile
                .province(&self.declared, network, &enrolled.country),
            place: self
                .declared
                .place
                .unwrap_or(tonle_evidence::record::PlaceKind::Unknown),
            operator: Claim {
                declared: self.declared.operator.clone(),
                detected: None,
            },
            technology: Claim {
                declared: self.declared.technology,
                detected: over(close.technology_before, after.technology),
            },
            interface: after.interface().to_owned(),
            ip_family: after.ip_family.to_owned(),
            metered: self.metered(),
            wifi_signal_dbm: after.wifi_signal_dbm,
            link_rate_bps: after.link_rate_bps,
            radio: after.radio,
            cross_traffic_bytes: cross_traffic(&close.spent, after.counters, job),
            plan: self.declared.plan(),
            clock: after.clock,
            clock_offset_us: self.device.clock_offset_us(),
            bytes_used: finished.bytes_used,
            consent_version: self
                .consent
                .version(meta.stream)
                .unwrap_or_default()
                .to_owned(),
            software: software(),
            key_id: enrolled.key_id.clone(),
            t_start_us: finished.t_start_us,
            duration_us: finished.duration_us,
            outcome: finished.outcome,
            scrubber: Scrubber::new(
                self.seen
                    .own_addresses
                    .iter()
                    .chain(&after.own_addresses)
                    .copied(),
            )
            .named(&after.host_name, &job.target.value),
        }
    }

    /// What the device knows of itself now.
    fn look(&self) -> Surroundings {
        let seen = self.device.system.look(&self.profile.salt);
        seen.with(&self.watch.latest().told())
    }

    /// Whether the line costs by volume: as declared, else as the system says.
    fn metered(&self) -> Option<bool> {
        let told = || self.watch.latest().told().metered();
        self.declared.metered.or_else(told)
    }

    /// Settles the ledger and hands out the round.
    pub(super) fn close(mut self, answered: bool) -> Result<Round, RoundError> {
        self.round.answered = answered;
        let ledger = self
            .purse
            .close()
            .map_err(|error| RoundError::Keep(error.to_string()))?;
        self.device.state().ledger = Some(ledger);
        match self.failed {
            Some(reason) => Err(RoundError::Keep(reason)),
            None => Ok(self.round),
        }
    }
}

impl Desk for RoundDesk<'_> {
    fn begin(&mut self, job: &Job) -> Option<Run> {
        let metered = self.metered();
        // The line may have changed since the round began.
        self.purse.allow(self.device.config.allowance(metered));
        let (max_bytes, reservation) = match self.purse.grant(job) {
            Ok(granted) => granted,
            Err(reason) => {
                self.skip(job, reason);
                return None;
            }
        };
        let seen = self.look();
        self.open.insert(
            key_of(job),
            Open {
                reservation,
                counters: seen.counters,
                technology: seen.technology,
            },
        );
        self.observer
            .started(job.experiment.meta().name, &published(job).value);
        let run = Run::new(
            self.net(job),
            max_bytes,
            u64::from_be_bytes(random()),
            self.stop.child_token(),
            self.observer.progress(),
        );
        let run = run.locating(self.locating());
        // What nobody says is unmetered may cost by volume.
        let is_unmetered = metered == Some(false);
        let run = run.with_stamp_key(self.device.stamp_key.clone());
        let run = run.compared_with(self.openness.clone());
        Some(run.on(Line {
            system: Some(self.device.system.clone()),
            plan: self.declared.plan(),
            daemons: self.watch.latest().clone(),
            early_stop: self.device.config.early_stop.unwrap_or(!is_unmetered),
            keeps_traces: is_unmetered,
        }))
    }

    fn end(&mut self, job: &Job, ended: Ended, alone: bool) {
        let open = self.open.remove(&key_of(job));
        let (reservation, counters, technology_before) = open.map_or((None, None, None), |open| {
            (open.reservation, open.counters, open.technology)
        });
        let used_bytes = match &ended {
            Ended::Finished(finished) => finished.bytes_used,
            Ended::DidNotRun(_) => 0,
        };
        let spent = Spent {
            used_bytes,
            alone,
            before: counters,
        };
        let charged_bytes = self.purse.settle(job, &ended, reservation, &spent);
        let close = Close {
            spent,
            charged_bytes,
            technology_before,
        };
        match ended {
            Ended::Finished(finished) => self.keep(job, *finished, &close),
            Ended::DidNotRun(reason) => self.skip(job, reason.to_string()),
        }
    }
}

fn key_of(job: &Job) -> (&'static str, String) {
    (job.experiment.meta().name, job.target.value.clone())
}

/// The technology of a run that began with one and ended with another: of a handover between
/// generations only `mobile` is true of the whole run.
fn over(before: Option<Technology>, after: Option<Technology>) -> Option<Technology> {
    let is_mobile = |one: &Technology| one.is_mobile();
    match (before.filter(is_mobile), after.filter(is_mobile)) {
        (Some(before), Some(after)) if before != after => Some(Technology::Mobile),
        _ => after,
    }
}

/// Bytes others moved meanwhile: what the interface counted beyond the run's own. Unknown when runs
/// went side by side; a local run's bytes did not pass the interface.
fn cross_traffic(spent: &Spent, after: Option<Counters>, job: &Job) -> Option<i64> {
    let moved = after?.bytes.checked_sub(spent.before?.bytes)?;
    let own = if job.is_local() { 0 } else { spent.used_bytes };
    let others = i64::try_from(moved.saturating_sub(own)).ok()?;
    spent.alone.then_some(others)
}

fn failures_of(finished: &Finished) -> Vec<String> {
    let failures = finished
        .recorded
        .observations
        .iter()
        .filter_map(|one| one.failure.as_ref());
    let mut names: Vec<String> = failures.map(|failure| failure.name().to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The program that makes the records.
pub(crate) fn software() -> Software {
    Software {
        name: "tonle-agent".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: option_env!("TONLE_BUILD").unwrap_or("unknown").to_owned(),
    }
}

/// Bytes of the operating system's generator.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system always has randomness");
    bytes
}
