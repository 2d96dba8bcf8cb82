//! What an operator decides about the measurement servers: the table `[servers]` of the
//! configuration.
use super::control::ControlConfig;
use super::tokens;
use crate::ingest::source::{Cidr, NotACidr};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tonle_wire::ndt7::spec;
use url::Url;

/// The port of all protocols over HTTP.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);
/// Downloads at the same time by default: more would share the server's line, not measure theirs.
const MAX_DOWNLOADS: usize = 32;
/// Tests at the same time from one source by default. Generous, because carrier-grade NAT puts a
/// whole province behind one address.
const MAX_PER_SOURCE: usize = 8;
/// More tests than any server's line could carry.
const MAX_DOWNLOADS_LIMIT: usize = 10_000;
/// Congestion control of stock servers.
const CONGESTION_CONTROL: &str = "bbr";
/// Longest name of a congestion control (`TCP_CA_NAME_MAX` with its zero byte).
const CONGESTION_CONTROL_MAX_BYTES: usize = 15;

/// Settings of the measurement servers; see `configs/collector.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the file"
)]
pub struct ServersConfig {
    /// Address of the port that ndt7 and the other protocols over HTTP share.
    pub listen: SocketAddr,
    /// More addresses of the same port's protocols.
    pub listen_also: Vec<SocketAddr>,
    /// Where agents reach it; absent: `listen`, as it is bound.
    pub public_url: Option<String>,
    /// Where plain files of this machine are fetched, so that they look like nobody's tests: another
    /// name, or another port. Absent: where the tests are.
    pub files_url: Option<String>,
    /// Downloads of one protocol at the same time; more get 503. Uploads have twice the room, so
    /// that whoever got in for a download can finish its test.
    pub max_downloads: usize,
    /// Tests of one protocol at the same time from one IPv4 address or IPv6 /64; more get 429.
    /// Kept in memory while they run.
    pub max_per_source: usize,
    /// Whether tests of responsiveness are offered: each fills the line for half a minute, over up
    /// to sixteen connections.
    pub responsiveness: bool,
    /// Whether clients are told what reached this server, byte for byte.
    pub echo: bool,
    /// Congestion control asked of the kernel for each test, best effort; empty: the kernel's own.
    pub congestion_control: String,
    /// JSON Web Keys (files) that access tokens are checked with, whatever the protocol. With one or
    /// more, a token that is shown must be good.
    pub token_verify_keys: Vec<PathBuf>,
    /// What tokens call this machine (their audience).
    pub token_machine: Option<String>,
    /// Whether a test without a good token is refused.
    pub token_required: bool,
    /// Where finished ndt7 tests are kept in M-Lab's format, without the client's address; absent:
    /// nowhere.
    pub archive_dir: Option<PathBuf>,
    /// Whether there is a STAMP reflector.
    pub stamp: bool,
    /// Its UDP address; absent: the address and the port of `listen`.
    pub stamp_listen: Option<SocketAddr>,
    /// Networks (CIDR) whose packets are reflected without a session: private ones, for tests.
    pub stamp_open_networks: Vec<String>,
    /// The control server.
    pub control: ControlConfig,
    /// The protocol fixes it; only tests shorten it.
    #[serde(skip)]
    pub test_length: TestLength,
}

/// How long an ndt7 test takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestLength {
    /// From its handshake to the server's Close; the protocol's is 10 s.
    pub nominal: Duration,
    /// When a test that did not end is cut off; the protocol's is 15 s.
    pub hard_limit: Duration,
}

impl Default for TestLength {
    fn default() -> Self {
        Self {
            nominal: Duration::from_micros(spec::NOMINAL_US.unsigned_abs()),
            hard_limit: Duration::from_micros(spec::HARD_LIMIT_US.unsigned_abs()),
        }
    }
}

impl Default for ServersConfig {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            listen_also: Vec::new(),
            public_url: None,
            files_url: None,
            max_downloads: MAX_DOWNLOADS,
            max_per_source: MAX_PER_SOURCE,
            responsiveness: true,
            echo: true,
            congestion_control: CONGESTION_CONTROL.to_owned(),
            token_verify_keys: Vec::new(),
            token_machine: None,
            token_required: false,
            archive_dir: None,
            stamp: true,
            stamp_listen: None,
            stamp_open_networks: Vec::new(),
            control: ControlConfig::default(),
            test_length: TestLength::default(),
        }
    }
}

impl ServersConfig {
    /// Every TCP listener; no two may be the same.
    #[must_use]
    pub fn tcp_listeners(&self) -> Vec<SocketAddr> {
        let more = self.listen_also.iter().copied();
        std::iter::once(self.listen).chain(more).collect()
    }

