//! `standards.toml`: reading it, and what makes a rule none.
use super::{Op, Standard, Standards, Statistic, Status};
use crate::catalogue::Catalogue;
use crate::local_time::LocalMonth;
use crate::statement::{Access, Window};
use crate::toml_text;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Fewest agents that a rule may ask for: below it nothing is published of a cell.
const MIN_AGENTS_LEAST: u64 = 5;
/// Bounds of a rule's confidence, thousandths.
const CONFIDENCE_PERMILLE: std::ops::RangeInclusive<u16> = 500..=999;
/// Confidence where the rule says nothing.
const CONFIDENCE_DEFAULT_PERMILLE: u16 = 950;

/// Why a file of rules cannot be used; it names the rule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("standards.toml: {0}")]
pub struct BadStandards(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    standard: Vec<Row>,
}

/// A rule as it stands in the file. Whatever does not belong to its statistic is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    version: u32,
    en: String,
    km: String,
    metric: String,
    access: Access,
    #[serde(default)]
    window: Window,
    statistic: String,
    order_permille: Option<u16>,
    min_share_permille: Option<u16>,
    agent_share_permille: Option<u16>,
    op: Op,
    threshold: Option<i64>,
    min_agents: u64,
    #[serde(default)]
    min_days: u64,
    confidence_permille: Option<u16>,
    legal_source: String,
    valid_from: LocalMonth,
    valid_to: Option<LocalMonth>,
    status: Status,
}

impl Standards {
    /// Reads the rules; every metric that they name must be declared in `catalogue`.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self, BadStandards> {
        let file: File =
            toml::from_str(text).map_err(|error| BadStandards(toml_text::reason(text, &error)))?;
        let mut known = BTreeSet::new();
        let mut all = Vec::with_capacity(file.standard.len());
        for row in file.standard {
            let name = format!("{} version {}", row.id, row.version);
            let standard = row
                .read(catalogue)
                .map_err(|reason| BadStandards(format!("{name}: {reason}")))?;
            if !known.insert((standard.id.clone(), standard.version)) {
                return Err(BadStandards(format!("{name} stands there twice")));
            }
            all.push(standard);
        }
        one_version_at_a_time(&all)?;
        Ok(Self { all })
    }
}

impl Row {
    fn read(self, catalogue: &Catalogue) -> Result<Standard, String> {
        let statistic = self.statistic()?;
        if self.id.is_empty() || self.version == 0 {
            return Err("give an id, and a version from 1".to_owned());
        }
        if catalogue.get(&self.metric).is_none() {
            return Err(format!("metric '{}' is declared nowhere", self.metric));
        }
        if matches!(self.window, Window::Hour(_)) {
            return Err("a rule is of the whole day, the peak hours or the others".to_owned());
        }
        match (self.status, self.threshold) {
            (Status::InForce, None) => return Err("in force, and no threshold".to_owned()),
            (Status::AwaitingAnnex, Some(_)) => {
                return Err("a threshold, and the annex is awaited".to_owned());
            }
            _ => {}
        }
        if self.min_agents < MIN_AGENTS_LEAST {
            return Err(format!(
                "min_agents is below {MIN_AGENTS_LEAST}: nothing is published of so few"
            ));
        }
        let confidence_permille = self
            .confidence_permille
            .unwrap_or(CONFIDENCE_DEFAULT_PERMILLE);
        if !CONFIDENCE_PERMILLE.contains(&confidence_permille) {
            return Err("confidence_permille is none of 500 to 999".to_owned());
        }
        if self.valid_to.is_some_and(|to| to < self.valid_from) {
            return Err("it ends before it begins".to_owned());
        }
        if self.legal_source.is_empty() {
            return Err("say where the rule stands: legal_source".to_owned());
        }
        Ok(Standard {
            id: self.id,
            version: self.version,
            en: self.en,
            km: self.km,
            metric: self.metric,
            access: self.access,
            window: self.window,
            statistic,
            op: self.op,
            threshold: self.threshold,
            min_agents: self.min_agents,
            min_days: self.min_days,
            confidence_permille,
            legal_source: self.legal_source,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            status: self.status,
        })
    }

    fn statistic(&self) -> Result<Statistic, String> {
        let given = (
            self.order_permille,
            self.min_share_permille,
            self.agent_share_permille,
        );
        let statistic = match (self.statistic.as_str(), given) {
            ("mean", (None, None, None)) => Statistic::Mean,
            ("percentile", (Some(order_permille), None, None)) => {
                Statistic::Percentile { order_permille }
            }
            ("share", (None, Some(min_share_permille), None)) => {
                Statistic::Share { min_share_permille }
            }
            ("agent_share", (None, Some(min_share_permille), Some(agent_share_permille))) => {
                Statistic::AgentShare {
                    min_share_permille,
                    agent_share_permille,
                }
            }
            ("mean" | "percentile" | "share" | "agent_share", _) => {
                return Err(format!(
                    "{} does not go with what is given: mean takes none of order_permille (percentile), min_share_permille (share, agent_share) and agent_share_permille (agent_share)",
                    self.statistic
                ));
            }
            (other, _) => {
                return Err(format!(
                    "statistic '{other}' is none of mean, percentile, share, agent_share"
                ));
            }
        };
        let parts = [given.0, given.1, given.2];
        if parts
            .into_iter()
            .flatten()
            .any(|part| !(1..1_000).contains(&part))
        {
            return Err("shares and orders are 1 to 999 thousandths".to_owned());
        }
        Ok(statistic)
    }
}

/// Two versions of a rule that hold in one month would give two verdicts on one cell.
fn one_version_at_a_time(all: &[Standard]) -> Result<(), BadStandards> {
    for (index, one) in all.iter().enumerate() {
        let same = all[index + 1..].iter().filter(|other| other.id == one.id);
        for other in same {
            let ends_before = |one: &Standard, other: &Standard| {
                one.valid_to.is_some_and(|to| to < other.valid_from)
            };
            if !ends_before(one, other) && !ends_before(other, one) {
                return Err(BadStandards(format!(
                    "{}: versions {} and {} hold in the same months; give the older one valid_to",
                    one.id, one.version, other.version
                )));
            }
        }
    }
    Ok(())
}
