//! The simulated line with our collector, our agent and other people's servers on it.
use crate::figures::{Passage, Protocol};
use crate::line::{Family, Line};
use crate::scenario;
use lab::hub::Fate;
use lab::scenario::model::Scenario;
use lab::truth::{Event, Truth};
use lab::{Lab, Options};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use tempfile::TempDir;

/// IANA numbers of transport protocols.
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// Where the agent keeps traces of whole transfers, below its data directory.
const TRACES: &str = "agent/traces/throughput.log";

/// A running line.
pub(crate) struct World {
    lab: Lab,
    home: TempDir,
    tonle: PathBuf,
    family: Family,
    /// The hub's own delay of every packet so far, microseconds.
    late_us: RefCell<Vec<i64>>,
}

impl World {
    /// Starts the line, the servers and the collector, and lets the agent join.
    pub(crate) fn start(line: &Line, tonle: &Path, run_max_bytes: u64) -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|error| format!("make a directory: {error}"))?;
        let write = |name: &str, text: String| {
            std::fs::write(home.path().join(name), text)
                .map_err(|error| format!("write {name}: {error}"))
        };
        let collector = scenario::collector_config(home.path(), line.family);
        write("collector.toml", collector)?;
        write(
            "agent.toml",
            scenario::agent_config(home.path(), run_max_bytes),
        )?;
        let text = scenario::of(line, tonle, home.path());
        let scenario = Scenario::parse(&text, "line.toml")
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
            family: line.family,
            late_us: RefCell::default(),
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

    /// Any tool on the client, to its end.
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

    /// Any tool on the client, beside others; it ends when dropped.
    pub(crate) fn beside(&self, command: &[&str]) -> Result<Beside, String> {
        let (program, arguments) = command.split_first().ok_or("no command")?;
        let command = self
            .lab
            .command("client", program)
            .map_err(|error| error.to_string())?;
        let started = command.args(arguments).configure(|command| {
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(Stdio::piped());
        });
        let started = started.spawn();
        started
            .map(|child| Beside(Some(child)))
            .map_err(|error| format!("{program}: {error}"))
    }

    /// Where the servers stand.
    pub(crate) fn server(&self) -> &'static str {
        self.family.server()
    }

    /// Where the cross-traffic comes from.
    pub(crate) fn neighbour(&self) -> &'static str {
        self.family.neighbour()
    }

    /// What crossed the client's link since this was last asked.
    pub(crate) fn passages(&self) -> Vec<Passage> {
        let Truth { hosts, events, .. } = self.lab.take_truth();
        let mut late_us = self.late_us.borrow_mut();
        late_us.extend(events.iter().map(|event| micros(event.late_us)));
        let Some(client) = hosts.iter().position(|name| name == "client") else {
            return Vec::new();
        };
        let seen = events.iter();
        seen.filter_map(|event| passage(event, client)).collect()
    }

    /// 99 of 100 packets were handed over at most so much later than planned, microseconds.
    pub(crate) fn hub_late_us(&self) -> i64 {
        let mut late_us = self.late_us.borrow_mut();
        late_us.sort_unstable();
        let rank = (late_us.len() * 99).div_ceil(100).saturating_sub(1);
        late_us.get(rank).copied().unwrap_or_default()
    }

    /// The traces that the agent kept so far, one JSON object a line.
    pub(crate) fn traces(&self) -> Result<Vec<String>, String> {
        let file = self.home.path().join(TRACES);
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("read {}: {error}", file.display()))?;
        let lines = text.lines().filter(|line| line.contains("\"trace\""));
        Ok(lines.map(str::to_owned).collect())
    }
}

/// A program that runs beside others and ends with this.
pub(crate) struct Beside(Option<Child>);

impl Beside {
    /// Waits for its end; what it wrote on standard error.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, String> {
        let child = self.0.take().ok_or("it has ended")?;
        let output = child
            .wait_with_output()
            .map_err(|error| error.to_string())?;
        Ok(output.stderr)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself; either way it is gone after this.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn passage(event: &Event, client: usize) -> Option<Passage> {
    let to_client = event.to == Some(client);
    let protocol = match event.protocol {
        TCP => Protocol::Tcp,
        UDP => Protocol::Udp,
        ICMP | ICMPV6 => Protocol::Icmp,
        _ => return None,
    };
    let (source, destination) = event.ports.unwrap_or_default();
    let (client_port, server_port) = if to_client {
        (destination, source)
    } else {
        (source, destination)
    };
    Some(Passage {
        in_us: micros(event.in_us),
        out_us: (event.fate == Fate::Delivered).then(|| micros(event.out_us)),
        queue_us: micros(event.queue_us),
        to_client,
        protocol,
        client_port,
        server_port,
        payload_bytes: event.payload_bytes.into(),
    })
}

fn micros(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}
