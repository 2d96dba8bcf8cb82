//! Our agent, joined to a collector of ours, for one test.
use crate::program::{Program, output};
use libtest_mimic::Failed;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const TONLE: &str = env!("CARGO_BIN_EXE_tonle");
/// What the collector says before its address.
const SAYS: &str = "pages and API: http://";

/// An agent that may measure.
pub(crate) struct Agent {
    home: TempDir,
    _collector: Program,
}

impl Agent {
    /// Joins one, with more in its configuration.
    pub(crate) fn joined(more: &str) -> Result<Self, Failed> {
        let home = tempfile::tempdir()?;
        let place = home.path().display();
        let (served, told) = (
            home.path().join("served.toml"),
            home.path().join("told.toml"),
        );
        let collector = |listen: &str| {
            format!(
                "data_dir = '{place}/collector'\nlisten = '{listen}'\nmetrics_listen = '127.0.0.1:0'\n\
                 [servers]\nlisten = '127.0.0.1:0'\n"
            )
        };
        std::fs::write(&served, collector("127.0.0.1:0"))?;
        let serving = tonle(&["collector", "serve"], &served);
        let (running, listens) = Program::start(serving, SAYS)?;
        // An invitation names the port that the system chose.
        std::fs::write(&told, collector(listens.trim_end_matches('/')))?;
        let invitation = output(&mut tonle(&["collector", "invite"], &told))?;
        let agent = Self {
            home,
            _collector: running,
        };
        agent.configure(more)?;
        let mut joining = tonle(&["agent", "join"], &agent.config());
        joining.args([invitation.trim(), "--accept", "q1", "--qos-only"]);
        output(&mut joining)?;
        Ok(agent)
    }

    fn configure(&self, more: &str) -> Result<(), Failed> {
        let data = self.home.path().join("agent");
        let text = format!(
            "data_dir = '{}'\nprovince = 'KH-12'\nmetered = false\nallow_loopback = true\n{more}\n",
            data.display()
        );
        Ok(std::fs::write(self.config(), text)?)
    }

    /// The record of one experiment on this target.
    pub(crate) fn measure(&self, experiment: &str, target: &str) -> Result<Value, Failed> {
        let mut measuring = tonle(&["agent", "measure"], &self.config());
        measuring.args([experiment, target, "--json"]);
        let round: Value = serde_json::from_str(&output(&mut measuring)?)?;
        match &round["records"][0] {
            Value::Null => Err(format!("it did not run: {}", round["skipped"]).into()),
            record => Ok(record.clone()),
        }
    }

    fn config(&self) -> PathBuf {
        self.home.path().join("agent.toml")
    }
}

fn tonle(command: &[&str], config: &Path) -> Command {
    let mut line = Command::new(TONLE);
    line.args(command).arg("--config").arg(config);
    line
}
