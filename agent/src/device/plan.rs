//! What a round is made of: the experiments that are on, on the targets that may be contacted.
use super::{Contact, Device, RoundError};
use crate::categories::Categories;
use crate::config::Config;
use crate::consent::Consent;
use crate::experiments;
use crate::gates::Gates;
use crate::identity::Enrolment;
use crate::locate;
use crate::openness::{Openness, echo_of};
use crate::outbox::lock;
use crate::runner::Job;
use crate::targets::{self, TargetsError};
use std::net::IpAddr;
use std::sync::Arc;
use tonle_evidence::record::{PathClass, Stream, Target};
use tonle_evidence::targets::TargetList;
use url::Url;

/// The experiment whose server is not in a list but comes with the enrolment, and that runs by
/// default where that server is on this machine.
pub(super) const THROUGHPUT: &str = "throughput";
/// The experiment against the same server that runs rarely beside throughput on unmetered lines, and
/// else on request.
pub(super) const FAVOURED: &str = "favoured";
/// Experiments against the same server that cost data and run only where they were asked for.
const ON_REQUEST: &[&str] = &["throughput1", FAVOURED];
/// The experiment against the same server that fills the line for so long that it runs by itself
/// only where the line was declared unmetered, and where the budget has more than throughput needs.
pub(super) const RESPONSIVENESS: &str = "responsiveness";

/// The experiment against the collector's own server that costs next to nothing.
const STAMP: &str = "stamp";

/// True for an experiment whose server comes with the enrolment and which fills the line.
pub(super) fn is_against_server(name: &str) -> bool {
    name == THROUGHPUT || name == RESPONSIVENESS || ON_REQUEST.contains(&name)
}

/// True for an experiment whose server comes with the enrolment.
pub(super) fn has_server(name: &str) -> bool {
    name == STAMP || is_against_server(name)
}

/// A run's target as it may be written and shown.
pub(super) fn published(job: &Job) -> Target {
    if has_server(job.experiment.meta().name) {
        return locate::published(&job.target);
    }
    job.target.clone()
}

/// The experiment whose list marks sites that nobody has a reason to block.
const WEB_CONNECTIVITY: &str = "web_connectivity";

/// The experiment that a round of the schedule has only at one hour of the day.
pub(super) const LOCALISATION: &str = "localisation";

/// What a round is made of.
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    pub(super) public_resolvers: Vec<IpAddr>,
    /// Control servers that the collector names.
    pub(super) controls: Vec<String>,
    /// Addresses without a resolver that the collector names.
    pub(super) silent_addresses: Vec<IpAddr>,
    /// Pages of the lists, with the controls among them.
    pub(super) pages: Vec<Target>,
    pub(super) enrolment: Arc<Enrolment>,
}

/// A job on a target that no list names.
pub(super) fn unlisted(experiment: &'static str, value: &str) -> Option<Job> {
    let target = undeclared(value.to_owned());
    experiments::by_name(experiment).map(|experiment| Job { experiment, target })
}

/// True for a URL, host or address that is this machine itself.
pub(crate) fn is_on_this_machine(value: &str) -> bool {
    let host = Url::parse(value)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| value.to_owned());
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.is_loopback();
    bare == "localhost" || bare.parse().is_ok_and(is_loopback)
}

impl Device {
    /// What one round would contact, from the lists that are on the device. Fetches nothing.
    pub fn contacts(&self) -> Result<Vec<Contact>, RoundError> {
        let contact = |job: Job| Contact {
            experiment: job.experiment.meta().name,
            target: job.target,
        };
        let plan = self.plan(None)?;
        Ok(plan.jobs.into_iter().map(contact).collect())
    }

    /// What measuring an experiment may cost, for a person, before anything is sent.
    pub fn cost_before(
        &self,
        experiment: &'static str,
        target: Option<&str>,
    ) -> Result<String, RoundError> {
        let jobs = self.jobs_of(experiment, target)?;
        let remote = jobs.iter().filter(|job| !job.is_local());
        let run_max_bytes = self.allowance()?.run_max_bytes;
        let most = |job: &Job| job.experiment.estimate(&job.target, run_max_bytes).bytes;
        let most_bytes = remote.map(most).fold(0, u64::saturating_add);
        let state = self.state();
        let last_bytes = state.ledger.as_ref().and_then(|one| one.throughput_bytes);
        let is_known = experiment == THROUGHPUT && most_bytes > 0;
        Ok(match last_bytes.filter(|_| is_known) {
            Some(last) => {
                let likely = last.min(most_bytes);
                format!("about {likely} bytes of data, {most_bytes} at most")
            }
            None => format!("{most_bytes} bytes of data at most"),
        })
    }

