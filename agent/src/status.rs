//! What a person sees of the agent. Read from the files, so that it works beside a running one.
pub mod line;

use crate::budget::Ledger;
use crate::categories::Categories;
use crate::config::Config;
use crate::consent::{Consent, Topic};
use crate::context::System;
use crate::context::daemons::Told;
use crate::device::is_running;
use crate::files::DiskFiles;
use crate::identity::Enrolment;
use crate::profile::{Declared, Profile};
use crate::refused::{Refused, RefusedStatus};
use crate::seat::{self, Seat};
use anyhow::{Context as _, bail};
use line::LineNow;
use serde::Serialize;
use std::fmt::{self, Write as _};
use std::path::Path;
use tonle_evidence::category::Category;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::record::{ProvinceKnown, Stream};
use tonle_net::clock::wall_us;

/// The folder of unsent records in a data directory.
const SPOOL: &str = "spool";

/// The whole state, for a person or a machine.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Where it is.
    pub data_dir: String,
    /// Whether an agent works on it now.
    pub running: bool,
    /// The collector; absent before joining.
    pub joined: Option<Joined>,
    /// Version agreed to, per stream.
    pub quality_consent: Option<String>,
    /// Version agreed to, per stream.
    pub openness_consent: Option<String>,
    /// Categories of sites that are not visited; absent where no site is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories_off: Option<Vec<Category>>,
    /// Version of the text about M-Lab's servers agreed to; absent by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mlab_consent: Option<String>,
    /// The second collector, which openness goes to; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openness: Option<Apart>,
    /// Openness is agreed to and goes nowhere: the collector takes no such records.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub openness_not_taken: bool,
    /// Version of the text about localisation agreed to; absent by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub localisation_consent: Option<String>,
    /// Place and line.
    pub place: Option<Place>,
    /// The line as the device sees it now.
    pub line: LineNow,
    /// The month's data.
    pub budget: Budget,
    /// Bytes of unsent records on disk, settled ones not yet removed included.
    pub spool_bytes: u64,
    /// Records the collector will never take.
    pub refused: RefusedStatus,
}

/// The collector joined.
#[derive(Debug, Serialize)]
pub struct Joined {
    /// Its address.
    pub collector: String,
    /// Our name there.
    pub key_id: String,
    /// How well we are known.
    pub tier: String,
    /// The device's own page; private, whoever has it sees this device's results.
    pub device_page: Option<String>,
}

/// What is apart for openness at a second collector.
#[derive(Debug, Serialize)]
pub struct Apart {
    /// The collector.
    #[serde(flatten)]
    pub joined: Joined,
    /// Its part of the month's data.
    pub budget: Budget,
    /// Bytes of unsent records on disk.
    pub spool_bytes: u64,
    /// Records that collector will never take.
    pub refused: RefusedStatus,
}

/// Place and line, as records say them now.
#[derive(Debug, Serialize)]
pub struct Place {
    /// ISO 3166-2 code, or the country's when none was chosen.
    pub province: String,
    /// Whether it counts.
    pub known: ProvinceKnown,
    /// The operator's id.
    pub operator: Option<String>,
    /// The access technology.
    pub technology: Option<String>,
    /// Ids to choose an operator from.
    pub operators: Vec<String>,
}

/// The month's data.
#[derive(Debug, Serialize)]
pub struct Budget {
    /// The month on the country's clock.
    pub month: Option<String>,
    /// Bytes used in it.
    pub used_bytes: u64,
    /// Bytes it may cost.
    pub monthly_budget_bytes: u64,
    /// Bytes that may be used right now.
    pub available_bytes: u64,
    /// Bytes one run may cost.
    pub run_max_bytes: u64,
    /// What throughput runs cost lately, an estimate of the next; absent before the first.
    pub throughput_bytes: Option<u64>,
}

