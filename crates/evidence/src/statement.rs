//! What is published about a cell, in one of four states. A state carries only what it may show.
use crate::local_time::LocalMonth;
use serde::{Deserialize, Serialize};

/// Caption of every figure.
pub const CAPTION: &str = "among volunteers measured";

/// Access classes that are never pooled in one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Any mobile technology.
    Mobile,
    /// Any fixed technology.
    Fixed,
    /// The volunteer did not say and the device could not tell.
    Unknown,
}

impl Access {
    /// All classes, in the order of pages.
    pub const ALL: [Self; 3] = [Self::Mobile, Self::Fixed, Self::Unknown];

    /// The word as it stands in URLs and stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Fixed => "fixed",
            Self::Unknown => "unknown",
        }
    }
}

/// How many stood behind a figure. Shown in the states `insufficient` and `estimate` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Independent agents.
    pub agents: u64,
    /// Days on which an agent gave at least one value, summed over agents.
    pub agent_days: u64,
    /// Records behind them.
    pub records: u64,
}

/// An estimate with its interval, all three in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Median over agents.
    pub median: i64,
    /// Lower end of the interval.
    pub low: i64,
    /// Upper end of the interval.
    pub high: i64,
    /// Probability with which the interval covers the median, parts per million (at least 950000).
    pub coverage_ppm: u32,
}

/// The four states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// No agent measured.
    NoData,
    /// Some did, fewer than may be shown: no count of anything.
    Suppressed,
    /// Enough to be counted, too few for an interval.
    Insufficient {
        /// How many.
        counts: Counts,
    },
    /// A figure with its interval.
    Estimate {
        /// The figure.
        figure: Figure,
        /// How many.
        counts: Counts,
    },
}

impl State {
    /// The state's word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::Suppressed => "suppressed",
            Self::Insufficient { .. } => "insufficient",
            Self::Estimate { .. } => "estimate",
        }
    }
}

/// What is said of one metric in one province over one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Full metric id.
    pub metric: String,
    /// Unit of every value.
    pub unit: String,
    /// ISO 3166-2 code.
    pub province: String,
    /// Access class.
    pub access: Access,
    /// The month, local time of the country.
    pub period: LocalMonth,
    /// What may be said.
    #[serde(flatten)]
    pub state: State,
    /// [`CAPTION`].
    pub caption: String,
}
