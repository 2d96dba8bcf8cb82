//! A running scenario: its hosts, the hub between them, and programs started on the hosts.
mod child;
mod command;
mod directory;

pub use child::serve_as_helper;
pub use command::HostCommand;

use crate::hub::clock::wall_us;
use crate::hub::{Hub, World};
use crate::netns::Namespace;
use crate::pcap::Ring;
use crate::scenario::model::Scenario;
use crate::truth::{Recorder, Truth};
use directory::Directory;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
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
    /// The scenario has no such host.
    #[error("no host {name:?} in the scenario; it has: {has}")]
    NoHost {
        /// The name.
        name: String,
        /// The hosts there are.
        has: String,
    },
}

/// A running scenario. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Lab {
    // In the order in which they end: no packets, then no hosts, then no files.
    _hub: Hub,
    hosts: Vec<(String, Namespace)>,
    recorder: Arc<Recorder>,
    environment: Vec<(OsString, OsString)>,
    helper: PathBuf,
    _directory: Directory,
}

impl Lab {
    /// Starts a scenario: hosts, network and services, in this order; then its time begins.
    pub fn start(scenario: &Scenario, options: Options) -> Result<Self, LabError> {
        let helper = match options.helper {
            Some(helper) => helper,
            None => std::env::current_exe().map_err(machine("find this program"))?,
        };
        let directory = Directory::new(&helper).map_err(machine("make the run's directory"))?;
        let mut hosts = Vec::new();
        let mut devices = Vec::new();
        for host in &scenario.hosts {
            let what = format!("start host {:?}", host.name);
            let dir = directory.path().join(&host.name);
            std::fs::create_dir(&dir).map_err(machine(&what))?;
            let (namespace, device) = Namespace::start(host, &dir).map_err(machine(&what))?;
            hosts.push((host.name.clone(), namespace));
            devices.push(device);
        }
        let client = hosts.iter().position(|(name, _)| name == CLIENT);
        let truth = Truth {
            scenario: scenario.description.clone(),
            hosts: hosts.iter().map(|(name, _)| name.clone()).collect(),
            ..Truth::default()
        };
        let ring = Ring::new(options.pcap_bytes, client);
        let recorder = Arc::new(Recorder::new(truth, options.max_events, ring));
        let hub = Hub::start(World::new(scenario), devices, Arc::clone(&recorder))
            .map_err(machine("start the hub"))?;
        recorder.begin(wall_us());
        hub.begin();
        Ok(Self {
            _hub: hub,
            hosts,
            recorder,
            environment: Vec::new(),
            helper,
            _directory: directory,
        })
    }

    /// A command to be run on a host, with its resolvers and the lab's certificate authority.
    pub fn command(
        &self,
        host: &str,
        program: impl AsRef<OsStr>,
    ) -> Result<HostCommand<'_>, LabError> {
        let found = self.hosts.iter().find(|(name, _)| name == host);
        let (_, namespace) = found.ok_or_else(|| LabError::NoHost {
            name: host.to_owned(),
            has: self.host_names(),
        })?;
        let mut command = child::watched(&self.helper, program.as_ref());
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        Ok(HostCommand::new(namespace, command))
    }

    /// What the hub has seen since the scenario began.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.recorder.truth()
    }

    /// Writes the captured packets in the classic pcap form.
    pub fn write_pcap(&self, to: &mut impl Write) -> io::Result<()> {
        self.recorder.with_ring(|ring| ring.write(to))
    }

    fn host_names(&self) -> String {
        let names: Vec<&str> = self.hosts.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }
}

fn machine(what: &str) -> impl Fn(io::Error) -> LabError + use<> {
    let what = what.to_owned();
    move |why| LabError::Machine {
        what: what.clone(),
        why,
    }
}