/// Reads the state of the data directory; `told` is what the system's daemons say of the line.
pub fn read(config: &Config, told: &Told) -> anyhow::Result<Status> {
    let data_dir = &config.data_dir;
    if !data_dir.is_dir() {
        bail!(
            "there is no agent in {}; check --data, or join first",
            data_dir.display()
        );
    }
    let files = DiskFiles::new(data_dir);
    let enrolment = Enrolment::load(&files)?;
    let consent = Consent::load(data_dir)?;
    let of_openness = seat::of_stream(config, Stream::Openness);
    let apart = apart(&of_openness, told)?;
    let agreed = Consent::load(&of_openness.data_dir)?;
    let version = |stream| consent.version(stream).map(str::to_owned);
    let offset_s = enrolment
        .as_ref()
        .map_or(0, |one| one.enrolled.country.utc_offset_s);
    let openness_consent = agreed.version(Stream::Openness).map(str::to_owned);
    let openness_consent = openness_consent.filter(|_| !config.qos_only);
    let is_taken = |one: &Enrolment| one.enrolled.streams.contains(&Stream::Openness);
    let is_lost = apart.is_none() && enrolment.as_ref().is_some_and(|one| !is_taken(one));
    let categories = Categories::load(data_dir, config)?;
    Ok(Status {
        categories_off: openness_consent.as_ref().map(|_| categories.all_off()),
        data_dir: data_dir.display().to_string(),
        running: is_running(data_dir),
        quality_consent: version(Stream::Quality),
        openness_not_taken: is_lost && openness_consent.is_some(),
        localisation_consent: agreed
            .version(Topic::Localisation)
            .filter(|_| openness_consent.is_some())
            .map(str::to_owned),
        openness_consent,
        openness: apart,
        mlab_consent: consent.version(Topic::Mlab).map(str::to_owned),
        place: place(config, enrolment.as_ref())?,
        line: LineNow::look(config, declared(config)?, told),
        joined: enrolment.map(|enrolment| joined(&enrolment)),
        budget: budget(&seat::first(config.clone()), offset_s, told)?,
        spool_bytes: bytes_in(&data_dir.join(SPOOL)),
        refused: Refused::open(files)
            .context("cannot read the refused records")?
            .status(),
    })
}

/// The state of the second seat; none where openness has none of its own.
fn apart(config: &Config, told: &Told) -> anyhow::Result<Option<Apart>> {
    if config.seat != Seat::Openness {
        return Ok(None);
    }
    let files = DiskFiles::new(&config.data_dir);
    let Some(enrolment) = Enrolment::load(&files)? else {
        return Ok(None);
    };
    let refused = Refused::open(files).context("cannot read the refused records")?;
    Ok(Some(Apart {
        joined: joined(&enrolment),
        budget: budget(config, enrolment.enrolled.country.utc_offset_s, told)?,
        spool_bytes: bytes_in(&config.data_dir.join(SPOOL)),
        refused: refused.status(),
    }))
}

fn joined(enrolment: &Enrolment) -> Joined {
    let collector = enrolment
        .collectors
        .first()
        .expect("an enrolment names a collector");
    let page = collector.join(&format!("device/{}", enrolment.enrolled.device_link));
    Joined {
        collector: collector.to_string(),
        key_id: enrolment.enrolled.key_id.clone(),
        tier: enrolment.enrolled.tier.to_string(),
        device_page: page.ok().map(|url| url.to_string()),
    }
}

fn place(config: &Config, enrolment: Option<&Enrolment>) -> anyhow::Result<Option<Place>> {
    let Some(enrolment) = enrolment else {
        return Ok(None);
    };
    let Some(profile) = Profile::load(&config.data_dir)? else {
        return Ok(None);
    };
    let country = &enrolment.enrolled.country;
    let declared = profile.declared.clone().with(config);
    let network = System::default().look(&profile.salt).network;
    let province = profile.province(&declared, network, country);
    Ok(Some(Place {
        province: province.code,
        known: province.known,
        operator: declared.operator,
        technology: declared.technology.map(|technology| technology.to_string()),
        operators: country
            .operators
            .iter()
            .map(|operator| operator.id.clone())
            .collect(),
    }))
}

/// What the volunteer said of place and line; nothing before it was asked.
pub fn declared(config: &Config) -> anyhow::Result<Declared> {
    let profile = Profile::load(&config.data_dir)?;
    Ok(profile.map(|profile| profile.declared).unwrap_or_default())
}

