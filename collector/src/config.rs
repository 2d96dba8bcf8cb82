//! The collector's configuration: one TOML file, defaults as named constants, every problem at once.
//!
//! Precedence: flag > file > default. It holds no secret: keys live in the data directory.
use crate::incidents::IncidentsConfig;
use crate::ingest::Limits;
use crate::ingest::ooni::OoniConfig;
use crate::ingest::source::{Cidr, NotACidr};
use crate::limit::Rate;
use crate::lists::{self, ListConfig};
use crate::servers::{CONTROL_PATH, ServersConfig};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tonle_evidence::record::Stream;
use tonle_evidence::targets::CONTROLS_MAX;
use url::{Host, Url};

/// Where state lives unless something else is said, below the working directory.
pub const DATA_DIR: &str = "tonle-collector-data";
/// Pages and API.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Metrics of the instance: for whoever operates it, so on loopback.
pub const METRICS_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9091);
/// Batches per second from one network; ten times as many at once.
pub const BATCHES_PER_NETWORK_PER_S: u32 = 50;
/// Enrolments per minute from one network; as many at once.
pub const ENROLMENTS_PER_NETWORK_PER_MIN: u32 = 60;
/// Records per second of one key; `KEY_BURST_S` seconds' worth at once.
pub const RECORDS_PER_KEY_PER_S: u32 = 50;
/// A device that was offline for weeks sends its whole spool at once.
const KEY_BURST_S: f64 = 400.0;

/// Everything an operator may set; see `configs/collector.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Holds all state of the collector.
    pub data_dir: PathBuf,
    /// Address of pages, API and intake.
    pub listen: SocketAddr,
    /// Address of `/metrics`.
    pub metrics_listen: SocketAddr,
    /// Where agents and browsers reach this collector; absent: `listen`, as it is bound.
    pub public_url: Option<String>,
    /// A folder of country data in place of the built-in one.
    pub country_dir: Option<PathBuf>,
    /// A CSV file of targets in place of the country's.
    pub targets: Option<PathBuf>,
    /// Control servers that agents are told to ask, by URL, beside the one of the measurement servers.
    pub controls: Vec<String>,
    /// Table of networks: `MaxMind` form (`.mmdb`), or ip2asn `.tsv`, plain or gzip.
    pub asn_table: Option<PathBuf>,
    /// Networks (CIDR) of the only peers whose `Forwarded` is believed.
    pub trusted_proxies: Vec<String>,
    /// Certificate chain, PEM; with `tls_key`, the web listener and the measurement servers speak TLS.
    pub tls_cert: Option<PathBuf>,
    /// Private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Most batches per second from one network (/24 or /48).
    pub batches_per_network_per_s: u32,
    /// Most enrolments per minute from one network.
    pub enrolments_per_network_per_min: u32,
    /// Most records per second of one key, over a long time.
    pub records_per_key_per_s: u32,
    /// The measurement servers.
    pub servers: ServersConfig,
    /// Clients of OONI's.
    pub ooni: OoniConfig,
    /// The streams that are hosted here; records of others are refused.
    pub streams: Vec<Stream>,
    /// What agents that agreed to openness are asked to measure.
    pub openness: OpennessConfig,
    /// Incidents: how often they are looked for, who is alerted, who may reply.
    pub incidents: IncidentsConfig,
}

