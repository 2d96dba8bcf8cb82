//! A scenario of the lab with a collector beside it that the agent has joined.
use lab::scenario::model::Scenario;
use lab::{Lab, Options};
use libtest_mimic::Failed;
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;
use tempfile::TempDir;
use tonle_agent::files::DiskFiles;
use tonle_agent::spool::{Limits, Spool};

pub(crate) const TONLE: &str = env!("CARGO_BIN_EXE_tonle");
pub(crate) const COLLECTOR: &str = "203.189.128.10";
const NAME: &str = "collector.test";
/// What the collector says on its standard error.
pub(crate) const COLLECTOR_LOG: &str = "collector.log";
/// What resolvers are tried with, in the scenarios that have them, and a site that none blocks.
const RESOLVERS: &str = r#"
resolvers = ["8.8.8.8", "9.9.9.9"]
doh = ["https://dns8.test/dns-query", "https://dns9.test/dns-query"]
whoami = "whoami.test"
localisation_pause_ms = 20
[openness.dns_integrity]
dot = ["8.8.8.8#dns8.test", "9.9.9.9#dns9.test"]
silent_addresses = ["203.189.132.50"]
signed_name = "signed.test"
bogus_name = "bogus.test"
[gates]
known_good = ["https://open.test/"]
"#;

/// A running scenario.
pub(crate) struct Bench {
    lab: Lab,
    home: TempDir,
}

impl Bench {
    /// Starts a scenario of the lab's folder. Its hosts get public addresses, so that no rule of the
    /// agent has to be relaxed.
    /// `more` is added to it.
    pub(crate) fn start(scenario: &str, more: &str) -> Result<Self, Failed> {
        Self::start_at(scenario, more, None)
    }

    /// The same with other addresses for the device that measures, and a collector that is called by its
    /// name, as in the world.
    pub(crate) fn start_at(
        scenario: &str,
        more: &str,
        device: Option<Vec<IpAddr>>,
    ) -> Result<Self, Failed> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/lab/scenarios")
            .join(scenario)
            .with_extension("toml");
        let text = std::fs::read_to_string(&file)?.replace("203.0.113.", "203.189.129.");
        // What is included is looked for beside the file, not where the tests run.
        let beside = file.parent().unwrap_or(Path::new(".")).display();
        let text = text.replace("include = \"", &format!("include = \"{beside}/"));
        Self::start_of(&format!("{text}\n{more}"), device)
    }

    /// Starts a scenario that is given as text.
    pub(crate) fn start_of(text: &str, device: Option<Vec<IpAddr>>) -> Result<Self, Failed> {
        let called = if device.is_some() { NAME } else { COLLECTOR };
        let home = tempfile::tempdir()?;
        let folder = home.path().display().to_string();
        let text = format!(
            "{text}\n[[host]]\nname = 'collector'\naddresses = ['{COLLECTOR}']\nnames = ['{NAME}']\n\
             [[service]]\nhost = 'collector'\nkind = 'command'\nready_port = 8080\n\
             command = ['sh', '-c', \"sed s,@CA@,{{ca}}, '{folder}/collector.in' > '{folder}/collector.toml' && \
             exec '{TONLE}' collector serve --config '{folder}/collector.toml' 2> '{folder}/{COLLECTOR_LOG}'\"]\n"
        );
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text);
        // The roots of the lab are known once it runs.
        write(
            "collector.in",
            &format!(
                "data_dir = '{folder}/collector'\nlisten = '{COLLECTOR}:8080'\npublic_url = 'http://{called}:8080/'\ncontrols = ['http://{called}:8081/control']\n[servers]\nlisten = '{COLLECTOR}:8081'\n\
                 [servers.control]\nresolvers = ['8.8.8.8']\nextra_roots = '@CA@'\n"
            ),
        )?;
        write(
            "agent.toml",
            &format!(
                "data_dir = '{folder}/agent'\nprovince = 'KH-12'\nmetered = false\nmonthly_budget_bytes = 1_000_000_000_000\nextra_roots = '{folder}/roots.pem'\n[openness]\n{RESOLVERS}"
            ),
        )?;
        let mut scenario = Scenario::parse(&text, "probes.toml")
            .map_err(|error| format!("scenario: {error}\n{text}"))?;
        let mut hosts = scenario.hosts.iter_mut();
        let client = hosts.find(|host| host.name == "client");
        if let (Some(client), Some(device)) = (client, device) {
            client.addresses = device;
        }
        let options = Options {
            pcap_bytes: 0,
            ..Options::default()
        };
        let bench = Self {
            lab: Lab::start(&scenario, options)?,
            home,
        };
        let authority = bench.run("client", "sh", &["-c", "cat \"$LAB_CA\""])?;
        std::fs::write(bench.home.path().join("roots.pem"), authority)?;
        let config = format!("{folder}/collector.toml");
        let invite = ["collector", "invite", "--config", config.as_str()];
        let invited = bench.run("collector", TONLE, &invite)?;
        let accept = ["--accept", "q1", "--accept-openness", "o3"];
        bench.agent("join", &[&[invited.trim()][..], &accept].concat())?;
        Ok(bench)
    }

    /// Measures, and says what the analysis makes of the record.
    pub(crate) fn judged(&self, experiment: &str, target: &str) -> Result<Value, Failed> {
        self.agent("measure", &[experiment, target, "--json"])?;
        let files = DiskFiles::new(self.home.path().join("agent"));
        let mut opened = Spool::open(files, Limits::new(u64::MAX, u64::MAX), None)?;
        let batch = opened.spool.batch(None, usize::MAX, usize::MAX);
        let last = batch.and_then(|mut batch| batch.items.pop());
        let record = last.ok_or("no record is spooled")?.line;
        let path = self.home.path().join("record.json");
        std::fs::write(&path, record)?;
        let path = path.to_string_lossy();
        let said = self.run("client", TONLE, &["collector", "analyze", &path])?;
        Ok(serde_json::from_str(&said)?)
    }

    /// A command of the agent that must succeed; its standard output.
    pub(crate) fn agent(&self, command: &str, more: &[&str]) -> Result<String, Failed> {
        let config = self.home.path().join("agent.toml");
        let config = config.to_string_lossy();
        let line = [&["agent", command, "--config", &config][..], more].concat();
        self.run("client", TONLE, &line)
    }

    /// The folder with the configurations and all that agent (`agent`) and collector (`collector`) keep.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A command on a host that must succeed; its standard output.
    pub(crate) fn run(&self, host: &str, program: &str, line: &[&str]) -> Result<String, Failed> {
        let output = self.lab.command(host, program)?.args(line).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(format!("{line:?} ended with {}: {text}{errors}", output.status).into())
    }
}
