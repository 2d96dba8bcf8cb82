//! A scenario with control servers on its test helpers' hosts, and our agent on the client.
use lab::scenario::model::{Scenario, Service, ServiceKind};
use lab::{Lab, Options};
use libtest_mimic::Failed;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;
use tonle_agent::files::DiskFiles;
use tonle_agent::spool::{Limits, Spool};

const TONLE: &str = env!("CARGO_BIN_EXE_tonle");
/// The host of the first control, which the agent also joins.
const FIRST: &str = "th0";
/// The host of the second control.
const SECOND: &str = "th1";
/// Port of the web listener, which the agent joins at.
const WEB_PORT: u16 = 8080;
/// Port of the measurement servers, as test helpers have it.
const CONTROL_PORT: u16 = 443;
/// A site that no scenario blocks: those of the seed list are at the address of what is blocked.
const KNOWN_GOOD: &str = "https://ya.ru/";
/// Packets kept for a failure, bytes: the bodies that the scenarios transfer, several times.
const PCAP_BYTES: usize = 8 * 1024 * 1024;

/// Lets a program have another clock than the machine's; a path, of Debian's `libfaketime`. Only the time of
/// day is another: what counts seconds goes on as it does.
const FAKE_TIME: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// A running scenario with an agent that has joined.
pub(crate) struct World {
    lab: Lab,
    home: TempDir,
    /// What the device's clock shows when a visit begins; none: the time.
    clock: Option<&'static str>,
}

/// The verdicts on one record.
pub(crate) struct Judged {
    /// What `tonle collector analyze` said.
    pub(crate) said: Value,
    /// The record's observations, for the message of a failure.
    pub(crate) observations: Value,
}

impl Judged {
    /// The state of our own verdict.
    pub(crate) fn state(&self) -> &str {
        self.text("state").unwrap_or("none")
    }

    /// Its mechanism, reason or mark; `-` for none.
    pub(crate) fn why(&self) -> &str {
        let marked = self.overall()["server_side"] == true;
        let named = self.text("mechanism").or(self.text("reason"));
        named.unwrap_or(if marked { "server_side" } else { "-" })
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.overall()[key].as_str()
    }

    fn overall(&self) -> &Value {
        &self.said["tonle"]["overall"]
    }
}

impl World {
    /// Starts the scenario with both controls in it, and lets the agent join.
    /// `agent` is more of its configuration.
    pub(crate) fn start_with(mut scenario: Scenario, agent: &str) -> Result<Self, Failed> {
        let home = tempfile::tempdir()?;
        let first = address(&scenario, FIRST)?;
        let resolver = |host: &str| -> Result<IpAddr, Failed> {
            let host = scenario.hosts.iter().find(|one| one.name == host);
            let resolver = host.and_then(|host| host.resolvers.first());
            Ok(*resolver.ok_or("a control without a resolver")?)
        };
        let (to_first, to_second) = (resolver(FIRST)?, resolver(SECOND)?);
        let second = address(&scenario, SECOND)?;
        for (host, address, resolver) in [(FIRST, first, to_first), (SECOND, second, to_second)] {
            let text = collector_config(home.path(), host, address, resolver);
            std::fs::write(home.path().join(format!("{host}.toml")), text)?;
            scenario.services.push(control(home.path(), host));
        }
        let options = Options {
            pcap_bytes: PCAP_BYTES,
            ..Options::default()
        };
        let world = Self {
            lab: Lab::start(&scenario, options)?,
            home,
            clock: None,
        };
        std::fs::write(
            world.home.path().join("agent.toml"),
            agent_config(world.home.path(), agent),
        )?;
        let invite = ["collector", "invite", "--config", &world.config(FIRST)];
        let invited = said(&world.tonle(FIRST, &invite)?)?;
        let accept = ["--accept", "q1", "--accept-openness", "o3"];
        said(&world.agent("join", &[&[invited.trim()][..], &accept].concat())?)?;
        Ok(world)
    }

    /// Sets the clock of the device that visits.
    pub(crate) fn with_clock(self, clock: Option<&'static str>) -> Self {
        Self { clock, ..self }
    }

    /// One visit of the agent, and what the analysis says of its record.
    pub(crate) fn visit(&self, url: &str) -> Result<Judged, Failed> {
        self.visit_as(url, |record| Ok(record.to_owned()))
    }