    /// The jobs of one experiment, on one target or on all of its listed ones.
    pub(super) fn jobs_of(
        &self,
        experiment: &'static str,
        target: Option<&str>,
    ) -> Result<Vec<Job>, RoundError> {
        let known = experiments::by_name(experiment);
        let stream = known.map_or(Stream::Quality, |one| one.meta().stream);
        if !self.is_hosted(stream) {
            return Err(RoundError::NotHosted { experiment, stream });
        }
        if !self.streams()?.contains(&stream) {
            return Err(RoundError::NoOpennessConsent(experiment));
        }
        let consent = Consent::load(self.dir.path())?;
        if let Some(topic) = known.and_then(experiments::Experiment::own_consent)
            && !consent.allows(topic)
        {
            return Err(RoundError::NoOwnConsent { experiment, topic });
        }
        let mut jobs = self.plan(Some(&[experiment]))?.jobs;
        if let Some(value) = target {
            if stream == Stream::Openness {
                self.check_category(value)?;
            }
            jobs.retain(|job| job.target.value == value);
            if jobs.is_empty() {
                jobs.extend(unlisted(experiment, value));
            }
        }
        Ok(jobs)
    }

    /// Whether the lists, or whoever typed it, may have this target visited: a listed one of a category
    /// that is off may not, however it is spelt.
    fn check_category(&self, value: &str) -> Result<(), RoundError> {
        let enrolment = self.enrolment().ok_or(RoundError::NotJoined)?;
        let chosen = Categories::load(self.dir.path(), &self.config)?;
        let same = |listed: &str| match (Url::parse(listed), Url::parse(value)) {
            (Ok(listed), Ok(asked)) => listed == asked,
            // A name stands for every page of it.
            _ => listed == value || host_of(listed) == host_of(value),
        };
        let lists = self.lists(&[Stream::Openness], &enrolment)?;
        let listed = lists.into_iter().flat_map(|list| list.targets);
        let mut off = listed
            .map(|one| one.target)
            .filter(|target| same(&target.value) && !chosen.allow(target.category.as_deref()));
        match off.next() {
            None => Ok(()),
            Some(target) => Err(RoundError::CategoryOff {
                target: target.value,
                category: target.category.unwrap_or_default(),
            }),
        }
    }

    /// Fetches the lists of the consented streams, and deletes what is not consented to.
    pub async fn refresh_targets(&self) -> Result<(), RoundError> {
        let enrolment = self.enrolment().ok_or(RoundError::NotJoined)?;
        let streams = self.streams()?;
        for stream in Stream::ALL {
            if !streams.contains(stream) {
                self.forget(*stream)?;
            }
        }
        if self.config.targets.is_some() {
            return Ok(());
        }
        for stream in streams {
            targets::fetch(&self.client, self.dir.path(), stream, &enrolment).await?;
        }
        Ok(())
    }

    /// Streams that may be measured now, and that the collector hosts. Openness that was agreed to
    /// while the agent runs begins at its next start, when the spool is opened with the bound that it
    /// needs.
    pub(super) fn streams(&self) -> Result<Vec<Stream>, RoundError> {
        let consent = Consent::load(self.dir.path())?;
        if self.config.seat.takes(Stream::Quality) && !consent.allows(Stream::Quality) {
            return Err(RoundError::NoConsent);
        }
        let keeps_openness = self.state().keeps_openness;
        let mut streams = targets::streams(&consent, &self.config);
        streams.retain(|stream| *stream != Stream::Openness || keeps_openness);
        streams.retain(|stream| self.is_hosted(*stream));
        Ok(streams)
    }

    /// True when the collector takes records of a stream, or none was joined that could refuse them.
    fn is_hosted(&self, stream: Stream) -> bool {
        let enrolment = self.enrolment();
        enrolment.is_none_or(|enrolment| enrolment.enrolled.streams.contains(&stream))
    }

