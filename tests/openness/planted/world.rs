//! A line whose far sides all know the device, and tell it so.
use super::needles::{self, Needle};
use crate::probes::bench::{Bench, COLLECTOR, TONLE};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use libtest_mimic::Failed;
use rusqlite::{Connection, OpenFlags};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;
use tonle_agent::evidence::envelope::Envelope;
use tonle_agent::files::DiskFiles;
use tonle_agent::spool::{Limits, Spool};

/// What the device calls itself.
pub(super) const DEVICE_NAME: &str = "sokhas-laptop";
/// The device's address of IPv4, with hyphens as in the name of its line.
const LINE: &str = "36-37-1-2";
/// Forms in one header line: clients take a hundred lines at most.
const FORMS_PER_HEADER: usize = 8;
/// A device's hardware address: portals know it.
pub(super) const MAC: &str = "02:4f:a7:19:c3:5e";
/// What a measurement server is to be shown, once as Locate hands it out and once as somebody types it.
pub(super) const TOKENS: [&str; 2] = ["located.3f81c6d0a95b", "typed.7d20be4f1ac9"];
/// A service that names servers of ndt7.
pub(super) const LOCATE: &str = "https://planted.test/v2/nearest/ndt/ndt7";
/// A server of ndt7 as somebody types it.
pub(super) const TYPED: &str =
    "ws://collector.test:8081/ndt/v7/download?access_token=typed.7d20be4f1ac9";

/// The addresses of the device: one that the world sees, one of IPv6, and one in the home network.
pub(super) fn device() -> Vec<IpAddr> {
    let device = ["36.37.1.2", "2400:9800:77:1:2:3:4:5", "10.77.3.9"];
    device.iter().filter_map(|text| text.parse().ok()).collect()
}

/// The running world, whose agent has joined.
pub(super) struct Planted {
    bench: Bench,
}

impl Planted {
    pub(super) fn start() -> Result<Self, Failed> {
        Self::start_with(&planter())
    }

    /// A line on which a portal answers in place of the collector's measurement server.
    pub(super) fn behind_a_portal() -> Result<Self, Failed> {
        Self::start_with(&portal())
    }

    /// `more` begins with keys of the device's resolver, which stands last in the scenario.
    fn start_with(more: &str) -> Result<Self, Failed> {
        let scenario = "openness/resolvers-honest";
        let planted = Self {
            bench: Bench::start_at(scenario, more, Some(device()))?,
        };
        planted.bench.agent("consent", &["--accept-mlab", "m1"])?;
        Ok(planted)
    }

    pub(super) fn home(&self) -> &Path {
        self.bench.home()
    }

    /// Runs an experiment on a device that has a name; what the agent said.
    pub(super) fn measure(&self, experiment: &str, target: &str) -> Result<String, Failed> {
        let target = Some(target).filter(|target| !target.is_empty());
        let line = ["measure", experiment].into_iter().chain(target);
        self.agent(&line.chain(["--json", "--log", "debug"]).collect::<Vec<_>>())
    }

    /// A command of the agent; all that it said on both ways, the standard output alone for `--json`.
    fn agent(&self, line: &[&str]) -> Result<String, Failed> {
        let config = self.home().join("agent.toml").display().to_string();
        let log = self
            .home()
            .join("agent")
            .join("said.log")
            .display()
            .to_string();
        let script = format!("hostname {DEVICE_NAME}; exec '{TONLE}' agent \"$@\" 2>> '{log}'");
        let outer = ["--uts", "sh", "-c", &script, "sh"];
        let (command, rest) = line.split_first().ok_or("a command is needed")?;
        let inner = [&[*command, "--config", &config][..], rest].concat();
        self.bench
            .run("client", "unshare", &[&outer[..], &inner].concat())
    }

