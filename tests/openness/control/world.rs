//! A control server alone on its host, a site with a redirect to HTTPS, a stranger, a site that sends
//! visitors astray, and two hosts that no stranger should get to. Addresses are public ones, so that no
//! rule of the server is relaxed.
use lab::scenario::model::Scenario;
use lab::{Lab, Options};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use std::fmt::Debug;
use tempfile::TempDir;

const TONLE: &str = env!("CARGO_BIN_EXE_tonle");
const CONTROL: &str = "http://203.189.128.10:8081";

const CONFIG: &str = "[servers]\nlisten = '203.189.128.10:8081'\n[servers.control]\nat_root = true\n\
    resolvers = ['203.189.128.53']\nextra_roots = '@CA@'\n";

const SCENARIO: &str = r#"
description = "a control server, sites, and hosts that nobody should get to"
seed = 1

[[host]]
name = "client"
addresses = ["10.1.0.2"]

[[host]]
name = "resolver"
addresses = ["203.189.128.53"]

[[host]]
name = "control"
addresses = ["203.189.128.10", "2400:9800:1::10"]

[[host]]
name = "site"
addresses = ["203.189.128.20", "2400:9800:1::20"]
names = ["site.test"]

[[host]]
name = "stranger"
addresses = ["203.189.128.21"]
names = ["stranger.test"]

[[host]]
name = "evil"
addresses = ["203.189.128.66"]
names = ["evil.test"]

[[host]]
name = "inside"
addresses = ["10.9.0.1", "fd00:9::1"]
names = ["inside.test"]

[[host]]
name = "cloud"
addresses = ["169.254.169.254"]

[[name]]
name = "both.test"
addresses = ["10.9.0.1", "169.254.169.254"]

[[service]]
host = "resolver"
kind = "dns"

[[service]]
host = "site"
kind = "http"
page = [{ status = 301, headers = { location = "https://site.test/" } }]

[[service]]
host = "site"
kind = "https"
page = [{ headers = { x-of-the-site = "yes" }, body = "<title>The site</title>" }]

[[service]]
host = "stranger"
kind = "https"

[[service]]
host = "evil"
kind = "http"
[[service.page]]
path = "/to-address"
status = 302
headers = { location = "http://10.9.0.1/" }
[[service.page]]
path = "/to-name"
status = 302
headers = { location = "https://inside.test/" }
[[service.page]]
path = "/to-cloud"
status = 307
headers = { location = "http://0xa9fea9fe/latest/meta-data/" }

[[service]]
host = "inside"
kind = "http"
page = [{ body = "the secret" }]

[[service]]
host = "inside"
kind = "https"
page = [{ body = "the secret" }]

[[service]]
host = "cloud"
kind = "http"
page = [{ body = "the secret" }]

[[service]]
host = "control"
kind = "command"
command = ["sh", "-c", "sed s,@CA@,{ca}, '{home}/control.toml' > {dir}/control.toml && exec '{tonle}' collector serve --only servers --config {dir}/control.toml"]
ready_port = 8081
"#;

/// A running scenario.
pub(crate) struct World {
    lab: Lab,
    _home: TempDir,
}

impl World {
    pub(crate) fn start() -> Result<Self, Failed> {
        let home = tempfile::tempdir()?;
        std::fs::write(home.path().join("control.toml"), CONFIG)?;
        let folder = home.path().to_str().expect("paths of tests are UTF-8");
        let text = SCENARIO.replace("{home}", folder).replace("{tonle}", TONLE);
        let scenario =
            Scenario::parse(&text, "control.toml").map_err(|error| format!("scenario: {error}"))?;
        let options = Options {
            pcap_bytes: 0,
            ..Options::default()
        };
        Ok(Self {
            lab: Lab::start(&scenario, options)?,
            _home: home,
        })
    }

    /// What the control answers to `GET`.
    pub(crate) fn get(&self, path: &str) -> Result<String, Failed> {
        self.curl(&[&format!("{CONTROL}{path}")])
    }

    /// What it answers to a question.
    pub(crate) fn ask(&self, url: &str, tcp_connect: &[&str]) -> Result<Value, Failed> {
        let question = json!({ "http_request": url, "tcp_connect": tcp_connect }).to_string();
        let answer = self.curl(&["--data", &question, &format!("{CONTROL}/control")])?;
        Ok(serde_json::from_str(&answer)?)
    }

    fn curl(&self, arguments: &[&str]) -> Result<String, Failed> {
        let command = self.lab.command("client", "curl")?;
        let output = command
            .args([
                "--silent",
                "--show-error",
                "--fail-with-body",
                "--max-time",
                "60",
            ])
            .args(arguments)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("curl {}: {said}{text}", arguments.join(" ")).into())
    }

    /// Packets that anybody sent to a host.
    pub(crate) fn packets_to(&self, host: &str) -> usize {
        let truth = self.lab.truth();
        let index = truth.hosts.iter().position(|name| name == host);
        truth
            .events
            .iter()
            .filter(|event| event.to == index)
            .count()
    }
}

pub(crate) fn must(holds: bool, otherwise: impl Into<String>) -> Result<(), Failed> {
    if holds {
        return Ok(());
    }
    Err(otherwise.into().into())
}

pub(crate) fn same<T, U>(found: &T, expected: &U) -> Result<(), Failed>
where
    T: PartialEq<U> + Debug + ?Sized,
    U: Debug + ?Sized,
{
    must(found == expected, format!("{found:?}, not {expected:?}"))
}
