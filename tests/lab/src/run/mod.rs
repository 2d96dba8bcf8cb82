//! A running scenario: its hosts and their services, the hub between them, and commands on them.
mod child;
mod command;
mod directory;
mod environment;
mod host;

pub use child::serve_as_helper;
pub use command::HostCommand;

use crate::hub::{Hub, World};
use crate::pcap::Ring;
use crate::scenario::model::Scenario;
use crate::services::ServiceError;
use crate::trust::{Authority, TrustError};
use crate::truth::{Recorder, Truth};
use directory::Directory;
use host::RunningHost;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

/// Where commands run when no host is named.
pub const CLIENT: &str = "client";

/// What a run keeps, and how it starts programs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Room for captured packets, bytes; the last ones are kept. 0: none are.
    pub pcap_bytes: usize,
    /// Most events of the truth; the last ones are kept.
    pub max_events: usize,
    /// A program that calls [`serve_as_helper`] first in its `main`; without it, this one.
    pub helper: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pcap_bytes: 32 * 1024 * 1024,
            max_events: 4_000_000,
            helper: None,
        }
    }
}

/// Why a scenario did not start.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Something of the machine failed.
    #[error("{what}: {why}")]
    Machine {
        /// What was tried.
        what: String,
        /// What happened.
        why: io::Error,
    },
    /// The certificate authority could not be made.
    #[error("make the lab's certificate authority: {0}")]
    Trust(#[from] TrustError),
    /// A service did not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The scenario has no such host.
    #[error("no host {name:?} in the scenario; it has: {has}")]
    NoHost {
        /// The name.
        name: String,
        /// The hosts there are.
        has: String,
    },
}

/// A service that ended while it was needed.
#[derive(Debug)]
pub struct EndedService {
    /// Which one.
    pub service: String,
    /// How it ended.
    pub status: ExitStatus,
    /// The end of what it wrote.
    pub output: String,
}

/// A running scenario. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Lab {
    // In the order in which they end: services and hosts, then the hub, then the files.
    hosts: Vec<RunningHost>,
    hub: Hub,
    recorder: Arc<Recorder>,
    environment: Vec<(OsString, OsString)>,
    wrapper: Vec<OsString>,
    _directory: Directory,
}

impl Lab {
    /// Starts a scenario: hosts, the network between them, then the services of one host after the
    /// other, in the order of the file. Its time begins when all of them are ready.
    pub fn start(scenario: &Scenario, options: Options) -> Result<Self, LabError> {
        let helper = match options.helper {
            Some(helper) => helper,
            None => std::env::current_exe().map_err(machine("find this program"))?,
        };
        let directory = Directory::new(&helper).map_err(machine("make the run's directory"))?;
        let authority = Arc::new(Authority::create(directory.path())?);
        let environment = environment::of(scenario, authority.bundle());
        let mut hosts = Vec::new();
        let mut devices = Vec::new();
        for host in &scenario.hosts {
            let folder = directory.path().join(&host.name);
            let started = RunningHost::start(host, folder);
            let what = format!("start host {:?}", host.name);
            let (host, device) = started.map_err(machine(&what))?;
            hosts.push(host);
            devices.push(device);
        }
        let recorder = Arc::new(recorder(scenario, options.pcap_bytes, options.max_events));
        let hub = Hub::start(World::new(scenario), devices, Arc::clone(&recorder));
        let mut lab = Self {
            hub: hub.map_err(machine("start the hub"))?,
            hosts,
            recorder,
            environment,
            wrapper: child::wrapper(&helper),
            _directory: directory,
        };
        for host in &mut lab.hosts {
            host.start_services(scenario, &authority, &lab.environment, &lab.wrapper)?;
        }
        lab.hub.begin();
        Ok(lab)
    }

    /// A command to be run on a host, with its resolvers and the lab's certificate authority.
    pub fn command(
        &self,
        host: &str,
        program: impl AsRef<OsStr>,
    ) -> Result<HostCommand<'_>, LabError> {
        let found = self.hosts.iter().find(|one| one.name() == host);
        let Some(found) = found else {
            let names: Vec<&str> = self.hosts.iter().map(RunningHost::name).collect();
            return Err(LabError::NoHost {
                name: host.to_owned(),
                has: names.join(", "),
            });
        };
        let command = HostCommand::new(found.namespace(), &self.wrapper, program.as_ref());
        let environment = self.environment.iter().cloned();
        Ok(command.configure(|command| {
            command.envs(environment);
        }))
    }

    /// What the hub has seen since the scenario began.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.recorder.truth()
    }

    /// What the hub has seen since the scenario began, or since this was last asked: it is handed
    /// over, not copied, so that a long run neither stops the hub nor fills the memory.
    #[must_use]
    pub fn take_truth(&self) -> Truth {
        self.recorder.take()
    }

    /// Writes the captured packets in the classic pcap form.
    pub fn write_pcap(&self, to: &mut impl Write) -> io::Result<()> {
        self.recorder.with_ring(|ring| ring.write(to))
    }

    /// Services of kind `command` that have ended.
    pub fn ended_services(&mut self) -> Vec<EndedService> {
        let hosts = self.hosts.iter_mut();
        hosts.flat_map(RunningHost::ended_services).collect()
    }
}

fn recorder(scenario: &Scenario, pcap_bytes: usize, max_events: usize) -> Recorder {
    let hosts = scenario.hosts.iter().map(|host| host.name.clone());
    let truth = Truth {
        scenario: scenario.description.clone(),
        hosts: hosts.collect(),
        ..Truth::default()
    };
    let client = truth.hosts.iter().position(|name| name == CLIENT);
    Recorder::new(truth, max_events, Ring::new(pcap_bytes, client))
}

fn machine(what: &str) -> impl Fn(io::Error) -> LabError + use<> {
    let what = what.to_owned();
    move |why| LabError::Machine {
        what: what.clone(),
        why,
    }
}
