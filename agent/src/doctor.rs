//! What the device permits and reaches, each finding with its remedy.
use crate::budget::THROUGHPUT_MIN_BYTES;
use crate::categories::Categories;
use crate::config::{Config, RESOLV_CONF};
use crate::consent::Consent;
use crate::context::System;
use crate::context::daemons::{self, Told};
use crate::files::DiskFiles;
use crate::http;
use crate::identity::Enrolment;
use crate::status::line::LineNow;
use crate::{seat, status};
use serde::Serialize;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tonle_evidence::category::Category;
use tonle_evidence::record::{ClockState, Stream};
use tonle_net::datadir::MARKER;
use tonle_net::icmp::{self, Reach};
use tonle_net::settings::NetSettings;
use tonle_net::{clock_state, resolv_conf, roots};

/// Bit of `CAP_NET_RAW` in the capability sets of `/proc/self/status` (`linux/capability.h`).
const CAP_NET_RAW: u32 = 13;

/// Longest wait for the echo of the collector's machine.
const ECHO_TIMEOUT: Duration = Duration::from_secs(2);

/// How a finding looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, with less.
    Fair,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub about: &'static str,
    /// How it looks.
    pub health: Health,
    /// What was found, and the remedy where there is something to mend.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.health {
            Health::Good => "good",
            Health::Fair => "fair",
            Health::Bad => "bad ",
        };
        write!(f, "{word}  {:<10} {}", self.about, self.text)
    }
}

/// Looks at everything. Contacts nobody but the collector that was joined.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let told = daemons::told_now(&System::default()).await;
    let mut findings = vec![
        data_dir(&config.data_dir),
        icmp(
            &fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default(),
            &fs::read_to_string("/proc/self/status").unwrap_or_default(),
        ),
        clock(clock_state::state()),
        resolvers(config),
        consent(config),
        line(config, &told),
        budget(config, &told),
        collector("collector", config).await,
    ];
    if seat::has_second(&config.data_dir) {
        findings.push(collector("openness", &seat::second(config)).await);
    }
    findings
}

fn finding(about: &'static str, health: Health, text: impl Into<String>) -> Finding {
    Finding {
        about,
        health,
        text: text.into(),
    }
}

fn data_dir(path: &Path) -> Finding {
    let about = "data";
    match path.join(MARKER).try_exists() {
        Ok(true) => finding(
            about,
            Health::Good,
            format!("{} is an agent's", path.display()),
        ),
        Ok(false) => finding(
            about,
            Health::Bad,
            format!(
                "there is no agent in {}; check --data, or join first",
                path.display()
            ),
        ),
        Err(error) => finding(
            about,
            Health::Bad,
            format!("cannot read {}: {error}; run as its owner", path.display()),
        ),
    }
}

/// Whether ICMP echo is permitted: by datagram socket for the groups in `ping_group_range`, else by
/// capability; else latency is measured by TCP connects and the records say so.
fn icmp(ping_group_range: &str, process_status: &str) -> Finding {
    let about = "icmp";
    let groups = groups_of(process_status);
    let bounds: Vec<u64> = ping_group_range
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    if let [first, last] = bounds[..]
        && groups.iter().any(|group| (first..=last).contains(group))
    {
        return finding(about, Health::Good, "permitted by ping_group_range");
    }
    if has_raw_sockets(process_status) {
        return finding(about, Health::Good, "permitted by CAP_NET_RAW");
    }
    finding(
        about,
        Health::Fair,
        "not permitted, so latency is measured by TCP connects; to permit it: sysctl -w net.ipv4.ping_group_range='0 2147483647', or start with the packaged systemd unit",
    )
}

/// Effective and further group ids of `/proc/self/status`.
fn groups_of(process_status: &str) -> Vec<u64> {
    let words = |name: &str| {
        let line = process_status
            .lines()
            .find_map(|line| line.strip_prefix(name));
        let words = line.unwrap_or_default().split_whitespace();
        words
            .filter_map(|word| word.parse::<u64>().ok())
            .collect::<Vec<u64>>()
    };
    let effective = words("Gid:").get(1).copied();
    effective.into_iter().chain(words("Groups:")).collect()
}

