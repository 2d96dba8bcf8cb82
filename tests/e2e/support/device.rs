//! An agent as a volunteer runs it: commands on a data directory of its own.
use super::collector::Collector;
use super::tonle::{Running, run_ok, tonle};
use super::world::World;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tonle_agent::evidence::VerifyingKey;
use tonle_agent::evidence::enrolment::Invitation;
use tonle_agent::evidence::hash::Hex;
use tonle_agent::receipts::KeptReceipt;

/// A joined agent.
pub(crate) struct Device {
    config: PathBuf,
    collector_key: VerifyingKey,
}

impl Device {
    /// Joins with an invitation of its own, accepting both consent texts.
    pub(crate) fn join(collector: &Collector, world: &World, home: &Path, name: &str) -> Self {
        let dir = home.join(name);
        std::fs::create_dir(&dir).unwrap();
        let config = dir.join("agent.toml");
        let text = format!(
            "data_dir = '{}'\nprovince = 'KH-12'\ntechnology = 'fibre'\nexperiments = ['latency', 'dns', 'web_connectivity']\n{}",
            dir.join("data").display(),
            world.agent_config(&dir)
        );
        std::fs::write(&config, text).unwrap();
        let invitation = collector.invite(&[]);
        let pinned = invitation.parse::<Invitation>().unwrap().collector_key;
        let collector_key = VerifyingKey::from_bytes(&pinned.0).unwrap();
        let device = Self {
            config,
            collector_key,
        };
        run_ok(&device.command(&[
            "join",
            &invitation,
            "--accept",
            "q1",
            "--accept-openness",
            "o3",
        ]));
        device
    }

    /// The collector's key, as `tonle verify` takes it.
    pub(crate) fn collector_key_hex(&self) -> String {
        Hex(self.collector_key.to_bytes()).to_string()
    }

    pub(crate) fn command<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec!["agent", rest[0], "--config", self.config.to_str().unwrap()];
        arguments.extend(&rest[1..]);
        arguments
    }

    /// One round of every experiment, uploaded.
    #[track_caller]
    pub(crate) fn round(&self) -> Value {
        let output = run_ok(&self.command(&["run", "--once", "--json"]));
        serde_json::from_str(&output).expect("a round is reported as JSON")
    }

    /// Starts a round and does not wait.
    pub(crate) fn start_round(&self) -> Running {
        let mut command = tonle(&self.command(&["run", "--once"]));
        Running(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    /// (record hash, entry index) of every receipt the agent holds.
    pub(crate) fn receipts(&self) -> Vec<(String, u64)> {
        let output = run_ok(&self.command(&["sent", "--json"]));
        let read = |line: &str| {
            let kept: KeptReceipt = serde_json::from_str(line).unwrap();
            let receipt = kept
                .receipt
                .open(&self.collector_key)
                .expect("signed by the collector");
            (receipt.record_hash.to_string(), receipt.entry_index)
        };
        output.lines().map(read).collect()
    }
}
