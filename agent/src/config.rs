//! The agent's configuration: one TOML file, defaults as named constants, every problem at once.
//!
//! Precedence: flag > environment (secrets only, see `cli`) > file > default.
mod dns_integrity;
mod gates;
mod openness;

use crate::budget::Allowance;
use crate::experiments;
use crate::locate;
use crate::seat::Seat;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use tonle_evidence::record::{PlaceKind, QuotaState, Technology};
use tonle_evidence::strict_json::MAX_INTEGER;
use tonle_evidence::toml_text;
use tonle_wire::stamp::Key;
use tonle_wire::stamp::key::KEY_MIN_BYTES;
use url::Url;

pub use dns_integrity::DnsIntegrityConfig;
pub use gates::GatesConfig;
pub use openness::OpennessConfig;

/// Where state lives unless something else is said, below the working directory.
pub const DATA_DIR: &str = "tonle-agent-data";
/// Bytes of unsent records on disk.
pub const SPOOL_MAX_BYTES: u64 = 64 << 20;
/// Age of an unsent record, seconds: 90 days (openness records: see [`OPENNESS_MAX_AGE_S`]).
pub const SPOOL_MAX_AGE_S: u64 = 90 * 86_400;
/// Age at which anything about openness leaves the device, seconds: seven days.
pub const OPENNESS_MAX_AGE_S: u64 = 7 * 86_400;
/// Time between two rounds of the light experiments, seconds.
pub const INTERVAL_S: u64 = 3_600;
/// Time between two throughput runs, seconds: they are heavy.
pub const THROUGHPUT_INTERVAL_S: u64 = 6 * 3_600;
/// Shortest time between two rounds, seconds: targets are other people's servers.
const INTERVAL_MIN_S: u64 = 300;
/// Longest time between two rounds, seconds: each local day has one.
const INTERVAL_MAX_S: u64 = 86_400;
/// Smallest spool, bytes: one record of the largest size must fit.
const SPOOL_MIN_BYTES: u64 = 2 << 20;
/// Where the system lists its resolvers.
pub const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Everything a person may set; see `configs/agent.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Holds all state of the agent.
    pub data_dir: PathBuf,
    /// ISO 3166-2 code of the place; wins over what was chosen at joining.
    pub province: Option<String>,
    /// The kind of place.
    pub place: Option<PlaceKind>,
    /// The operator's id, as the country's list names it.
    pub operator: Option<String>,
    /// The access technology.
    pub technology: Option<Technology>,
    /// Advertised download rate, bit/s.
    pub plan_download_bps: Option<i64>,
    /// Advertised upload rate, bit/s.
    pub plan_upload_bps: Option<i64>,
    /// Whether the plan's volume is used up.
    pub quota: Option<QuotaState>,
    /// Whether the line costs by volume.
    pub metered: Option<bool>,
    /// Whether throughput transfers end as soon as their rate is known well enough; absent: unless
    /// the line is declared unmetered.
    pub early_stop: Option<bool>,
    /// Bytes the agent may use in one calendar month; absent: as [`Allowance`] says of the line.
    pub monthly_budget_bytes: Option<u64>,
    /// Bytes one run may use; absent: as [`Allowance`] says of the line.
    pub run_max_bytes: Option<u64>,
    /// Bytes of unsent records kept.
    pub spool_max_bytes: u64,
    /// Age of unsent records kept, seconds.
    pub spool_max_age_s: u64,
    /// A CSV file in place of the collector's signed lists.
    pub targets: Option<PathBuf>,
    /// A file in place of [`RESOLV_CONF`].
    pub resolv_conf: Option<PathBuf>,
    /// A PEM file with roots beside the built-in ones.
    pub extra_roots: Option<PathBuf>,
    /// Whether loopback and private addresses may be measured: tests and laboratories.
    pub allow_loopback: bool,
    /// Names of the experiments of a round; absent: all that are on by default.
    pub experiments: Option<Vec<String>>,
    /// ndt7 server in place of the collector's, `ws://` or `wss://`; or a Locate service that names
    /// servers: `locate` for M-Lab's, or an `https://` URL.
    pub throughput_server: Option<String>,
    /// A file with the key, in hexadecimal digits, that reflectors named `stamp://…` share with this
    /// device; absent: they are asked in open mode.
    pub stamp_key_file: Option<PathBuf>,
    /// Time between two rounds, seconds.
    pub interval_s: u64,
    /// Time between two throughput runs, seconds.
    pub throughput_interval_s: u64,
    /// Local hour (0 to 23) from which nothing is measured.
    pub quiet_from_hour: Option<u8>,
    /// Local hour (0 to 23) from which it is measured again.
    pub quiet_until_hour: Option<u8>,
    /// Never ask for, hold or measure openness targets, whatever was accepted.
    pub qos_only: bool,
    /// What the membership is for; the program says so, no file does.
    #[serde(skip)]
    pub seat: Seat,
    /// What visits to pages are compared with.
    pub openness: OpennessConfig,
    /// What is checked around each openness run.
    pub gates: GatesConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: DATA_DIR.into(),
            province: None,
            place: None,
            operator: None,
            technology: None,
            plan_download_bps: None,
            plan_upload_bps: None,
            quota: None,
            metered: None,
            early_stop: None,
            monthly_budget_bytes: None,
            run_max_bytes: None,
            spool_max_bytes: SPOOL_MAX_BYTES,
            spool_max_age_s: SPOOL_MAX_AGE_S,
            targets: None,
            resolv_conf: None,
            extra_roots: None,
            allow_loopback: false,
            experiments: None,
            throughput_server: None,
            stamp_key_file: None,
            interval_s: INTERVAL_S,
            throughput_interval_s: THROUGHPUT_INTERVAL_S,
            quiet_from_hour: None,
            quiet_until_hour: None,
            qos_only: false,
            seat: Seat::default(),
            openness: OpennessConfig::default(),
            gates: GatesConfig::default(),
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
    #[error("config: {}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Config {
    /// Reads a file; says nothing of the values, see [`Config::validate`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            reason: toml_text::reason(&text, &error),
        })
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Checks every value and reports every problem at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        self.check_amounts(&mut problems);
        self.check_times(&mut problems);
        self.check_names(&mut problems);
        self.check_files(&mut problems);
        self.openness.check(self.allow_loopback, &mut problems);
        self.gates.check(&mut problems);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Invalid(problems))
        }
    }

    /// What a line may be used for: as configured, else by whether it costs by volume. What nobody
    /// declared unmetered may.
    #[must_use]
    pub fn allowance(&self, metered: Option<bool>) -> Allowance {
        let usual = match metered {
            Some(false) => Allowance::UNMETERED,
            Some(true) | None => Allowance::METERED,
        };
        let of_device = self.monthly_budget_bytes.unwrap_or(usual.monthly_bytes);
        let monthly_bytes = self.seat.part_of(of_device);
        Allowance {
            monthly_bytes,
            run_max_bytes: self
                .run_max_bytes
                .unwrap_or(usual.run_max_bytes.min(monthly_bytes)),
        }
    }

    /// The key for reflectors of others, where one is configured.
    pub fn stamp_key(&self) -> Result<Option<Key>, ConfigError> {
        let Some(path) = &self.stamp_key_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.clone(),
            source,
        })?;
        let key = hex::decode(text.trim()).ok().map(Key::new);
        let Some(Ok(key)) = key else {
            return Err(ConfigError::Invalid(vec![format!(
                "`stamp_key_file` names {}, which does not hold a key: at least {} hexadecimal digits",
                path.display(),
                2 * KEY_MIN_BYTES
            )]));
        };
        Ok(Some(key))
    }

    fn check_amounts(&self, problems: &mut Vec<String>) {
        if self.run_max_bytes == Some(0) {
            problems.push("`run_max_bytes` must be above 0".into());
        }
        let monthly_bytes = self.allowance(self.metered).monthly_bytes;
        if let Some(run_bytes) = self.run_max_bytes.filter(|bytes| *bytes > monthly_bytes) {
            problems.push(format!(
                "`run_max_bytes` ({run_bytes}) is more than `monthly_budget_bytes` ({monthly_bytes})"
            ));
        }
        if self.spool_max_bytes < SPOOL_MIN_BYTES {
            problems.push(format!(
                "`spool_max_bytes` must be at least {SPOOL_MIN_BYTES}"
            ));
        }
        let rates = [
            ("plan_download_bps", self.plan_download_bps),
            ("plan_upload_bps", self.plan_upload_bps),
        ];
        for (name, rate) in rates {
            if rate.is_some_and(|rate| !(1..=MAX_INTEGER).contains(&rate)) {
                problems.push(format!("`{name}` must be above 0 bit/s"));
            }
        }
    }

    fn check_times(&self, problems: &mut Vec<String>) {
        let intervals = [
            ("interval_s", self.interval_s),
            ("throughput_interval_s", self.throughput_interval_s),
        ];
        for (name, interval_s) in intervals {
            if !(INTERVAL_MIN_S..=INTERVAL_MAX_S).contains(&interval_s) {
                problems.push(format!(
                    "`{name}` must be between {INTERVAL_MIN_S} and {INTERVAL_MAX_S} seconds"
                ));
            }
        }
        if self.spool_max_age_s == 0 {
            problems.push("`spool_max_age_s` must be above 0".into());
        }
        match (self.quiet_from_hour, self.quiet_until_hour) {
            (None, None) => {}
            (Some(from), Some(until)) if from < 24 && until < 24 && from != until => {}
            _ => problems.push(
                "`quiet_from_hour` and `quiet_until_hour` go together: two different hours from 0 to 23"
                    .into(),
            ),
        }
    }

    fn check_names(&self, problems: &mut Vec<String>) {
        if self
            .province
            .as_deref()
            .is_some_and(|code| !is_province_code(code))
        {
            problems.push("`province` must be an ISO 3166-2 code: two letters, a hyphen, and up to three letters or digits".into());
        }
        for name in self.experiments.iter().flatten() {
            if experiments::by_name(name).is_none() {
                problems.push(format!(
                    "`experiments` names '{name}', which is none of {}",
                    experiment_names()
                ));
            }
        }
        let is_server = |text: &String| {
            let is_ndt7 = Url::parse(text)
                .is_ok_and(|url| matches!(url.scheme(), "ws" | "wss") && url.has_host());
            let service = locate::service_of(text);
            is_ndt7 || service.is_some_and(|url| url.scheme() == "https" || self.allow_loopback)
        };
        if self
            .throughput_server
            .as_ref()
            .is_some_and(|text| !is_server(text))
        {
            problems.push(
                "`throughput_server` must be a ws:// or wss:// URL, or a Locate service: `locate` or an https:// URL"
                    .into(),
            );
        }
    }

    fn check_files(&self, problems: &mut Vec<String>) {
        if self.data_dir.as_os_str().is_empty() {
            problems.push("`data_dir` must not be empty".into());
        }
        let files = [
            ("targets", &self.targets),
            ("resolv_conf", &self.resolv_conf),
            ("extra_roots", &self.extra_roots),
            ("stamp_key_file", &self.stamp_key_file),
        ];
        for (name, file) in files {
            if let Some(path) = file.as_ref().filter(|path| !path.is_file()) {
                problems.push(format!(
                    "`{name}` names {}, which is not a file",
                    path.display()
                ));
            }
        }
    }
}

/// Every experiment by name, for messages.
#[must_use]
pub fn experiment_names() -> String {
    let names: Vec<&str> = experiments::ALL.iter().map(|one| one.meta().name).collect();
    names.join(", ")
}

/// True for the form of an ISO 3166-2 code; whether the place exists, the country's list says.
#[must_use]
pub fn is_province_code(code: &str) -> bool {
    let Some((country, subdivision)) = code.split_once('-') else {
        return false;
    };
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=3).contains(&subdivision.len())
        && subdivision
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