    /// The jobs of a round: of `only` these experiments, or of all that are on.
    pub(super) fn plan(&self, only: Option<&[&str]>) -> Result<Plan, RoundError> {
        let enrolment = self.enrolment().ok_or(RoundError::NotJoined)?;
        let streams = self.streams()?;
        let consent = Consent::load(self.dir.path())?;
        let lists = self.lists(&streams, &enrolment)?;
        let resolvers = lists
            .iter()
            .flat_map(|list| list.public_resolvers.clone())
            .collect();
        let controls = lists.iter().flat_map(|list| list.controls.clone());
        let controls = controls.collect();
        let silent = lists.iter().flat_map(|list| list.silent_addresses.clone());
        let silent_addresses = silent.collect();
        let chosen = Categories::load(self.dir.path(), &self.config)?;
        let listed = lists.into_iter().flat_map(|list| {
            let is_openness = list.stream == Stream::Openness;
            list.targets.into_iter().map(move |one| (is_openness, one))
        });
        let listed: Vec<(String, Target)> = listed
            .filter(|(is_openness, one)| {
                !is_openness || chosen.allow(one.target.category.as_deref())
            })
            .map(|(_, one)| (one.experiment, one.target))
            .collect();
        let pages = listed.iter().filter(|(name, _)| name == WEB_CONNECTIVITY);
        let pages = pages.map(|(_, target)| target.clone()).collect();
        let servers = Servers::of(&self.config, &enrolment);
        let is_unmetered = self.is_declared_unmetered()?;
        let mut jobs = Vec::new();
        for experiment in experiments::ALL.iter().copied() {
            let meta = experiment.meta();
            let is_wanted = match only {
                Some(names) => names.contains(&meta.name),
                None => self.is_on(meta.name, servers.throughput.as_ref(), is_unmetered),
            };
            let own = experiment.own_consent();
            let is_agreed = own.is_none_or(|topic| consent.allows(topic));
            if !is_wanted || !is_agreed || !streams.contains(&meta.stream) {
                continue;
            }
            let server = servers.of_experiment(meta.name);
            let own = listed.iter().filter(|(name, _)| name == meta.name);
            let own = own.map(|(_, target)| target.clone());
            jobs.extend(own.chain(server).map(|target| Job { experiment, target }));
        }
        Ok(Plan {
            jobs,
            public_resolvers: resolvers,
            controls,
            silent_addresses,
            pages,
            enrolment,
        })
    }

    /// What visits of a round are compared with.
    pub(super) fn openness_of(&self, plan: &Plan) -> Openness {
        let identity = lock(&self.outbox).identity().clone();
        let mut openness = self.openness.clone();
        let silent = plan.silent_addresses.iter();
        openness.trials.silent.extend(silent);
        let mut collectors = plan.enrolment.collectors.clone();
        let servers = plan.enrolment.enrolled.ndt7_url.as_deref();
        collectors.extend(servers.and_then(|url| url.parse().ok()));
        let gates = Gates::of(&self.config.gates, servers, &plan.pages);
        Openness {
            gates: Some(Arc::new(gates)),
            echo: servers.and_then(echo_of),
            ..openness.with_collectors(&plan.controls, &collectors, identity)
        }
    }

    fn lists(
        &self,
        streams: &[Stream],
        enrolment: &Enrolment,
    ) -> Result<Vec<TargetList>, RoundError> {
        if let Some(path) = &self.config.targets {
            return Ok(targets::from_csv(path, streams)?);
        }
        let stored = streams
            .iter()
            .map(|stream| targets::stored(self.dir.path(), *stream, enrolment));
        let lists: Result<Vec<Option<TargetList>>, TargetsError> = stored.collect();
        Ok(lists?.into_iter().flatten().collect())
    }

    /// Whether an experiment is on: as configured, else all but those that run on request, and
    /// throughput towards a server that is not on this machine, which would cost the volunteer data
    /// that nobody asked about. Responsiveness needs an unmetered line in any case.
    fn is_on(&self, name: &str, server: Option<&Target>, is_unmetered: bool) -> bool {
        match &self.config.experiments {
            _ if name == RESPONSIVENESS && !is_unmetered => false,
            Some(names) => names.iter().any(|one| one == name),
            None if name == THROUGHPUT => {
                server.is_some_and(|server| server.path_class == PathClass::Local)
            }
            None => !ON_REQUEST.contains(&name),
        }
    }
}

/// The servers that do not stand in a list: configured, or the collector's own.
struct Servers {
    throughput: Option<Target>,
    /// A Locate service names servers of ndt7 only.
    others: Option<Target>,
    /// A server of somebody else has no reflector of ours.
    stamp: Option<Target>,
}

impl Servers {
    fn of(config: &Config, enrolment: &Enrolment) -> Self {
        let configured = config.throughput_server.clone();
        let own = enrolment.enrolled.ndt7_url.clone();
        let is_server = |value: &String| locate::service_of(value).is_none();
        let others = configured.clone().filter(is_server).or_else(|| own.clone());
        Self {
            stamp: own.clone().map(undeclared),
            throughput: configured.or(own).map(undeclared),
            others: others.map(undeclared),
        }
    }

    fn of_experiment(&self, name: &str) -> Option<Target> {
        match name {
            THROUGHPUT => self.throughput.clone(),
            STAMP => self.stamp.clone(),
            _ if is_against_server(name) => self.others.clone(),
            _ => None,
        }
    }
}

/// The host of a URL or of a name with or without a port.
fn host_of(value: &str) -> String {
    let has_host = |url: &Url| url.has_host();
    let url = Url::parse(value).ok().filter(has_host);
    let url = url.or_else(|| Url::parse(&format!("https://{value}/")).ok());
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| value.to_owned())
}

/// A target that nobody declared where it lies.
fn undeclared(value: String) -> Target {
    let path_class = if is_on_this_machine(&value) {
        PathClass::Local
    } else {
        PathClass::Unknown
    };
    Target {
        value,
        category: None,
        path_class,
    }
}
