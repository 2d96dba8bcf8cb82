//! What is published about a cell, in one of four states. A state carries only what it may show.
use crate::entry::Tier;
use crate::local_time::LocalMonth;
use crate::record::{PlaceKind, Technology};
use crate::window::HourOfDay;
use crate::word_list::word_list;
use serde::{Deserialize, Serialize};

pub use crate::window::Window;

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

    /// True where it may be said how many stood behind it.
    #[must_use]
    pub fn shows_counts(&self) -> bool {
        matches!(self, Self::Insufficient { .. } | Self::Estimate { .. })
    }
}

/// Whom a figure speaks of, from the finest to the coarsest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "level", rename_all = "snake_case")]
pub enum SpeaksOf {
    /// One operator's agents in one province.
    Operator {
        /// ISO 3166-2 code.
        province: String,
        /// Operator's id, or `others`.
        operator: String,
    },
    /// All operators' agents in one province.
    Province {
        /// ISO 3166-2 code.
        province: String,
    },
    /// All agents of a region.
    Region {
        /// The region's id.
        region: String,
    },
    /// All agents.
    Nation,
}

impl SpeaksOf {
    /// The level's word.
    #[must_use]
    pub fn level(&self) -> &'static str {
        match self {
            Self::Operator { .. } => "operator",
            Self::Province { .. } => "province",
            Self::Region { .. } => "region",
            Self::Nation => "nation",
        }
    }

    /// What is named within the level: `KH-12`, `KH-12/smart`, `coast`; of the nation nothing.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Operator { province, operator } => format!("{province}/{operator}"),
            Self::Province { province } => province.clone(),
            Self::Region { region } => region.clone(),
            Self::Nation => String::new(),
        }
    }
}

/// A median in which each province weighs as many as live there, beside the unweighted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighted {
    /// The weighted median; its interval is a bootstrap's, `coverage_ppm` what it aims at.
    pub figure: Figure,
    /// Kish's effective number of agents, thousandths: with how many equal ones the weights compare.
    pub effective_agents_milli: u64,
}

/// What is said of a region or the nation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wider {
    /// Of whom.
    pub speaks_of: SpeaksOf,
    /// Unweighted: every independent agent counts alike.
    #[serde(flatten)]
    pub state: State,
    /// Weighted, where there are enough agents for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighted: Option<Weighted>,
    /// The part of its population that lives where agents measured, parts per million; where counts are
    /// shown only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_population_ppm: Option<u32>,
}

word_list! {
    /// What cells of a province are told apart by, one at a time.
    CellsBy {
        /// The operator.
        Operator = "operator",
        /// The kind of place.
        Place = "place",
        /// The access technology.
        Technology = "technology",
        /// How well the agents are known.
        Tier = "tier",
        /// The hour of the day.
        Hour = "hour",
    }
}

/// The part of a province that a cell is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellPart {
    /// Operator's id, or `others`: with none of the country's.
    Operator(String),
    /// A kind of place.
    Place(PlaceKind),
    /// A technology.
    Technology(Technology),
    /// A tier of agents.
    Tier(Tier),
    /// An hour of every day.
    Hour(HourOfDay),
}

impl CellPart {
    /// The part's word: an id, a word of its list, or the number of the hour.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Operator(id) => id.clone(),
            Self::Place(place) => place.as_str().to_owned(),
            Self::Technology(technology) => technology.as_str().to_owned(),
            Self::Tier(tier) => tier.as_str().to_owned(),
            Self::Hour(hour) => hour.get().to_string(),
        }
    }
}

/// What is said of the agents in one part of a province.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellStatement {
    /// ISO 3166-2 code.
    pub province: String,
    /// Which part of it.
    #[serde(flatten)]
    pub part: CellPart,
    /// Access class.
    pub access: Access,
    /// What may be said.
    #[serde(flatten)]
    pub state: State,
    /// Where this is no estimate: the finest stratum around it that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooled: Option<Wider>,
}

/// Samples that were measured and enter no figure, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The reason's word, such as `not_limited_by_line`.
    pub reason: String,
    /// How many samples.
    pub samples: u64,
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
    /// Hours of the day.
    #[serde(default)]
    pub window: Window,
    /// What may be said.
    #[serde(flatten)]
    pub state: State,
    /// Where the province has no estimate: the finest stratum around it that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooled: Option<Wider>,
    /// What enters no figure, over the whole day, by reason; where counts are shown only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// [`CAPTION`].
    pub caption: String,
}