/// The openness list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpennessConfig {
    /// Lists of sites beside the country's own targets.
    pub lists: Vec<ListConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: DATA_DIR.into(),
            listen: LISTEN,
            metrics_listen: METRICS_LISTEN,
            public_url: None,
            country_dir: None,
            targets: None,
            controls: Vec::new(),
            asn_table: None,
            trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
            batches_per_network_per_s: BATCHES_PER_NETWORK_PER_S,
            enrolments_per_network_per_min: ENROLMENTS_PER_NETWORK_PER_MIN,
            records_per_key_per_s: RECORDS_PER_KEY_PER_S,
            servers: ServersConfig::default(),
            ooni: OoniConfig::default(),
            streams: Stream::ALL.to_vec(),
            openness: OpennessConfig::default(),
            incidents: IncidentsConfig::default(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read config file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML of the right keys.
    #[error("config file {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column and cause.
        reason: String,
    },
    /// Values that cannot be used, all of them.
    #[error("configuration: {}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Config {
    /// Reads a file. Its values are not checked yet: see [`Config::validate`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            reason: tonle_evidence::toml_text::reason(&text, &error),
        })
    }

    /// Checks every value and reports every problem at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        let mut listeners = vec![self.listen, self.metrics_listen];
        listeners.extend(self.servers.tcp_listeners());
        for (index, address) in listeners.iter().enumerate() {
            if address.port() != 0 && listeners[..index].contains(address) {
                problems.push(format!(
                    "two listeners on {address}: give each its own port"
                ));
            }
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            problems.push("tls_cert and tls_key go together: give both or neither".into());
        }
        problems.extend(wrong_url(
            "public_url",
            self.public_url.as_deref(),
            ["http", "https"],
        ));
        problems.extend(wrong_url(
            "servers.public_url",
            self.servers.public_url.as_deref(),
            ["ws", "wss"],
        ));
        problems.extend(wrong_url(
            "servers.files_url",
            self.servers.files_url.as_deref(),
            ["http", "https"],
        ));
        problems.extend(self.servers.problems());
        problems.extend(self.incidents.problems());
        problems.extend(self.stream_problems());
        problems.extend(self.wrong_controls());
        if let Err(error) = self.proxies() {
            problems.push(format!("trusted_proxies: {error}"));
        }
        problems.extend(self.missing_files());
        problems.extend(self.zero_rates());
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Invalid(problems))
        }
    }

    fn wrong_controls(&self) -> Vec<String> {
        let is_usable = |text: &str| {
            let url = Url::parse(text).ok();
            url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        let unusable = self.controls.iter().filter(|text| !is_usable(text));
        let mut problems: Vec<String> = unusable
            .map(|text| format!("controls: '{text}' must begin with https:// or http://"))
            .collect();
        if self.controls.len() >= CONTROLS_MAX {
            problems.push(format!(
                "controls: give fewer than {CONTROLS_MAX}; each asks for every page"
            ));
        }
        problems
    }

    fn stream_problems(&self) -> Vec<String> {
        let mut problems = lists::problems(&self.openness.lists);
        if self.streams.is_empty() {
            problems.push("streams must name quality, openness or both".to_owned());
        }
        if !self.openness.lists.is_empty() && !self.streams.contains(&Stream::Openness) {
            problems.push(
                "openness.lists are of no use where streams does not name openness".to_owned(),
            );
        }
        if self.ooni.accept && !self.streams.contains(&Stream::Openness) {
            problems
                .push("ooni.accept takes records of openness; name openness in streams".to_owned());
        }
        problems
    }

    fn missing_files(&self) -> impl Iterator<Item = String> {
        let files = [
            ("country_dir", &self.country_dir),
            ("targets", &self.targets),
            ("asn_table", &self.asn_table),
            ("tls_cert", &self.tls_cert),
            ("tls_key", &self.tls_key),
        ];
        files.into_iter().filter_map(|(key, path)| {
            let path = path.as_deref().filter(|path| !path.exists())?;
            Some(format!("{key}: {} does not exist", path.display()))
        })
    }

    fn zero_rates(&self) -> impl Iterator<Item = String> {
        let rates = [
            ("batches_per_network_per_s", self.batches_per_network_per_s),
            (
                "enrolments_per_network_per_min",
                self.enrolments_per_network_per_min,
            ),
            ("records_per_key_per_s", self.records_per_key_per_s),
        ];
        let zero = rates.into_iter().filter(|(_, rate)| *rate == 0);
        zero.map(|(key, _)| format!("{key} must be 1 or more"))
    }

    /// The proxies whose word is believed.
    pub fn proxies(&self) -> Result<Vec<Cidr>, NotACidr> {
        self.trusted_proxies
            .iter()
            .map(|text| text.parse())
            .collect()
    }

    /// How much may be sent.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let batches = f64::from(self.batches_per_network_per_s);
        let enrolments = f64::from(self.enrolments_per_network_per_min);
        let records = f64::from(self.records_per_key_per_s);
        Limits {
            batches_per_network: Rate::new(batches, batches * 10.0),
            enrolments_per_network: Rate::new(enrolments / 60.0, enrolments),
            records_per_key: Rate::new(records, records * KEY_BURST_S),
        }
    }

    /// Where agents and browsers reach the collector, ending in `/`, when it listens on `web`.
    /// Call after [`Config::validate`].
    #[must_use]
    pub fn public_url_at(&self, web: SocketAddr) -> Url {
        let scheme = if self.tls_cert.is_some() {
            "https"
        } else {
            "http"
        };
        let own = || format!("{scheme}://{}/", reachable(web));
        let text = self.public_url.clone().unwrap_or_else(own);
        Url::parse(&text).expect("validated, or made from an address")
    }

    /// Where agents reach the measurement servers: the place that is given, also when they run on
    /// another machine; else the public host when they listen on `servers` here.
    #[must_use]
    pub fn servers_url_at(&self, public_url: &Url, servers: Option<SocketAddr>) -> Option<String> {
        if let Some(url) = &self.servers.public_url {
            return Some(url.clone());
        }
        let servers = servers?;
        let scheme = if self.tls_cert.is_some() { "wss" } else { "ws" };
        let place = match (&self.public_url, public_url.host_str()) {
            (Some(_), Some(host)) => format!("{host}:{}", servers.port()),
            _ => reachable(servers).to_string(),
        };
        Some(format!("{scheme}://{place}/"))
    }

    /// The control servers that agents are told of: the one of the measurement servers at
    /// `servers_url`, and those that are given. One that only this machine reaches is not told: in the
    /// agent's own network it would see what the agent sees, and call what is blocked there down.
    #[must_use]
    pub fn controls_at(&self, servers_url: Option<&str>) -> Vec<String> {
        let own = servers_url
            .filter(|_| self.servers.control.enabled)
            .and_then(|url| Url::parse(&url.replacen("ws", "http", 1)).ok())
            .filter(|url| !is_loopback(url))
            .and_then(|url| url.join(CONTROL_PATH).ok());
        let own = own.map(String::from);
        own.into_iter().chain(self.controls.clone()).collect()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => true,
    }
}

