//! A scenario with our collector on the host `server` and our agent on the client.
use crate::record::Record;
use lab::scenario::model::Scenario;
use lab::truth::Truth;
use lab::{Lab, Options};
use libtest_mimic::Failed;
use serde_json::Value;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

const TONLE: &str = env!("CARGO_BIN_EXE_tonle");
/// Where the collector and the measurement servers stand. No address of documentation: the agent
/// refuses to measure those.
pub(crate) const SERVER: &str = "203.189.128.10";
/// Port of the measurement front, and of the STAMP reflector.
pub(crate) const PORT: u16 = 8081;
/// Nothing of root's privilege is left to what runs behind this.
const WITHOUT_PRIVILEGE: [&str; 4] = [
    "setpriv",
    "--bounding-set=-all",
    "--inh-caps=-all",
    "--no-new-privs",
];

const LINK: &str = r#"
description = "a client on a link of its own"
seed = 1

[[host]]
name = "client"
addresses = ["10.1.0.2"]
up = {up}
down = {down}

[[host]]
name = "server"
addresses = ["203.189.128.10"]

{collector}
"#;

/// A running scenario.
pub(crate) struct Bench {
    lab: Lab,
    home: TempDir,
}

/// What is added to the smallest configuration of each program.
#[derive(Default)]
pub(crate) struct Settings<'a> {
    pub(crate) collector: &'a str,
    /// In its table `[servers]`.
    pub(crate) servers: &'a str,
    pub(crate) agent: &'a str,
    /// Files beside the configurations; `{home}` in either is the folder. The lab's certificate
    /// authority stands there as `roots.pem` when the agent joins.
    pub(crate) files: &'a [(&'a str, &'a str)],
}

impl Bench {
    /// One client on a link of its own, and the collector behind it.
    pub(crate) fn on_link(up: &str, down: &str, settings: &Settings<'_>) -> Result<Self, Failed> {
        let scenario = LINK.replace("{up}", up).replace("{down}", down);
        Self::start(&scenario, settings)
    }

    /// Starts the scenario with the collector in it, and lets the agent join. The scenario's text
    /// names the collector's service by a line `{collector}`.
    pub(crate) fn start(scenario: &str, settings: &Settings<'_>) -> Result<Self, Failed> {
        let home = tempfile::tempdir()?;
        let folder = home.path().to_str().expect("paths of tests are UTF-8");
        let write = |name: &str, text: &str| {
            std::fs::write(home.path().join(name), text.replace("{home}", folder))
        };
        for (name, text) in settings.files {
            write(name, text)?;
        }
        let collector = format!(
            "data_dir = '{{home}}/collector'\nlisten = '{SERVER}:8080'\n{}\n[servers]\nlisten = '{SERVER}:{PORT}'\n{}\n",
            settings.collector, settings.servers
        );
        write("collector.toml", &collector)?;
        let agent = format!(
            "data_dir = '{{home}}/agent'\nprovince = 'KH-12'\noperator = 'metfone'\n{}",
            settings.agent
        );
        write("agent.toml", &agent)?;
        let service = format!(
            "[[service]]\nhost = 'server'\nkind = 'command'\ncommand = ['{TONLE}', 'collector', 'serve', '--config', '{folder}/collector.toml']\nready_port = {PORT}\n"
        );
        let text = scenario.replace("{collector}", &service);
        let scenario = Scenario::parse(&text, "line.toml")
            .map_err(|error| format!("scenario: {error}\n{text}"))?;
        let options = Options {
            pcap_bytes: 0,
            ..Options::default()
        };
        let lab = Lab::start(&scenario, options)?;
        let bench = Self { lab, home };
        let authority = bench.run("client", &["sh", "-c", "cat \"$LAB_CA\""])?;
        std::fs::write(bench.home.path().join("roots.pem"), authority)?;
        let invited = bench.collector("invite", &[])?;
        bench.agent("join", &[invited.trim(), "--accept", "q1", "--qos-only"])?;
        Ok(bench)
    }

    /// A command of the agent on the client, without privilege; its standard output.
    pub(crate) fn agent(&self, command: &str, more: &[&str]) -> Result<String, Failed> {
        self.run("client", &self.agent_line(command, more))
    }

    /// A command of the agent that must not succeed; its standard output.
    pub(crate) fn agent_refused(&self, command: &str, more: &[&str]) -> Result<String, Failed> {
        let output = self.output("client", &self.agent_line(command, more))?;
        if output.status.success() {
            return Err(format!("{command} succeeded").into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn agent_line<'a>(&self, command: &'a str, more: &[&'a str]) -> Vec<String> {
        let config = self.config("agent.toml");
        let own = [TONLE, "agent", command, "--config", &config];
        let line = WITHOUT_PRIVILEGE.iter().chain(&own).chain(more);
        line.map(|word| (*word).to_owned()).collect()
    }

    /// The record of one experiment on the agent's own target.
    pub(crate) fn record(&self, experiment: &str) -> Result<Record, Failed> {
        Record::of(&self.measure(&[experiment])?)
    }

    /// What `agent measure` says in JSON.
    pub(crate) fn measure(&self, arguments: &[&str]) -> Result<Value, Failed> {
        let mut more = arguments.to_vec();
        more.push("--json");
        Ok(serde_json::from_str(&self.agent("measure", &more)?)?)
    }

    /// A command of the collector on its host; its standard output.
    pub(crate) fn collector(&self, command: &str, more: &[&str]) -> Result<String, Failed> {
        let config = self.config("collector.toml");
        let mut line = vec![TONLE, "collector", command, "--config", config.as_str()];
        line.extend(more);
        self.run("server", &line)
    }

    /// What the hub saw.
    pub(crate) fn truth(&self) -> Truth {
        self.lab.truth()
    }

    fn config(&self, name: &str) -> String {
        let path = Path::new(self.home.path()).join(name);
        path.to_string_lossy().into_owned()
    }

    fn run(&self, host: &str, line: &[impl AsRef<str>]) -> Result<String, Failed> {
        let Output {
            status,
            stdout,
            stderr,
        } = self.output(host, line)?;
        if status.success() {
            return Ok(String::from_utf8_lossy(&stdout).into_owned());
        }
        let line: Vec<&str> = line.iter().map(AsRef::as_ref).collect();
        let said = String::from_utf8_lossy(&stderr);
        Err(format!("{} ended with {status}: {said}", line.join(" ")).into())
    }

    fn output(&self, host: &str, line: &[impl AsRef<str>]) -> Result<Output, Failed> {
        let (program, arguments) = line.split_first().ok_or("no command")?;
        let command = self.lab.command(host, program.as_ref())?;
        let arguments = arguments.iter().map(AsRef::as_ref);
        Ok(command.args(arguments).output()?)
    }
}