fn has_raw_sockets(process_status: &str) -> bool {
    let line = process_status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"));
    let set = line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    set.is_some_and(|set| set >> CAP_NET_RAW & 1 == 1)
}

fn clock(state: ClockState) -> Finding {
    let about = "clock";
    match state {
        ClockState::Synchronised => finding(about, Health::Good, "synchronised"),
        ClockState::Unsynchronised => finding(
            about,
            Health::Fair,
            "not synchronised, so results count only once the offset to the collector is known; switch NTP on: timedatectl set-ntp true",
        ),
        ClockState::Unknown => finding(
            about,
            Health::Fair,
            "the system does not tell whether it is synchronised; run an NTP service such as systemd-timesyncd",
        ),
    }
}

fn resolvers(config: &Config) -> Finding {
    let about = "resolvers";
    let path = config
        .resolv_conf
        .as_deref()
        .unwrap_or(Path::new(RESOLV_CONF));
    match resolv_conf::read(path) {
        Err(error) => finding(about, Health::Bad, error.to_string()),
        Ok(found) if found.is_empty() => finding(
            about,
            Health::Bad,
            format!(
                "{} names none; connect to a network or add a nameserver line",
                path.display()
            ),
        ),
        Ok(found) => finding(
            about,
            Health::Good,
            format!("{} in {}", found.len(), path.display()),
        ),
    }
}

fn consent(config: &Config) -> Finding {
    let about = "consent";
    let of_openness = seat::of_stream(config, Stream::Openness).data_dir;
    let consent = Consent::load(&config.data_dir).and_then(|mut consent| {
        consent.openness = Consent::load(&of_openness)?.openness;
        Ok(consent)
    });
    match consent {
        Err(error) => finding(about, Health::Bad, error.to_string()),
        Ok(consent) if !consent.allows(Stream::Quality) => finding(
            about,
            Health::Bad,
            "the present text was not agreed to, so nothing is measured; join, or run `tonle agent consent`",
        ),
        Ok(consent) if consent.allows(Stream::Openness) && !config.qos_only => {
            match Categories::load(&config.data_dir, config) {
                Ok(chosen) => finding(
                    about,
                    Health::Good,
                    format!(
                        "quality and openness; {} of {} categories of sites are visited",
                        Category::ALL.len() - chosen.all_off().len(),
                        Category::ALL.len()
                    ),
                ),
                Err(error) => finding(about, Health::Bad, error.to_string()),
            }
        }
        Ok(consent) if consent.accepted(Stream::Openness).is_some() && !config.qos_only => finding(
            about,
            Health::Fair,
            "quality only: the text about openness has changed since it was agreed to; read it and agree again with `tonle agent consent`",
        ),
        Ok(_) => finding(about, Health::Good, "quality only"),
    }
}

/// What the device and the system's daemons know of the line.
fn line(config: &Config, told: &Told) -> Finding {
    let about = "line";
    let declared = match status::declared(config) {
        Ok(declared) => declared,
        Err(error) => return finding(about, Health::Bad, format!("{error:#}")),
    };
    let line = LineNow::look(config, declared, told);
    let remedy = match &told.modem {
        Some(modem) if !modem.tells_signal() => {
            "; the modem says nothing of its signal; to let it: mmcli -m any --signal-setup=30"
        }
        None if line.interface == "cellular" => {
            "; nothing is known of its radio, for which ModemManager would have to run"
        }
        _ => "",
    };
    let health = if remedy.is_empty() {
        Health::Good
    } else {
        Health::Fair
    };
    finding(about, health, format!("{line}{remedy}"))
}

