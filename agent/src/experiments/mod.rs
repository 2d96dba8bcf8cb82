//! The kinds of measurement: one file each, one explicit list, one contract.
//!
//! A new kind is one file here, one line in [`ALL`], and its metrics in `configs/metrics.toml`.
//! Rules of [`Experiment::run`]:
//! 1. It records observations and samples as they happen, so that a timeout or a panic loses none.
//! 2. Whatever the network did is an observation; [`CannotRun`] is only for "did not run".
//! 3. It stops soon after `run.cancel` fires, and never uses more bytes than `run.max_bytes`.
mod bulk;
pub mod dns;
pub mod dns_integrity;
pub mod ech;
pub mod favoured;
pub mod interference;
pub mod latency;
pub mod localisation;
pub mod path;
pub mod quic;
pub mod responsiveness;
pub mod run;
pub mod services;
pub mod sni;
pub mod stamp;
pub mod throttling;
pub mod throughput;
pub mod throughput1;
pub mod web_connectivity;
pub mod web_page;

pub use run::{Recorded, Run};

use crate::consent::Topic;
use std::future::Future;
use std::pin::Pin;
use tonle_evidence::record::{Stream, Target};

/// What an experiment is, beside its code.
#[derive(Debug)]
pub struct Meta {
    /// Its name: file name, method id of its records, argument of `measure`.
    pub name: &'static str,
    /// Raised whenever the meaning of its values changes.
    pub version: u32,
    /// The stream of its records, and so the consent that it needs.
    pub stream: Stream,
    /// One line for a person.
    pub about: &'static str,
    /// Longest time one run may take, seconds; the runner ends it then.
    pub timeout_s: u32,
}

/// What the budget reserves before a run: an upper bound, both directions together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Bytes on the line.
    pub bytes: u64,
}

/// Why an experiment did not run at all. Never says anything of the network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CannotRun {
    /// The device does not permit it.
    #[error("not permitted: {0}")]
    Permission(String),
    /// The target does not fit the experiment.
    #[error("target '{target}' does not fit: {reason}")]
    Target {
        /// The target as given.
        target: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The device lacks something it needs.
    #[error("missing on this device: {0}")]
    Missing(String),
    /// Somebody else asked not to be asked again so soon.
    #[error("not yet: {who} asked to be left alone for another {wait_s} s")]
    NotYet {
        /// Who.
        who: String,
        /// How long still, seconds.
        wait_s: i64,
    },
}

/// A boxed future, so that experiments stand in a list.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), CannotRun>> + Send + 'a>>;

/// One kind of measurement.
pub trait Experiment: Send + Sync {
    /// What it is.
    fn meta(&self) -> &'static Meta;
    /// The text that must have been agreed to beside that of its stream; none for most.
    fn own_consent(&self) -> Option<Topic> {
        None
    }
    /// What one run against `target` may cost at most, given the cap per run.
    fn estimate(&self, target: &Target, max_bytes: u64) -> Cost;
    /// Runs once. See the rules at the top of this file.
    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a>;
}

/// Every kind of measurement, in the order of a round.
pub const ALL: &[&dyn Experiment] = &[
    &latency::Latency,
    &dns::Dns,
    &web_page::WebPage,
    &path::Path,
    &stamp::Stamp,
    &web_connectivity::WebConnectivity,
    &sni::Sni,
    &ech::EncryptedHello,
    &throttling::Throttling,
    &quic::Quic,
    &services::Services,
    &dns_integrity::DnsIntegrity,
    &interference::Interference,
    &localisation::Localisation,
    &throughput::Throughput::STANDARD,
    &throughput1::Throughput1::STANDARD,
    &responsiveness::Responsiveness::STANDARD,
    &favoured::Favoured,
];

/// The experiment of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Experiment> {
    ALL.iter()
        .copied()
        .find(|experiment| experiment.meta().name == name)
}
