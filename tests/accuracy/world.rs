//! The simulated line with our collector, our agent and other people's servers on it.
use crate::cell::{CROSS_PERCENT, Cell};
use crate::figures::{Passage, Protocol};
use lab::hub::Fate;
use lab::scenario::model::Scenario;
use lab::truth::{Event, Truth};
use lab::{Lab, Options};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use tempfile::TempDir;

/// Where all servers stand. No address of documentation: the agent refuses to measure those.
pub(crate) const SERVER: &str = "203.189.128.10";
/// Where the cross-traffic comes from.
const NEIGHBOUR: &str = "203.189.128.20";
/// Port of the measurement front.
pub(crate) const FRONT_PORT: u16 = 8081;
/// IANA numbers of transport protocols.
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;

/// A running cell.
pub(crate) struct World {
    lab: Lab,
    home: TempDir,
    tonle: PathBuf,
}

impl World {
    /// Starts the line, the servers and the collector, and lets the agent join.
    pub(crate) fn start(cell: Cell, tonle: &Path) -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|error| format!("make a directory: {error}"))?;
        let write = |name: &str, text: String| {
            std::fs::write(home.path().join(name), text)
                .map_err(|error| format!("write {name}: {error}"))
        };
        write("collector.toml", collector_config(home.path()))?;
        write("agent.toml", agent_config(home.path()))?;
        let text = scenario(cell, tonle, home.path());
        let scenario = Scenario::parse(&text, "cell.toml")
            .map_err(|error| format!("scenario: {error}\n{text}"))?;
        let options = Options {
            pcap_bytes: 0,
            ..Options::default()
        };
        let lab = Lab::start(&scenario, options).map_err(|error| error.to_string())?;
        let world = Self {
            lab,
            home,
            tonle: tonle.to_owned(),
        };
        world.join()?;
        Ok(world)
    }

    fn join(&self) -> Result<(), String> {
        let invited = self.on(
            "server",
            &["collector", "invite", "--config"],
            "collector.toml",
            &[],
        )?;
        let invitation = String::from_utf8_lossy(&invited.stdout).trim().to_owned();
        self.agent(&["join", &invitation, "--accept", "q1", "--qos-only"])?;
        Ok(())
    }

    /// A command of our agent on the client.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Result<Output, String> {
        let (command, rest) = arguments.split_first().ok_or("no command")?;
        self.on(
            "client",
            &["agent", command, "--config"],
            "agent.toml",
            rest,
        )
    }

    fn on(
        &self,
        host: &str,
        before: &[&str],
        config: &str,
        after: &[&str],
    ) -> Result<Output, String> {
        let config = self.home.path().join(config);
        let config = config.to_string_lossy();
        let tonle = self.tonle.to_string_lossy();
        let mut command: Vec<&str> = vec![&tonle];
        command.extend(before);
        command.push(&config);
        command.extend(after);
        let output = self.run(host, &command)?;
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

    /// Any tool on the client.
    pub(crate) fn tool(&self, command: &[&str]) -> Result<Output, String> {
        self.run("client", command)
    }

    fn run(&self, host: &str, command: &[&str]) -> Result<Output, String> {
        let (program, arguments) = command.split_first().ok_or("no command")?;
        let command = self
            .lab
            .command(host, program)
            .map_err(|error| error.to_string())?;
        command
            .args(arguments)
            .output()
            .map_err(|error| format!("{program}: {error}"))
    }

    /// Starts something else on the line, both ways; it ends when dropped.
    pub(crate) fn cross_traffic(&self, cell: Cell) -> Result<Cross, String> {
        let rate = (cell.rate_bps() * CROSS_PERCENT / 100).to_string();
        let command = self
            .lab
            .command("client", "iperf3")
            .map_err(|error| error.to_string())?;
        let started = command
            .args(["-c", NEIGHBOUR, "-u", "--bidir", "-t", "600", "-b", &rate])
            .configure(|command| {
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null());
            })
            .spawn();
        started
            .map(Cross)
            .map_err(|error| format!("iperf3: {error}"))
    }

    /// What crossed the client's link so far.
    pub(crate) fn passages(&self) -> Vec<Passage> {
        let truth = self.lab.truth();
        let Some(client) = truth.hosts.iter().position(|name| name == "client") else {
            return Vec::new();
        };
        truth
            .events
            .iter()
            .filter_map(|event| passage(event, client))
            .collect()
    }

    /// The hub's own delay, microseconds: what each packet was handed over later than planned.
    pub(crate) fn hub_late_us(&self) -> Vec<i64> {
        let late = |event: &Event| i64::try_from(event.late_us).unwrap_or(i64::MAX);
        let Truth { events, .. } = self.lab.truth();
        events.iter().map(late).collect()
    }
}

/// Cross-traffic that ends with this.
pub(crate) struct Cross(Child);

impl Drop for Cross {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after this.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn passage(event: &Event, client: usize) -> Option<Passage> {
    let to_client = event.to == Some(client);
    let protocol = match event.protocol {
        TCP => Protocol::Tcp,
        UDP => Protocol::Udp,
        ICMP => Protocol::Icmp,
        _ => return None,
    };
    let (source, destination) = event.ports.unwrap_or_default();
    let (client_port, server_port) = if to_client {
        (destination, source)
    } else {
        (source, destination)
    };
    let micros = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
    Some(Passage {
        in_us: micros(event.in_us),
        out_us: (event.fate == Fate::Delivered).then(|| micros(event.out_us)),
        to_client,
        protocol,
        client_port,
        server_port,
        payload_bytes: event.payload_bytes.into(),
    })
}

fn collector_config(home: &Path) -> String {
    format!(
        "data_dir = '{}'\nlisten = '{SERVER}:8080'\n[servers]\nlisten = '{SERVER}:{FRONT_PORT}'\n",
        home.join("collector").display()
    )
}

fn agent_config(home: &Path) -> String {
    format!(
        "data_dir = '{}'\nprovince = 'KH-12'\nmetered = false\nmonthly_budget_bytes = 1_000_000_000_000\nrun_max_bytes = 1_000_000_000\n",
        home.join("agent").display()
    )
}

fn scenario(cell: Cell, tonle: &Path, home: &Path) -> String {
    let link = cell.link();
    let config = home.join("collector.toml");
    format!(
        r#"
description = "{cell}"
seed = 1

[[host]]
name = "client"
addresses = ["10.1.0.2"]
up = {link}
down = {link}

[[host]]
name = "server"
addresses = ["{SERVER}"]

[[host]]
name = "neighbour"
addresses = ["{NEIGHBOUR}"]

[[service]]
host = "server"
kind = "command"
command = ["{tonle}", "collector", "serve", "--config", "{config}"]
ready_port = {FRONT_PORT}

[[service]]
host = "server"
kind = "command"
command = ["iperf3", "-s"]
ready_port = 5201

[[service]]
host = "server"
kind = "command"
command = ["irtt", "server", "-b", "{SERVER}:2112"]
ready_line = "starting IPv4 listener"

[[service]]
host = "neighbour"
kind = "command"
command = ["iperf3", "-s"]
ready_port = 5201
"#,
        tonle = tonle.display(),
        config = config.display(),
    )
}