/// The month's data so far, and what a throughput run may cost.
pub fn budget(config: &Config, utc_offset_s: i32, told: &Told) -> anyhow::Result<Budget> {
    let metered = declared(config)?.with(config).metered;
    let allowance = config.allowance(metered.or(told.metered()));
    let now = LocalHour::at(wall_us(), utc_offset_s);
    let stored = crate::device::stored_ledger(&config.data_dir)?;
    let mut ledger = stored.unwrap_or_else(|| Ledger::begin(now));
    ledger.turn_to(now);
    Ok(Budget {
        month: Some(ledger.month.to_string()),
        used_bytes: ledger.used_bytes.saturating_add(ledger.reserved_bytes),
        monthly_budget_bytes: allowance.monthly_bytes,
        available_bytes: ledger.available_bytes(allowance.monthly_bytes, now),
        run_max_bytes: allowance.run_max_bytes,
        throughput_bytes: ledger.throughput_bytes,
    })
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: &str| writeln!(f, "{name:<12}{value}");
        let running = if self.running {
            ", running"
        } else {
            ", not running"
        };
        row("data", &format!("{}{running}", self.data_dir))?;
        match &self.joined {
            Some(joined) => {
                row("collector", &joined.collector)?;
                row("name", &format!("{} ({})", joined.key_id, joined.tier))?;
                row("own page", joined.device_page.as_deref().unwrap_or("-"))?;
            }
            None => row(
                "collector",
                "not joined; run `tonle agent join` with an invitation",
            )?,
        }
        row("consent", &self.consent_line())?;
        if let Some(apart) = &self.openness {
            let at = &apart.joined;
            row(
                "openness",
                &format!("{} as {} ({})", at.collector, at.key_id, at.tier),
            )?;
            row("", &apart.line())?;
        }
        if self.openness_not_taken {
            row(
                "openness",
                "not measured: the collector takes no such records; `tonle agent join --openness` with an invitation of one that does",
            )?;
        }
        if let Some(off) = &self.categories_off {
            let codes: Vec<&str> = off.iter().map(|one| one.as_str()).collect();
            row("not visited", &codes.join(" "))?;
        }
        if let Some(place) = &self.place {
            row("province", &place.line())?;
            row(
                "operator",
                place.operator.as_deref().unwrap_or("not declared"),
            )?;
            row(
                "technology",
                place.technology.as_deref().unwrap_or("not declared"),
            )?;
        }
        row("line", &self.line.to_string())?;
        let budget = &self.budget;
        let used = format!(
            "{} of {} bytes used in {}, {} available now",
            budget.used_bytes,
            budget.monthly_budget_bytes,
            budget.month.as_deref().unwrap_or("-"),
            budget.available_bytes
        );
        row("data budget", &used)?;
        row("throughput", &budget.of_a_throughput_run())?;
        row("unsent", &format!("{} bytes", self.spool_bytes))?;
        row(
            "refused",
            &format!(
                "{} records kept, {} ever",
                self.refused.kept, self.refused.ever
            ),
        )
    }
}

impl Budget {
    /// What the next throughput run may cost, for a person.
    #[must_use]
    pub fn of_a_throughput_run(&self) -> String {
        let most = self.run_max_bytes.min(self.available_bytes);
        match self.throughput_bytes {
            Some(last) => {
                let likely = last.min(most);
                format!("about {likely} bytes a run, as lately; at most {most} now")
            }
            None => format!("at most {most} bytes a run now; none was made yet"),
        }
    }
}

impl Apart {
    /// What it has used and what waits, for a person.
    fn line(&self) -> String {
        format!(
            "{} of {} bytes used in {}, {} bytes unsent, {} records refused",
            self.budget.used_bytes,
            self.budget.monthly_budget_bytes,
            self.budget.month.as_deref().unwrap_or("-"),
            self.spool_bytes,
            self.refused.ever
        )
    }
}

impl Status {
    fn consent_line(&self) -> String {
        let mut line = String::new();
        for (name, version) in [
            ("quality", &self.quality_consent),
            ("openness", &self.openness_consent),
        ] {
            let said = version.as_deref().unwrap_or("not agreed to");
            let gap = if line.is_empty() { "" } else { ", " };
            write!(line, "{gap}{name} {said}").expect("a string takes everything");
        }
        if let Some(version) = &self.mlab_consent {
            write!(line, ", M-Lab {version}").expect("a string takes everything");
        }
        if let Some(version) = &self.localisation_consent {
            write!(line, ", localisation {version}").expect("a string takes everything");
        }
        line
    }
}

impl Place {
    fn line(&self) -> String {
        match self.known {
            ProvinceKnown::SelfDeclared => self.province.clone(),
            ProvinceKnown::Unconfirmed => format!(
                "{} (unconfirmed: the network changed or none was chosen; run `tonle agent confirm`)",
                self.province
            ),
        }
    }
}
