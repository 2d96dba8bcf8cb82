//! A simulated line with our collector on its far end and our agent on this one.
use lab::scenario::model::Scenario;
use lab::truth::Truth;
use lab::{Lab, Options};
use serde_json::Value;
use std::ops::Range;
use std::process::Output;
use tempfile::TempDir;

/// Where the collector stands. No address of documentation: the agent refuses to measure those.
const SERVER: &str = "203.189.128.10";
/// Port of the measurement front, and of the reflector.
pub(crate) const PORT: u16 = 8081;
const TONLE: &str = env!("CARGO_BIN_EXE_tonle");

/// The client's link, as a scenario has it, and more of the agent's configuration.
pub(crate) struct Line<'a> {
    pub(crate) up: &'a str,
    pub(crate) down: &'a str,
    pub(crate) agent: &'a str,
}

/// A running line with an agent that has joined.
pub(crate) struct World {
    lab: Lab,
    home: TempDir,
}

/// The one record of `tonle agent measure`.
pub(crate) struct Record(Value);

impl World {
    pub(crate) fn start(line: &Line<'_>) -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|error| format!("make a directory: {error}"))?;
        let write = |name: &str, text: String| {
            std::fs::write(home.path().join(name), text)
                .map_err(|error| format!("write {name}: {error}"))
        };
        let place = home.path().display();
        // Cubic fills queues; BBR would keep them short.
        write(
            "collector.toml",
            format!(
                "data_dir = '{place}/collector'\nlisten = '{SERVER}:8080'\n\
                 [servers]\nlisten = '{SERVER}:{PORT}'\ncongestion_control = 'cubic'\n"
            ),
        )?;
        write(
            "agent.toml",
            format!(
                "data_dir = '{place}/agent'\nprovince = 'KH-12'\nmetered = false\n{}",
                line.agent
            ),
        )?;
        let text = scenario(line, &format!("{place}/collector.toml"));
        let scenario = Scenario::parse(&text, "stamp.toml")
            .map_err(|error| format!("scenario: {error}\n{text}"))?;
        let options = Options {
            pcap_bytes: 0,
            ..Options::default()
        };
        let lab = Lab::start(&scenario, options).map_err(|error| error.to_string())?;
        let world = Self { lab, home };
        let invited = world.tonle("server", &["collector", "invite"], "collector.toml", &[])?;
        let invitation = String::from_utf8_lossy(&invited.stdout).trim().to_owned();
        let joining = [invitation.as_str(), "--accept", "q1", "--qos-only"];
        world.tonle("client", &["agent", "join"], "agent.toml", &joining)?;
        Ok(world)
    }

    /// Runs one experiment of the agent on its own target.
    pub(crate) fn measure(&self, experiment: &str) -> Result<Record, String> {
        let rest = [experiment, "--json"];
        let output = self.tonle("client", &["agent", "measure"], "agent.toml", &rest)?;
        let round: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("no JSON: {error}"))?;
        let record = round["records"][0].clone();
        if record.is_null() {
            return Err(format!("it did not run: {}", round["skipped"]));
        }
        Ok(Record(record))
    }

    fn tonle(
        &self,
        host: &str,
        command: &[&str],
        config: &str,
        rest: &[&str],
    ) -> Result<Output, String> {
        let program = self
            .lab
            .command(host, TONLE)
            .map_err(|error| error.to_string())?;
        let output = program
            .args(command)
            .args(["--config", &self.home.path().join(config).to_string_lossy()])
            .args(rest)
            .output()
            .map_err(|error| format!("{}: {error}", command.join(" ")))?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "{} ended with {}: {said}",
            command.join(" "),
            output.status
        ))
    }

    /// What the hub saw so far.
    pub(crate) fn truth(&self) -> Truth {
        self.lab.truth()
    }
}

impl Record {
    fn observations(&self) -> impl Iterator<Item = &Value> {
        self.0["observations"].as_array().into_iter().flatten()
    }

    pub(crate) fn observation(&self, operation: &str) -> Result<&Value, String> {
        self.observations()
            .find(|seen| seen["operation"] == operation)
            .ok_or_else(|| format!("no {operation}: {}", self.0))
    }

    /// The value of the metric whose id begins so.
    pub(crate) fn sample(&self, metric: &str) -> Result<i64, String> {
        let samples = self.0["samples"].as_array().into_iter().flatten();
        samples
            .filter(|sample| sample[0].as_str().is_some_and(|id| id.starts_with(metric)))
            .find_map(|sample| sample[1].as_i64())
            .ok_or_else(|| format!("no {metric}: {}", self.0))
    }

    /// When a phase of a throughput run was, microseconds since the Unix epoch.
    pub(crate) fn span(&self, phase: &str) -> Result<Range<i64>, String> {
        let seen = self
            .observations()
            .find(|seen| seen["operation"] == "rtt_phase" && seen["detail"]["phase"] == phase)
            .ok_or_else(|| format!("no phase {phase}: {}", self.0))?;
        let begun_us = self.0["t_start_us"].as_i64().ok_or("no start")?;
        let at = |name: &str| seen[name].as_i64().ok_or(format!("no {name}"));
        Ok(begun_us + at("t_start_us")?..begun_us + at("t_end_us")?)
    }
}

fn scenario(line: &Line<'_>, config: &str) -> String {
    format!(
        r#"
description = "STAMP"
seed = 1

[[host]]
name = "client"
addresses = ["10.1.0.2"]
up = {up}
down = {down}

[[host]]
name = "server"
addresses = ["{SERVER}"]

[[service]]
host = "server"
kind = "command"
command = ["{TONLE}", "collector", "serve", "--config", "{config}"]
ready_port = {PORT}
"#,
        up = line.up,
        down = line.down,
    )
}