    /// Both halves of the last record as they stand in the spool, with bodies as text.
    pub(super) fn last_record(&self) -> Result<String, Failed> {
        let files = DiskFiles::new(self.home().join("agent"));
        let mut opened = Spool::open(files, Limits::new(u64::MAX, u64::MAX), None)?;
        let batch = opened.spool.batch(None, usize::MAX, usize::MAX);
        let last = batch.and_then(|mut batch| batch.items.pop());
        let line = last.ok_or("no record is spooled")?.line;
        let record = Envelope::from_line(line.as_bytes())?.record;
        let private: serde_json::Value = serde_json::from_slice(&record.private)?;
        let mut text = String::from_utf8(record.public)?;
        for body in private["bodies"].as_array().into_iter().flatten() {
            let encoded = body["base64"].as_str();
            let bytes = BASE64_STANDARD.decode(encoded.ok_or("a body without its bytes")?)?;
            let _ = write!(text, "\nbody: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(text)
    }

    /// Sends all records; and what agent and collector say of them to whoever asks.
    pub(super) fn uploaded(&self) -> Result<Vec<(String, String)>, Failed> {
        let list = self.home().join("one.csv");
        let rows = "experiment,value,category,path_class,stream,note\nlatency,planted.test,,abroad,quality,\n";
        std::fs::write(&list, rows)?;
        let config = self.home().join("agent.toml");
        let text = std::fs::read_to_string(&config)?;
        let more = format!(
            "targets = '{}'\nexperiments = ['latency']\n",
            list.display()
        );
        std::fs::write(&config, more + &text)?;
        let collector = self.home().join("collector.toml").display().to_string();
        let mut said = vec![
            (
                "run --once".to_owned(),
                self.agent(&["run", "--once", "--json"])?,
            ),
            ("sent".to_owned(), self.agent(&["sent", "--json"])?),
            ("status".to_owned(), self.agent(&["status"])?),
            (
                "doctor".to_owned(),
                self.agent(&["doctor"]).unwrap_or_default(),
            ),
        ];
        let file = self.home().join("exported.jsonl").display().to_string();
        let export = [
            "collector",
            "export",
            "--format",
            "ooni",
            "--unlisted",
            "--json",
        ];
        let where_to = ["--out", &file, "--config", &collector];
        let sums = self
            .bench
            .run("collector", TONLE, &[&export[..], &where_to].concat())?;
        let exported = std::fs::read_to_string(&file)?;
        if exported.trim().is_empty() {
            return Err(format!("nothing was exported: {sums}").into());
        }
        said.push(("export".to_owned(), exported));
        let agents = ["collector", "agents", "--json", "--config", &collector];
        said.push((
            "agents".to_owned(),
            self.bench.run("collector", TONLE, &agents)?,
        ));
        for page in [
            "",
            "lists",
            "provinces/KH-12",
            "api/v1/statements",
            "api/v1/standards",
        ] {
            let url = format!("http://{COLLECTOR}:8080/{page}");
            said.push((url.clone(), self.bench.run("open", "curl", &["-sS", &url])?));
        }
        let metrics = ["-sS", "http://127.0.0.1:9091/metrics"];
        said.push((
            "metrics".to_owned(),
            self.bench.run("collector", "curl", &metrics)?,
        ));
        Ok(said)
    }
}

/// Both halves of every record in the collector's journal, which holds them compressed.
pub(super) fn halves(planted: &Planted) -> Result<Vec<(String, Vec<u8>)>, Failed> {
    let journal = planted.home().join("collector/journal.sqlite");
    let journal = Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut query = journal.prepare("SELECT entry_index, public, private FROM entry")?;
    let mut rows = query.query([])?;
    let mut halves = Vec::new();
    while let Some(row) = rows.next()? {
        let index: i64 = row.get(0)?;
        for (column, half) in [(1, "public"), (2, "private")] {
            let packed: Vec<u8> = row.get(column)?;
            let bytes = zstd::decode_all(packed.as_slice())?;
            halves.push((format!("entry {index}, {half}"), bytes));
        }
    }
    Ok(halves)
}

/// The agent's secret key, as bytes and as text.
pub(super) fn secrets(planted: &Planted) -> Result<Vec<Needle>, Failed> {
    let line = std::fs::read_to_string(planted.home().join("agent/identity.key"))?;
    let digits = line.split_whitespace().last();
    let digits = digits.filter(|digits| digits.len() == 64);
    let digits = digits.ok_or("a key without its bytes")?;
    let mut needles = needles::of_text("the agent's secret key", &hex::decode(digits)?);
    needles.extend(needles::of_text(
        "the agent's secret key",
        digits.as_bytes(),
    ));
    Ok(needles)
}

/// A page with all forms of all that is planted.
fn page(mark: &str) -> String {
    let mut page = format!("<title>{mark} Welcome {DEVICE_NAME} at 36.37.1.2</title> {MAC}\n");
    for (number, form) in all_forms().iter().enumerate() {
        let _ = writeln!(page, "<a href=\"/x?n={number}&ip={form}\">x</a>");
    }
    page
}

fn all_forms() -> Vec<String> {
    let addresses = device().into_iter().flat_map(needles::forms);
    addresses
        .chain(needles::forms_of_name(DEVICE_NAME))
        .collect()
}

/// A portal before the collector's measurement server, whose empty page is looked for.
fn portal() -> String {
    let page = page("planted-portal");
    format!(
        r#"
[[host]]
name = "portal"
addresses = ["203.189.129.40"]
up = {{ delay_ms = 10 }}
down = {{ delay_ms = 10 }}

[[service]]
host = "portal"
kind = "http"
port = 8081
page = [{{ headers = {{ x-client = "{DEVICE_NAME} 36.37.1.2" }}, body = {page:?} }}]

[[middlebox]]
action = "divert"
to = "203.189.129.40"
port = 8081
"#
    )
}

/// What Locate says, with a token in its URLs.
fn located() -> String {
    let token = TOKENS[0];
    let url = |direction: &str| {
        format!("ws://collector.test:8081/ndt/v7/{direction}?access_token={token}&index=0")
    };
    let (down, up) = (url("download"), url("upload"));
    format!(
        r#"{{"results": [{{"machine": "planted-machine", "location": {{"city": "Planted", "country": "KH"}},
        "urls": {{"ws:///ndt/v7/download": "{down}", "ws:///ndt/v7/upload": "{up}"}}}}]}}"#
    )
}