    /// A visit of which not the record itself is judged, but what is made of it.
    pub(crate) fn visit_as(
        &self,
        url: &str,
        change: impl FnOnce(&str) -> Result<String, Failed>,
    ) -> Result<Judged, Failed> {
        let measured = said(&self.agent("measure", &["web_connectivity", url, "--json"])?)?;
        let round: Value = serde_json::from_str(&measured)?;
        let observations = round["records"][0]["observations"].clone();
        if observations.is_null() {
            return Err(format!("it did not run: {}", round["skipped"]).into());
        }
        let path = self.home.path().join("record.json");
        std::fs::write(&path, change(&self.record()?)?)?;
        let path = path.to_string_lossy();
        let said = said(&self.tonle("client", &["collector", "analyze", &path])?)?;
        Ok(Judged {
            said: serde_json::from_str(&said)?,
            observations,
        })
    }

    /// The last record of the agent's spool, as it is sent.
    fn record(&self) -> Result<String, Failed> {
        let limits = Limits::new(u64::MAX, u64::MAX);
        let files = DiskFiles::new(self.home.path().join("agent"));
        let mut opened = Spool::open(files, limits, None)?;
        let batch = opened.spool.batch(None, usize::MAX, usize::MAX);
        let last = batch.and_then(|mut batch| batch.items.pop());
        Ok(last.ok_or("no record is spooled")?.line)
    }

    /// Keeps the packets of a failure; the file.
    pub(crate) fn keep_packets(&self, name: &str) -> Result<PathBuf, Failed> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openness");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.pcap"));
        let mut file = BufWriter::new(File::create(&path)?);
        self.lab.write_pcap(&mut file)?;
        file.flush()?;
        Ok(path)
    }

    fn config(&self, name: &str) -> String {
        let path = self.home.path().join(format!("{name}.toml"));
        path.to_string_lossy().into_owned()
    }

    fn agent(&self, command: &str, more: &[&str]) -> Result<Output, Failed> {
        let config = self.config("agent");
        let line = [&["agent", command, "--config", &config][..], more].concat();
        self.tonle("client", &line)
    }

    fn tonle(&self, host: &str, line: &[&str]) -> Result<Output, Failed> {
        let command = self.lab.command(host, TONLE)?.args(line);
        let clock = self.clock.filter(|_| host == "client");
        let command = command.configure(|command| {
            if let Some(clock) = clock {
                command.env("LD_PRELOAD", FAKE_TIME).env("FAKETIME", clock);
                command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
            }
        });
        Ok(command.output()?)
    }
}

/// What a command that must succeed said.
fn said(output: &Output) -> Result<String, Failed> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("ended with {}: {text}{errors}", output.status).into())
}

fn address(scenario: &Scenario, name: &str) -> Result<IpAddr, Failed> {
    let mut hosts = scenario.hosts.iter();
    let host = hosts.find(|host| host.name == name);
    let address = host.and_then(|host| host.addresses.first());
    Ok(*address.ok_or_else(|| format!("the scenario has no host {name}"))?)
}

/// Its files: `HOST.cert.pem`, `HOST.key.pem` and `HOST.roots.pem`, put there before it starts.
fn collector_config(home: &Path, host: &str, address: IpAddr, resolver: IpAddr) -> String {
    let home = home.display();
    format!(
        "data_dir = '{home}/{host}'\nlisten = '{address}:{WEB_PORT}'\n\
         metrics_listen = '127.0.0.1:9091'\npublic_url = 'https://{address}:{WEB_PORT}/'\n\
         tls_cert = '{home}/{host}.cert.pem'\ntls_key = '{home}/{host}.key.pem'\n\
         [servers]\nlisten = '{address}:{CONTROL_PORT}'\nstamp = false\n\
         [servers.control]\nresolvers = ['{resolver}']\nextra_roots = '{home}/{host}.roots.pem'\n"
    )
}

fn control(home: &Path, host: &str) -> Service {
    let place = home.join(host).display().to_string();
    let only = if host == FIRST { "" } else { "--only servers" };
    let script = format!(
        "cp {{cert}} {place}.cert.pem && cp {{key}} {place}.key.pem && cp {{ca}} {place}.roots.pem \
         && exec {TONLE} collector serve {only} --config {place}.toml"
    );
    Service {
        host: host.to_owned(),
        kind: ServiceKind::Command {
            command: ["sh", "-c", &script].map(str::to_owned).to_vec(),
            env: BTreeMap::new(),
            ready_port: Some(CONTROL_PORT),
            ready_line: None,
            ready_within_ms: 60_000,
        },
    }
}

fn agent_config(home: &Path, more: &str) -> String {
    let home = home.display();
    format!(
        "data_dir = '{home}/agent'\nprovince = 'KH-12'\nmetered = false\n\
         monthly_budget_bytes = 1_000_000_000_000\nextra_roots = '{home}/{FIRST}.roots.pem'\n{more}\n\
         [gates]\nknown_good = ['{KNOWN_GOOD}']\n\
         [openness]\ncontrols = ['https://0.th.ooni.org/control', 'https://1.th.ooni.org/control']\n"
    )
}
