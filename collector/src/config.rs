//! The collector's configuration: one TOML file, defaults as named constants, every problem at once.
//!
//! Precedence: flag > file > default. It holds no secret: keys live in the data directory.
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use url::Url;

/// Where state lives unless something else is said, below the working directory.
pub const DATA_DIR: &str = "tonle-collector-data";
/// Pages and API.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Metrics of the instance: for whoever operates it, so on loopback.
pub const METRICS_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9091);
/// The ndt7 measurement server.
pub const NDT7_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

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
    /// Address of the ndt7 measurement server.
    pub ndt7_listen: SocketAddr,
    /// Where agents and browsers reach this collector; absent: `listen`, as it is bound.
    pub public_url: Option<String>,
    /// Where agents reach the ndt7 server; absent: `ndt7_listen`, as it is bound.
    pub ndt7_public_url: Option<String>,
    /// A folder of country data in place of the built-in one.
    pub country_dir: Option<PathBuf>,
    /// A CSV file of targets in place of the country's.
    pub targets: Option<PathBuf>,
    /// Table of networks: `MaxMind` form (`.mmdb`), or ip2asn `.tsv`, plain or gzip.
    pub asn_table: Option<PathBuf>,
    /// Networks (CIDR) of the only peers whose `Forwarded` is believed.
    pub trusted_proxies: Vec<String>,
    /// Certificate chain, PEM; with `tls_key`, the web listener and the ndt7 server speak TLS.
    pub tls_cert: Option<PathBuf>,
    /// Private key, PEM.
    pub tls_key: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: DATA_DIR.into(),
            listen: LISTEN,
            metrics_listen: METRICS_LISTEN,
            ndt7_listen: NDT7_LISTEN,
            public_url: None,
            ndt7_public_url: None,
            country_dir: None,
            targets: None,
            asn_table: None,
            trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
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
            reason: error.to_string().trim_end().to_owned(),
        })
    }

    /// Checks every value and reports every problem at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        let listeners = [self.listen, self.metrics_listen, self.ndt7_listen];
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
            "ndt7_public_url",
            self.ndt7_public_url.as_deref(),
            ["ws", "wss"],
        ));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Invalid(problems))
        }
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
            "listen = '127.0.0.1:80'\nmetrics_listen = '127.0.0.1:80'\ntls_cert = 'a'",
        )
        .unwrap();
        let message = config.validate().unwrap_err().to_string();
        for part in ["127.0.0.1:80", "tls_key"] {
            assert!(message.contains(part), "{part} in: {message}");
        }
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