    /// Every value that cannot be used, with its remedy. URLs are checked with all other URLs.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=MAX_DOWNLOADS_LIMIT).contains(&self.max_downloads) {
            problems.push(format!(
                "servers.max_downloads must be between 1 and {MAX_DOWNLOADS_LIMIT}"
            ));
        }
        if self.max_per_source == 0 {
            problems.push("servers.max_per_source must be 1 or more".to_owned());
        }
        if !is_algorithm_name(&self.congestion_control) {
            problems.push(format!(
                "servers.congestion_control '{}' must be a name such as bbr or cubic, or empty for \
                 the kernel's own",
                self.congestion_control
            ));
        }
        problems.extend(self.token_problems());
        if let Some(dir) = self.archive_dir.as_ref().filter(|dir| !dir.is_dir()) {
            problems.push(format!(
                "servers.archive_dir: {} is no folder",
                dir.display()
            ));
        }
        if let Err(error) = self.open_networks() {
            problems.push(format!("servers.stamp_open_networks: {error}"));
        }
        problems.extend(self.control.problems(self.listen));
        problems
    }

    /// Where files are fetched, if not where tests are. A URL that cannot be used is a problem of the
    /// configuration and no place.
    pub(super) fn files_place(&self) -> Option<Url> {
        self.files_url
            .as_deref()
            .and_then(|url| Url::parse(url).ok())
    }

    /// Where the STAMP reflector listens, if there is one.
    #[must_use]
    pub fn stamp_address(&self) -> Option<SocketAddr> {
        self.stamp.then(|| self.stamp_listen.unwrap_or(self.listen))
    }

    /// The networks whose open STAMP packets are reflected.
    pub(super) fn open_networks(&self) -> Result<Vec<Cidr>, NotACidr> {
        let networks = self.stamp_open_networks.iter();
        networks.map(|text| text.parse()).collect()
    }

    fn token_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let has_keys = !self.token_verify_keys.is_empty();
        if self.token_required && !has_keys {
            problems.push(
                "servers.token_required needs servers.token_verify_keys: nothing could be checked"
                    .to_owned(),
            );
        }
        if has_keys && self.token_machine.is_none() {
            problems.push(
                "servers.token_verify_keys needs servers.token_machine: the name of this machine in \
                 tokens"
                    .to_owned(),
            );
        }
        for path in &self.token_verify_keys {
            problems.extend(tokens::read_key(path).err());
        }
        problems
    }

    /// The congestion control to ask for, if any.
    pub(super) fn wanted_congestion_control(&self) -> Option<&str> {
        Some(self.congestion_control.as_str()).filter(|name| !name.is_empty())
    }
}

fn is_algorithm_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.len() <= CONGESTION_CONTROL_MAX_BYTES && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_server_can_do_is_a_problem_with_its_key() {
        let config = ServersConfig {
            max_downloads: 0,
            max_per_source: 0,
            congestion_control: "no such; name".to_owned(),
            token_required: true,
            archive_dir: Some("/nonexistent/archive".into()),
            stamp_open_networks: vec!["10.0.0.0/33".to_owned()],
            ..ServersConfig::default()
        };
        let problems = config.problems().join("\n");
        for key in [
            "max_downloads",
            "max_per_source",
            "congestion_control",
            "token_required",
            "archive_dir",
            "stamp_open_networks",
        ] {
            assert!(problems.contains(&format!("servers.{key}")), "{problems}");
        }
        assert!(ServersConfig::default().problems().is_empty());
    }

    #[test]
    fn keys_need_the_name_that_tokens_give_this_machine_and_must_be_keys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.json");
        std::fs::write(&path, "{}").unwrap();
        let config = ServersConfig {
            token_verify_keys: vec![path],
            ..ServersConfig::default()
        };
        let problems = config.problems().join("\n");
        for part in ["servers.token_machine", "key.json"] {
            assert!(problems.contains(part), "{part} in: {problems}");
        }
    }

    #[test]
    fn the_reflector_has_the_address_of_the_front_unless_it_has_its_own() {
        let of = |text: &str| {
            toml::from_str::<ServersConfig>(text)
                .unwrap()
                .stamp_address()
        };
        let front: SocketAddr = "192.0.2.1:8081".parse().unwrap();
        assert_eq!(of("listen = '192.0.2.1:8081'"), Some(front));
        let own = of("stamp_listen = '[::]:862'");
        assert_eq!(own, Some("[::]:862".parse().unwrap()));
        assert_eq!(of("stamp = false\nstamp_listen = '[::]:862'"), None);
    }

    #[test]
    fn an_empty_congestion_control_is_the_kernels_own() {
        let config: ServersConfig = toml::from_str("congestion_control = ''").unwrap();
        assert!(config.problems().is_empty());
        assert_eq!(config.wanted_congestion_control(), None);
        let stock = ServersConfig::default();
        assert_eq!(stock.wanted_congestion_control(), Some("bbr"));
    }
}
