//! What a world is made of: the scenario and the configurations of our programs, as text. Pure.
use crate::line::{Family, Line};
use std::path::Path;

/// Port of the measurement front.
pub(crate) const FRONT_PORT: u16 = 8081;

impl Family {
    /// Where the client stands.
    fn client(self) -> &'static str {
        match self {
            Self::V4 => "10.1.0.2",
            Self::V6 => "2404:1c40:1::2",
        }
    }

    /// Where all servers stand. No address of documentation: the agent refuses to measure those.
    pub(crate) fn server(self) -> &'static str {
        match self {
            Self::V4 => "203.189.128.10",
            Self::V6 => "2404:1c40:2::10",
        }
    }

    /// The server before a port.
    pub(crate) fn server_host(self) -> String {
        match self {
            Self::V4 => self.server().to_owned(),
            Self::V6 => format!("[{}]", self.server()),
        }
    }

    /// Where the cross-traffic comes from.
    pub(crate) fn neighbour(self) -> &'static str {
        match self {
            Self::V4 => "203.189.128.20",
            Self::V6 => "2404:1c40:2::20",
        }
    }

    /// What `irtt` says when it listens.
    fn irtt_ready(self) -> &'static str {
        match self {
            Self::V4 => "starting IPv4 listener",
            Self::V6 => "starting IPv6 listener",
        }
    }
}

pub(crate) fn collector_config(home: &Path, family: Family) -> String {
    let host = family.server_host();
    format!(
        "data_dir = '{}'\nlisten = '{host}:8080'\n[servers]\nlisten = '{host}:{FRONT_PORT}'\n",
        home.join("collector").display()
    )
}

/// An unmetered line: whole transfers, whose traces the agent keeps.
pub(crate) fn agent_config(home: &Path, run_max_bytes: u64) -> String {
    format!(
        "data_dir = '{}'\nprovince = 'KH-12'\nmetered = false\n\
         monthly_budget_bytes = 1_000_000_000_000\nrun_max_bytes = {run_max_bytes}\n",
        home.join("agent").display()
    )
}

/// The scenario of a line.
pub(crate) fn of(line: &Line, tonle: &Path, home: &Path) -> String {
    let Line { name, family, .. } = line;
    let middlebox = line.bucket.map_or_else(String::new, |bucket| {
        format!(
            "[[middlebox]]\naction = 'endpoint'\naddresses = ['{}']\nprotocol = 'tcp'\n\
             does = {{ throttle = {{ rate_kbit = {}, burst_bytes = {} }} }}\n",
            family.server(),
            bucket.rate_kbit,
            bucket.burst_bytes
        )
    });
    format!(
        r#"
description = "{name}"
seed = 1

[[host]]
name = "client"
addresses = ["{client}"]
up = {up}
down = {down}

{changes}
[[host]]
name = "server"
addresses = ["{server}"]

[[host]]
name = "neighbour"
addresses = ["{neighbour}"]

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
command = ["irtt", "server", "-b", "{server_host}:2112"]
ready_line = "{irtt_ready}"

[[service]]
host = "neighbour"
kind = "command"
command = ["iperf3", "-s"]
ready_port = 5201

{middlebox}
"#,
        client = family.client(),
        up = line.up.toml(),
        down = line.down.toml(),
        changes = line.changes_toml(),
        server = family.server(),
        neighbour = family.neighbour(),
        tonle = tonle.display(),
        config = home.join("collector.toml").display(),
        server_host = family.server_host(),
        irtt_ready = family.irtt_ready(),
    )
}
