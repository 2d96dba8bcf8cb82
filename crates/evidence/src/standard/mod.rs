//! A regulator's rules as data, and what is said of a cell that is held against one.
//!
//! A rule judges one statistic of one metric against a threshold. Its own statistic is what is
//! bounded: never a neighbour of it that is easier to reckon.
mod file;
#[cfg(test)]
mod tests;

pub use file::BadStandards;

use crate::local_time::LocalMonth;
use crate::statement::{Access, Counts, Window};
use crate::word_list::word_list;
use serde::{Deserialize, Serialize};

word_list! {
    /// Which side of its threshold a rule asks for.
    Op {
        /// The threshold or more.
        AtLeast = "at_least",
        /// The threshold or less.
        AtMost = "at_most",
    }
}

impl Op {
    /// True of a value that is on the side which the rule asks for.
    #[must_use]
    pub fn holds(self, value: i64, threshold: i64) -> bool {
        match self {
            Self::AtLeast => value >= threshold,
            Self::AtMost => value <= threshold,
        }
    }
}

word_list! {
    /// Whether a rule can be applied.
    Status {
        /// It has its threshold.
        InForce = "in_force",
        /// Its text refers to an annex that is not at hand: no threshold.
        AwaitingAnnex = "awaiting_annex",
    }
}

/// What a rule is about: one number of a cell. A sample is the value of one agent in one local hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "statistic", rename_all = "snake_case")]
pub enum Statistic {
    /// Mean over agents of the mean of each one's samples, in the metric's unit.
    Mean,
    /// Percentile over agents of the median of each one's samples, in the metric's unit.
    Percentile {
        /// Its order in thousandths: 100 is the tenth percentile.
        order_permille: u16,
    },
    /// Share of samples on the right side of the threshold, each agent with equal weight, parts per
    /// million.
    Share {
        /// The share that the rule asks for, thousandths.
        min_share_permille: u16,
    },
    /// Share of agents of whose samples enough are on the right side, parts per million.
    AgentShare {
        /// The share of agents that the rule asks for, thousandths.
        min_share_permille: u16,
        /// The share of its own samples with which an agent passes, thousandths.
        agent_share_permille: u16,
    },
}

impl Statistic {
    /// The kind's word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Percentile { .. } => "percentile",
            Self::Share { .. } => "share",
            Self::AgentShare { .. } => "agent_share",
        }
    }

    /// The share that is asked for, parts per million; `None` of kinds in the metric's unit.
    #[must_use]
    pub fn min_share_ppm(&self) -> Option<i64> {
        match self {
            Self::Mean | Self::Percentile { .. } => None,
            Self::Share { min_share_permille }
            | Self::AgentShare {
                min_share_permille, ..
            } => Some(i64::from(*min_share_permille) * 1_000),
        }
    }
}

/// One version of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standard {
    /// Its id, such as `kh.trc.mobile.download`.
    pub id: String,
    /// Its version, from 1: raised with any change of what it asks for.
    pub version: u32,
    /// English name.
    pub en: String,
    /// Khmer (or other local) name.
    pub km: String,
    /// Full id of the metric.
    pub metric: String,
    /// Access class that it is about.
    pub access: Access,
    /// Hours of the day that it is about.
    pub window: Window,
    /// What is held against the threshold.
    #[serde(flatten)]
    pub statistic: Statistic,
    /// Which side is right.
    pub op: Op,
    /// The threshold in the metric's unit; `None` while the annex is awaited.
    pub threshold: Option<i64>,
    /// Fewest independent agents of a cell.
    pub min_agents: u64,
    /// Fewest agent-days of a cell.
    pub min_days: u64,
    /// Confidence of the bounds, thousandths, one-sided.
    pub confidence_permille: u16,
    /// Where the rule stands.
    pub legal_source: String,
    /// First month in which it holds from the first day to the last.
    pub valid_from: LocalMonth,
    /// Last such month; `None` until further notice.
    pub valid_to: Option<LocalMonth>,
    /// Whether it can be applied.
    pub status: Status,
}

impl Standard {
    /// True of a month in which the rule holds.
    #[must_use]
    pub fn holds_in(&self, month: LocalMonth) -> bool {
        self.valid_from <= month && self.valid_to.is_none_or(|last| month <= last)
    }
}

/// The rules of a country, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standards {
    /// Every version of every rule.
    pub all: Vec<Standard>,
}

impl Standards {
    /// The rules that hold in a month.
    pub fn holding_in(&self, month: LocalMonth) -> impl Iterator<Item = &Standard> {
        self.all
            .iter()
            .filter(move |standard| standard.holds_in(month))
    }
}

word_list! {
    /// What is said of a cell that is held against a rule.
    Judgement {
        /// The rule has no threshold.
        NoStandard = "no_standard",
        /// Too few agents or days for this rule.
        Insufficient = "insufficient",
        /// The bound is on the right side.
        Meets = "meets",
        /// The bound is on the wrong side, also after control over the whole table.
        DoesNotMeet = "does_not_meet",
        /// Neither.
        Inconclusive = "inconclusive",
    }
}

/// A rule's own statistic with its one-sided bounds, each at the rule's confidence, in the metric's
/// unit or parts per million (see [`Statistic`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounded {
    /// As measured.
    pub value: i64,
    /// Lower bound; `None` where so few agents give none.
    pub low: Option<i64>,
    /// Upper bound; `None` where so few agents give none.
    pub high: Option<i64>,
}

/// What may be said of a cell that is held against a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Held {
    /// No agent measured.
    NoData,
    /// Some did, fewer than may be shown: no verdict, no count of anything.
    Suppressed,
    /// The verdict, with what it rests on.
    Judged {
        /// The verdict.
        judgement: Judgement,
        /// The statistic with its bounds; `None` where there is no threshold, or too little.
        bounded: Option<Bounded>,
        /// How many stood behind it.
        counts: Counts,
    },
}
