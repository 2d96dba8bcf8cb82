//! A collector with its measurement servers and an agent that has joined it, both on loopback.
use crate::process::{self, Look, Serving};
use crate::transfers::{Cost, json, number, peak_kb};
use serde_json::Value;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

const TONLE: &str = env!("CARGO_BIN_EXE_tonle");
/// What a volunteer's device runs; `just cost` builds it beside the front door.
const AGENT: &str = "tonle-agent";
/// Longest wait for a server, microseconds.
const READY_WITHIN_US: i64 = 20_000_000;
/// How long an agent is looked at between its rounds, microseconds.
const IDLE_US: i64 = 20_000_000;

pub(crate) struct Volunteer {
    pub(crate) collector: Serving,
    servers_port: u16,
    program: PathBuf,
    agent: PathBuf,
}

impl Volunteer {
    /// Starts the collector and joins it.
    pub(crate) fn start(home: &Path) -> Result<Self, String> {
        let program = Path::new(TONLE).with_file_name(AGENT);
        if !program.is_file() {
            let path = program.display();
            return Err(format!(
                "{path} is not built; run cargo build --release --workspace --bin {AGENT}"
            ));
        }
        let (port, servers_port) = (free_port()?, free_port()?);
        let (collector, agent) = (home.join("collector.toml"), home.join("agent.toml"));
        let write = |path: &Path, text: String| {
            std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        write(
            &collector,
            format!(
                "data_dir = '{}'\nlisten = '127.0.0.1:{port}'\nmetrics_listen = '127.0.0.1:0'\n\
                 [servers]\nlisten = '127.0.0.1:{servers_port}'\n",
                home.join("collector").display()
            ),
        )?;
        write(
            &agent,
            format!(
                "data_dir = '{}'\nprovince = 'KH-12'\nmetered = false\nexperiments = ['throughput']\n\
                 monthly_budget_bytes = 100_000_000_000_000\nrun_max_bytes = 1_000_000_000_000\n",
                home.join("agent").display()
            ),
        )?;
        let mut serve = Command::new(TONLE);
        serve
            .args(["collector", "serve", "--config"])
            .arg(&collector);
        let serving = Serving::start(&mut serve)?;
        wait_for_port(&port.to_string())?;
        wait_for_port(&servers_port.to_string())?;
        let mut invite = Command::new(TONLE);
        invite
            .args(["collector", "invite", "--config"])
            .arg(&collector);
        let (invited, _) = process::watched(&mut invite)?;
        let invitation = String::from_utf8_lossy(&invited.stdout).trim().to_owned();
        let mut join = Command::new(&program);
        join.args(["join", "--config"]).arg(&agent);
        process::watched(join.args([&invitation, "--accept", "q1", "--qos-only"]))?;
        Ok(Self {
            collector: serving,
            servers_port,
            program,
            agent,
        })
    }

    /// Where the servers are, as stock clients want it.
    pub(crate) fn ndt7_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.servers_port)
    }

    /// Our throughput: download, upload.
    pub(crate) fn measure(&self) -> Result<[Cost; 2], String> {
        let mut command = Command::new(&self.program);
        command.args(["measure", "--config"]).arg(&self.agent);
        command.args(["throughput", "--json"]);
        let looking = self.collector.pid();
        let ((output, looks), server) =
            process::beside(looking, || process::watched(&mut command))?;
        let round = json(&output.stdout)?;
        let record = &round["records"][0];
        let begun_us = record["t_start_us"]
            .as_i64()
            .ok_or_else(|| format!("it did not run: {}", round["skipped"]))?;
        let direction = |name: &str| {
            let transfer = transfer(record, name)?;
            let detail = &transfer["detail"];
            let from_us = begun_us + transfer["t_start_us"].as_i64().unwrap_or_default();
            let until_us = begun_us + transfer["t_end_us"].as_i64().unwrap_or_default();
            let (bytes, elapsed_us) = if name == "download" {
                let length_us = u64::try_from(until_us - from_us).unwrap_or_default();
                (&detail["payload_bytes"], length_us)
            } else {
                (
                    &detail["server_bytes_received"],
                    number(&detail["server_elapsed_us"])?,
                )
            };
            Ok::<_, String>(Cost {
                bytes: number(bytes)?,
                elapsed_us,
                client_cpu_us: process::cpu_between_us(&looks, from_us, until_us),
                client_peak_kb: peak_kb(&looks),
                server_cpu_us: process::cpu_between_us(&server, from_us, until_us),
            })
        };
        Ok([direction("download")?, direction("upload")?])
    }

    /// An agent that has run a round and waits for the next.
    pub(crate) fn idle(&self) -> Result<Look, String> {
        let mut command = Command::new(&self.program);
        command.args(["run", "--config"]).arg(&self.agent);
        let agent = Serving::start(&mut command)?;
        let until_us = process::now_us() + IDLE_US;
        let mut last = agent.look()?;
        while last.at_us < until_us {
            process::wait();
            last = agent.look()?;
        }
        Ok(last)
    }
}

fn transfer<'a>(record: &'a Value, direction: &str) -> Result<&'a Value, String> {
    let seen = record["observations"].as_array().into_iter().flatten();
    seen.filter(|one| one["operation"] == "transfer")
        .find(|one| one["detail"]["direction"] == direction)
        .ok_or_else(|| format!("no {direction}: {}", record["failures"]))
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let place = listener.local_addr().map_err(|error| error.to_string())?;
    Ok(place.port())
}

/// Waits until somebody listens.
pub(crate) fn wait_for_port(port: &str) -> Result<(), String> {
    let until_us = process::now_us() + READY_WITHIN_US;
    while TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        if process::now_us() > until_us {
            return Err(format!("nobody listens on port {port}"));
        }
        process::wait();
    }
    Ok(())
}