/// An address that listens on all of them is reached from this machine by loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
    } else {
        address
    }
}

/// Says what is wrong with a base URL, if anything.
fn wrong_url(name: &str, url: Option<&str>, schemes: [&str; 2]) -> Option<String> {
    let url = url?;
    let fits = |parsed: Url| {
        schemes.contains(&parsed.scheme()) && parsed.has_host() && parsed.path().ends_with('/')
    };
    if Url::parse(url).is_ok_and(fits) {
        return None;
    }
    let [plain, secure] = schemes;
    Some(format!(
        "{name} '{url}' must begin with {plain}:// or {secure}:// and end with /"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sample_file_is_the_default() {
        let sample: Config = toml::from_str(include_str!("../../configs/collector.toml")).unwrap();
        assert_eq!(sample, Config::default());
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let config: Config = toml::from_str(
            "listen = '127.0.0.1:80'\nmetrics_listen = '127.0.0.1:80'\ntls_cert = 'a'\n[servers]\nmax_downloads = 0",
        )
        .unwrap();
        let message = config.validate().unwrap_err().to_string();
        for part in ["127.0.0.1:80", "tls_key", "servers.max_downloads"] {
            assert!(message.contains(part), "{part} in: {message}");
        }
    }

    #[test]
    fn what_the_configuration_names_must_be_there_and_be_readable() {
        let config = Config {
            trusted_proxies: vec!["not-an-address".into()],
            asn_table: Some("/nonexistent/table.tsv".into()),
            records_per_key_per_s: 0,
            ..Config::default()
        };
        let message = config.validate().unwrap_err().to_string();
        for part in ["trusted_proxies", "table.tsv", "records_per_key_per_s"] {
            assert!(message.contains(part), "{part} in: {message}");
        }
    }

    #[test]
    fn urls_follow_from_addresses_unless_they_are_given() {
        let config = Config::default();
        let url = config.public_url_at("0.0.0.0:8080".parse().unwrap());
        assert_eq!(url.as_str(), "http://127.0.0.1:8080/");
        let servers: Option<SocketAddr> = Some("0.0.0.0:8081".parse().unwrap());
        let here = config.servers_url_at(&url, servers);
        assert_eq!(here.as_deref(), Some("ws://127.0.0.1:8081/"));
        assert_eq!(config.servers_url_at(&url, None), None);
        let config = Config {
            public_url: Some("https://data.example.org/tonle/".into()),
            ..config
        };
        let url = config.public_url_at(LISTEN);
        assert_eq!(url.as_str(), "https://data.example.org/tonle/");
        let here = config.servers_url_at(&url, servers);
        assert_eq!(here.as_deref(), Some("ws://data.example.org:8081/"));
        let elsewhere: Config =
            toml::from_str("[servers]\npublic_url = 'wss://ndt.example.org/'").unwrap();
        let there = elsewhere.servers_url_at(&url, None);
        assert_eq!(there.as_deref(), Some("wss://ndt.example.org/"));
    }

    #[test]
    fn agents_are_told_of_controls_that_see_more_than_they() {
        let mut config = Config::default();
        let told = |config: &Config, url: &str| config.controls_at(Some(url)).join(" ");
        for here in [
            "ws://127.0.0.1:8081/",
            "ws://[::1]:8081/",
            "ws://localhost/",
        ] {
            assert_eq!(told(&config, here), "", "{here}");
        }
        let there = "wss://measure.example.org/tonle/";
        let own = "https://measure.example.org/tonle/control";
        assert_eq!(told(&config, there), own);
        config.controls = vec!["https://other.example/".to_owned()];
        assert_eq!(
            told(&config, there),
            format!("{own} https://other.example/")
        );
        config.servers.control.enabled = false;
        assert_eq!(told(&config, there), "https://other.example/");
        config.controls = vec!["other.example".to_owned(); 4];
        let message = config.validate().unwrap_err().to_string();
        assert!(message.contains("controls: 'other.example'"), "{message}");
        assert!(message.contains("controls: give fewer"), "{message}");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(toml::from_str::<Config>("lisen = '127.0.0.1:1'").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = toml::from_str::<Config>(&text).map(|config| config.validate());
        }
    }
}
