//! Use cases as data (`configs/composites.toml`), and what is said of a cell that is held against one.
//!
//! A use case asks for several things at once. Each is judged by itself, by its interval; the use case by what is
//! said of all of them. There is no score of what nobody measured.
mod file;

pub use file::BadUseCases;

use crate::statement::{Access, Counts, SpeaksOf};
use crate::word_list::word_list;
use serde::{Deserialize, Serialize};

word_list! {
    /// Which side of its threshold a requirement asks for. The threshold itself is on neither.
    Side {
        /// More than the threshold.
        Above = "above",
        /// Less than the threshold.
        Below = "below",
    }
}

/// One thing that a use case asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Id of the metric without its last part, the path class.
    pub metric: String,
    /// Which side is right.
    pub op: Side,
    /// In the metric's unit.
    pub threshold: i64,
    /// How much it counts within the use case.
    pub weight: u32,
}

impl Requirement {
    /// Full id of the metric for a path class.
    #[must_use]
    pub fn full_metric(&self, path: &str) -> String {
        format!("{}/{path}", self.metric)
    }
}

/// Something that people do on a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseCase {
    /// Its id, such as `gaming`.
    pub id: String,
    /// English name.
    pub en: String,
    /// Khmer (or other local) name.
    pub km: String,
    /// What it asks for.
    pub requirements: Vec<Requirement>,
}

/// For how many agents requirements have to hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its id, such as `half`.
    pub id: String,
    /// Share of agents, thousandths.
    pub agents_permille: u16,
}

impl Level {
    /// Order of the percentile that is held against a threshold, thousandths: plain, so that the 10th percentile
    /// is a small value whatever is better.
    #[must_use]
    pub fn order_permille(&self, op: Side) -> u16 {
        match op {
            Side::Above => 1_000 - self.agents_permille,
            Side::Below => self.agents_permille,
        }
    }
}

/// The use cases with what they are judged by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseCases {
    /// Where thresholds and weights are from.
    pub source: String,
    /// The month that they are of.
    pub as_of: String,
    /// Probability with which all intervals of one use case in one cell hold at once, thousandths.
    pub confidence_permille: u16,
    /// Path classes that use cases are told for.
    pub paths: Vec<String>,
    /// Levels in the order of the file.
    #[serde(rename = "level")]
    pub levels: Vec<Level>,
    /// Use cases in the order of the file.
    #[serde(rename = "use_case")]
    pub all: Vec<UseCase>,
}

word_list! {
    /// What is said of a requirement, or of a use case.
    Said {
        /// No agent measured.
        NoData = "no_data",
        /// Some did, fewer than may be shown.
        Suppressed = "suppressed",
        /// Too few for an interval.
        Insufficient = "insufficient",
        /// The interval holds the threshold.
        Undecided = "undecided",
        /// The whole interval is on the right side.
        Met = "met",
        /// The whole interval is on the wrong side.
        NotMet = "not_met",
    }
}

/// The percentile of a requirement with the ends of its interval, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentile {
    /// Order, thousandths.
    pub order_permille: u16,
    /// As measured; `None` where an end is missing: no figure without its interval.
    pub value: Option<i64>,
    /// Lower end; `None` where so few agents give none.
    pub low: Option<i64>,
    /// Upper end; `None` where so few agents give none.
    pub high: Option<i64>,
}

/// What is said of one requirement in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Full id of the metric.
    pub metric: String,
    /// Which side is right.
    pub op: Side,
    /// In the metric's unit.
    pub threshold: i64,
    /// How much it counts within the use case.
    pub weight: u32,
    /// What is said.
    pub said: Said,
    /// In the states `met`, `not_met` and `undecided` only.
    pub percentile: Option<Percentile>,
    /// Where they may be shown.
    pub counts: Option<Counts>,
}

/// Between which a use case's score lies: the share of weights that are met, thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// Nothing that is undecided holds.
    pub low_permille: u32,
    /// All that is undecided holds.
    pub high_permille: u32,
}

/// What is said of one use case in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// Of whom.
    pub speaks_of: SpeaksOf,
    /// Access class.
    pub access: Access,
    /// Path class.
    pub path: String,
    /// The use case's id.
    pub use_case: String,
    /// The level's id.
    pub level: String,
    /// What is said.
    pub said: Said,
    /// Where every requirement has an interval only.
    pub score: Option<Score>,
    /// In the order of the file.
    pub parts: Vec<Part>,
}