/// Whether the month's data allows the next throughput run, and what it may cost.
fn budget(config: &Config, told: &Told) -> Finding {
    let about = "budget";
    let offset_s = match Enrolment::load(&DiskFiles::new(&config.data_dir)) {
        Ok(Some(enrolment)) => enrolment.enrolled.country.utc_offset_s,
        _ => 0,
    };
    match status::budget(config, offset_s, told) {
        Err(error) => finding(about, Health::Bad, format!("{error:#}")),
        Ok(budget) if budget.available_bytes < THROUGHPUT_MIN_BYTES => finding(
            about,
            Health::Fair,
            format!(
                "{} bytes are left for now, so no throughput runs; wait, or raise `monthly_budget_bytes` ({})",
                budget.available_bytes, budget.monthly_budget_bytes
            ),
        ),
        Ok(budget) => finding(
            about,
            Health::Good,
            format!(
                "{} bytes are left for now; throughput: {}",
                budget.available_bytes,
                budget.of_a_throughput_run()
            ),
        ),
    }
}

async fn collector(about: &'static str, config: &Config) -> Finding {
    let enrolment = match Enrolment::load(&DiskFiles::new(&config.data_dir)) {
        Ok(Some(enrolment)) => enrolment,
        Ok(None) => {
            return finding(
                about,
                Health::Bad,
                "not joined; run `tonle agent join` with an invitation",
            );
        }
        Err(error) => return finding(about, Health::Bad, error.to_string()),
    };
    match healthz(config, &enrolment).await {
        Ok(()) => finding(about, Health::Good, "answers"),
        Err(reason) => finding(
            about,
            Health::Bad,
            format!(
                "{reason}{}; records wait on this device until it answers; check the network, or tell whoever runs it",
                host_state(config, &enrolment).await
            ),
        ),
    }
}

/// Whether the machine behind the collector answers at all, as far as this device may ask: that
/// tells a service that is down from a network that does not get there.
async fn host_state(config: &Config, enrolment: &Enrolment) -> &'static str {
    let url = enrolment
        .collectors
        .first()
        .expect("an enrolment names a collector");
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((bare, 0)).await;
    let Some(address) = found.ok().and_then(|mut found| found.next()) else {
        return "; its name leads to no address";
    };
    let Ok(roots) = roots::load(config.extra_roots.as_deref()) else {
        return "";
    };
    let settings = NetSettings {
        resolvers: Vec::new(),
        public_resolvers: Vec::new(),
        roots,
        allow_loopback: true,
    };
    match icmp::reachable(&settings, address.ip(), ECHO_TIMEOUT).await {
        Reach::Answers => "; its machine answers an echo, so the service itself is down",
        Reach::Silent => "; its machine answers no echo either",
        Reach::MayNotAsk => "",
    }
}

async fn healthz(config: &Config, enrolment: &Enrolment) -> Result<(), String> {
    let roots = roots::load(config.extra_roots.as_deref()).map_err(|error| error.to_string())?;
    let client = http::client(roots).map_err(|error| error.to_string())?;
    let collector = enrolment
        .collectors
        .first()
        .expect("an enrolment names a collector");
    let url = collector
        .join("healthz")
        .map_err(|error| error.to_string())?;
    let answer = client
        .get(url)
        .send()
        .await
        .map_err(|error| http::reason(&error))?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(format!(
        "it answers with status {}",
        answer.status().as_u16()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATUS: &str = "Name:\ttonle-agent\nGid:\t1000\t1000\t1000\t1000\nGroups:\t4 27 1000 \nCapEff:\t0000000000000000\n";

    #[test]
    fn icmp_is_permitted_by_group_or_by_capability_and_else_explained() {
        assert_eq!(icmp("0\t2147483647\n", STATUS).health, Health::Good);
        assert_eq!(icmp("27\t27\n", STATUS).health, Health::Good);
        let closed = icmp("1\t0\n", STATUS);
        assert_eq!(closed.health, Health::Fair);
        assert!(closed.text.contains("ping_group_range"), "{closed}");
        let capable = STATUS.replace("CapEff:\t0000000000000000", "CapEff:\t0000000000002000");
        assert_eq!(icmp("1\t0\n", &capable).health, Health::Good);
    }

    #[test]
    fn a_clock_that_nobody_sets_has_a_remedy() {
        assert!(clock(ClockState::Unsynchronised).text.contains("set-ntp"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(range in ".*", status in "[ -~\n\t]{0,200}") {
            let _ = icmp(&range, &status);
        }
    }
}
