//! Where the next agents would decide most: what each cell lacks, as it may be published.
//!
//! This is coverage of the panel (where volunteers measured) and never of a network: a province without
//! agents may well be served.
use crate::local_time::LocalMonth;
use crate::statement::{Access, SpeaksOf};
use serde::{Deserialize, Serialize};

/// What stands beside every number of this plan.
pub const PANEL_CAPTION: &str =
    "coverage of the panel: where volunteers measured, not where networks reach";

/// How many more independent agents it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// So many.
    pub agents: u64,
    /// Or fewer: how many there are may not be said.
    pub at_most: bool,
}

/// What a cell's agents are to reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "goal", rename_all = "snake_case")]
pub enum Goal {
    /// A figure with its interval.
    Estimate {
        /// Full metric id.
        metric: String,
    },
    /// A verdict on a regulator's rule.
    Verdict {
        /// The rule's id.
        standard: String,
        /// The rule's version.
        version: u32,
    },
}

/// What one cell lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// What is to be reached.
    #[serde(flatten)]
    pub goal: Goal,
    /// Whose agents.
    pub speaks_of: SpeaksOf,
    /// Access class.
    pub access: Access,
    /// What is said of the cell now: a state, or a verdict.
    pub said: String,
    /// Its independent agents, where they may be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<u64>,
    /// Until anything may be said of it.
    pub to_be_counted: Lack,
    /// Until the goal can be reached.
    pub to_goal: Lack,
    /// Until a cell that falls clearly short of its rule would be found in seven of ten tables; of verdicts
    /// whose power is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_power: Option<Lack>,
    /// How many people the cell stands for.
    pub people: u64,
    /// People for whom it would be decided, per agent that joins; 0 where nothing is lacking.
    pub people_per_agent: u64,
}

/// How far the panel reaches in one access class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelCoverage {
    /// Access class.
    pub access: Access,
    /// Provinces with an estimate.
    pub estimate: u64,
    /// Provinces whose agents are counted and too few.
    pub insufficient: u64,
    /// Provinces with too few agents to say anything.
    pub suppressed: u64,
    /// Provinces without agents.
    pub no_data: u64,
    /// The part of the population that lives in provinces with an estimate, parts per million.
    pub population_ppm: u32,
}

/// The plan of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// The month, on the country's clock.
    pub period: LocalMonth,
    /// Full id of the metric whose estimates are planned.
    pub metric: String,
    /// How far the panel reaches.
    pub coverage: Vec<PanelCoverage>,
    /// Rules that await their annex: nothing can be decided by them.
    pub awaiting: Vec<String>,
    /// What cells lack, those first where an agent would decide for most people.
    pub needs: Vec<Need>,
    /// [`PANEL_CAPTION`].
    pub caption: String,
}
