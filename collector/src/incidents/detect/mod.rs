//! Pure: a window of cells becomes findings. Nothing is remembered between two windows, so that the same
//! cells give the same findings, whoever computes them and when.
//!
//! [`detect`] asks in this order: what fails with a release of the agent (`defect`, and is asked no
//! further), what is interfered with or down (`openness`), who is not heard (`silence`), which line is
//! worse than usual (`quality`). [`group`] then makes incidents of findings.
mod cusum;
mod defect;
mod finding;
pub mod group;
mod openness;
mod quality;
mod silence;
#[cfg(test)]
mod simulations;
#[cfg(test)]
mod tests;
mod visits;
#[cfg(test)]
mod world;

pub use finding::{Finding, MIXED, Scope, Seen, WITNESSES_MAX};
pub use quality::{HourValue, LineCell};

use std::collections::BTreeSet;
use std::sync::Arc;
use tonle_evidence::verdict::State;

/// Id and version of the rules of this room. Raised whenever the same cells give other findings.
pub const RULES: &str = "tonle.incidents/1";

/// Hours that are judged.
pub const JUDGED_H: Hour = 14 * 24;
/// Hours before those, that say what is usual of a line.
pub const LINE_HISTORY_H: Hour = 28 * 24;
/// Hours before those, that say who is expected.
pub const CONTACT_HISTORY_H: Hour = 14 * 24;

/// Hours since the Unix epoch.
pub type Hour = i64;

/// What one record says of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// What was visited.
    pub target: Arc<str>,
    /// Network: `as` and the number, or an operator's id where no table knew it.
    pub network: Arc<str>,
    /// When.
    pub hour: Hour,
    /// Number of the independent agent; the same in all of a window.
    pub unit: u32,
    /// ISO 3166-2 code; empty where it is not confirmed.
    pub province: Arc<str>,
    /// What is said of it.
    pub state: State,
    /// Mechanism and artefact of what interferes; else empty.
    pub fingerprint: Arc<str>,
    /// Release of the agent.
    pub software: Arc<str>,
    /// Its place in the journal.
    pub entry_index: u64,
}

/// An hour in which an agent sent anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// Network, as of a visit.
    pub network: Arc<str>,
    /// ISO 3166-2 code.
    pub province: Arc<str>,
    /// Number of the independent agent.
    pub unit: u32,
    /// When it was received, by the collector's clock.
    pub hour: Hour,
}

/// A window of cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The hour that runs; those before it are whole.
    pub now: Hour,
    /// Visits of the hours that are judged.
    pub visits: Vec<Visit>,
    /// Contacts of these and of [`CONTACT_HISTORY_H`] before.
    pub contacts: Vec<Contact>,
    /// Hours in which the collector itself was there to hear.
    pub awake: BTreeSet<Hour>,
    /// Lines over these hours and [`LINE_HISTORY_H`] before.
    pub lines: Vec<LineCell>,
}

/// Everything that a window tells.
#[must_use]
pub fn detect(inputs: &Inputs) -> Seen {
    let mut seen = Seen {
        from: inputs.now - JUDGED_H,
        ..Seen::default()
    };
    let mut visits = defect::judge(&inputs.visits, inputs.now, &mut seen);
    visits.sort_by_key(|visit| (visit.hour, visit.entry_index));
    openness::judge(&visits, &mut seen);
    silence::judge(inputs, &mut seen);
    for cell in &inputs.lines {
        quality::judge(cell, inputs.now, &mut seen);
    }
    let order = |finding: &Finding| (finding.onset, finding.key.clone());
    seen.findings.sort_by_key(order);
    seen
}