/// A host that puts what it knows of the device into everything, and the names that lead to it and to the
/// device itself.
fn planter() -> String {
    let page = page("planted-body");
    let located = located();
    let mut headers = String::new();
    for (number, some) in all_forms().chunks(FORMS_PER_HEADER).enumerate() {
        let _ = write!(headers, "x-planted-{number} = {:?}, ", some.join(" "));
    }
    let away = "/planted-away/sokhas-laptop/36.37.1.2/36%2E37%2e1.2?ip=36.37.1.2&t=eyJpcCI6IjM2LjM3LjEuMiJ9";
    format!(
        r#"
identity = "{DEVICE_NAME} 36.37.1.2 {MAC}"

[[host]]
name = "planter"
addresses = ["203.189.129.40"]
names = ["planted.test", "planted-alias-{LINE}.isp.test"]
up = {{ delay_ms = 10 }}
down = {{ delay_ms = 10 }}

[[name]]
name = "cname.planted.test"
cname = "planted-alias-{LINE}.isp.test"

[[name]]
name = "self.planted.test"
addresses = ["36.37.1.2"]

[[service]]
host = "planter"
kind = "http"
[[service.page]]
path = "/body"
body = {page:?}
[[service.page]]
path = "/headers"
headers = {{ {headers} set-cookie = "you=36.37.1.2" }}
body = "nothing here"
[[service.page]]
path = "/away"
status = 302
headers = {{ location = "https://planted.test{away}" }}

[[service]]
host = "planter"
kind = "https"
certificate = {{ names = ["planted.test", "planted-certificate-{LINE}.isp.test"] }}
page = [{{ path = "/v2/nearest/ndt/ndt7", body = {located:?} }}, {{ body = {page:?} }}]
"#
    )
}
