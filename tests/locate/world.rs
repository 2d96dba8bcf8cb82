//! The lab with a Locate service, a server that is full, and our own.
use lab::scenario::model::Scenario;
use lab::{Lab, Options};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

/// Where our collector and its server stand. No address of documentation: the agent refuses those.
const SERVER: &str = "203.189.128.10";
/// The service that the agent is configured with.
const SERVICE: &str = "https://locate.test/v2/nearest/ndt/ndt7";

pub(crate) struct World {
    lab: Lab,
    home: TempDir,
    tonle: PathBuf,
}

impl World {
    /// Starts everything, and lets the agent join.
    pub(crate) fn start() -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|error| format!("make a directory: {error}"))?;
        let tonle = PathBuf::from(env!("CARGO_BIN_EXE_tonle"));
        let config = home.path().join("collector.toml");
        let text = format!(
            "data_dir = '{}'\nlisten = '{SERVER}:8080'\n[servers]\nlisten = '{SERVER}:8081'\n",
            home.path().join("collector").display()
        );
        write(&config, &text)?;
        let text = scenario(&tonle, &config);
        let scenario = Scenario::parse(&text, "locate.toml")
            .map_err(|error| format!("scenario: {error}\n{text}"))?;
        let lab = Lab::start(&scenario, Options::default()).map_err(|error| error.to_string())?;
        let world = Self { lab, home, tonle };
        world.join(&config)?;
        Ok(world)
    }

    fn join(&self, config: &Path) -> Result<(), String> {
        let authority = said(&self.run("client", "sh", &["-c", "cat \"$LAB_CA\""])?)?;
        let roots = self.home.path().join("roots.pem");
        write(&roots, &authority)?;
        let text = format!(
            "data_dir = '{}'\nprovince = 'KH-8'\nmetered = true\nearly_stop = false\n\
             monthly_budget_bytes = 1_000_000_000_000\nrun_max_bytes = 8_000_000\n\
             extra_roots = '{}'\nthroughput_server = '{SERVICE}'\n",
            self.home.path().join("agent").display(),
            roots.display()
        );
        write(&self.agent_config(), &text)?;
        let config = config.to_string_lossy();
        let invite = ["collector", "invite", "--config", &config];
        let invitation = said(&self.run("server", &self.tonle.to_string_lossy(), &invite)?)?;
        let join = ["join", invitation.trim(), "--accept", "q1", "--qos-only"];
        said(&self.agent(&join)?).map(drop)
    }

    fn agent_config(&self) -> PathBuf {
        self.home.path().join("agent.toml")
    }

    /// A command of our agent on the client.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Result<Output, String> {
        let config = self.agent_config();
        let config = config.to_string_lossy();
        let mut all = vec!["agent", "--config", &config];
        all.extend(arguments);
        self.run("client", &self.tonle.to_string_lossy(), &all)
    }

    fn run(&self, host: &str, program: &str, arguments: &[&str]) -> Result<Output, String> {
        let command = self.lab.command(host, program);
        let command = command.map_err(|error| error.to_string())?;
        let output = command.args(arguments).output();
        output.map_err(|error| format!("{program}: {error}"))
    }

    /// Packets that reached a host so far.
    pub(crate) fn packets_to(&self, host: &str) -> usize {
        let truth = self.lab.truth();
        let index = truth.hosts.iter().position(|name| name == host);
        let to_it = truth.events.iter().filter(|event| event.to == index);
        to_it.count()
    }
}

/// What a command that must succeed said.
pub(crate) fn said(output: &Output) -> Result<String, String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {text}{errors}", output.status))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("write {}: {error}", path.display()))
}

/// What the service answers: a server that is full, and ours.
fn answer() -> String {
    let target = |machine: &str, scheme: &str, place: &str| {
        let url = |direction: &str| {
            format!("{scheme}://{place}/ndt/v7/{direction}?access_token=secret&metro_rank=1")
        };
        json!({
            "machine": machine, "location": {"city": "Phnom Penh", "country": "KH"},
            "urls": {
                (format!("{scheme}:///ndt/v7/download")): url("download"),
                (format!("{scheme}:///ndt/v7/upload")): url("upload"),
            },
        })
    };
    let results = [
        target("busy", "wss", "busy.test"),
        target("server", "ws", "ndt.test:8081"),
    ];
    json!({ "results": results }).to_string()
}

fn scenario(tonle: &Path, config: &Path) -> String {
    format!(
        r#"
description = "a Locate service that names a full server first"
seed = 1

[[host]]
name = "client"
addresses = ["10.1.0.2"]
resolvers = ["203.189.128.53"]
up = {{ rate_kbit = 10000, delay_ms = 5 }}
down = {{ rate_kbit = 10000, delay_ms = 5 }}

[[host]]
name = "resolver"
addresses = ["203.189.128.53"]

[[host]]
name = "locate"
addresses = ["203.189.128.20"]
names = ["locate.test"]

[[host]]
name = "busy"
addresses = ["203.189.128.30"]
names = ["busy.test"]

[[host]]
name = "server"
addresses = ["{SERVER}"]
names = ["ndt.test"]

[[service]]
host = "resolver"
kind = "dns"

[[service]]
host = "locate"
kind = "https"
page = [{{ path = "/v2/nearest/ndt/ndt7", headers = {{ content-type = "application/json" }}, body = '{answer}' }}]

[[service]]
host = "busy"
kind = "https"
page = [{{ status = 503, body = "full\n" }}]

[[service]]
host = "server"
kind = "command"
command = ["{tonle}", "collector", "serve", "--config", "{config}"]
ready_port = 8081
"#,
        answer = answer(),
        tonle = tonle.display(),
        config = config.display(),
    )
}
