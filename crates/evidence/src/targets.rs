//! Lists of targets: data of a country, signed by the collector, one list per stream.
use crate::record::{Stream, Target};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Schema id of a list.
pub const TARGETS_SCHEMA: &str = "tonle.targets/1";
/// Most targets of one list: a volunteer's line is small.
pub const TARGETS_MAX: usize = 5_000;

/// A target with the experiment that it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedTarget {
    /// The experiment's name.
    pub experiment: String,
    /// The target.
    pub target: Target,
}

/// What a collector asks its agents to measure in one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetList {
    /// [`TARGETS_SCHEMA`].
    pub schema: String,
    /// The stream; an agent without its consent never asks for the list.
    pub stream: Stream,
    /// The targets, in order.
    pub targets: Vec<ListedTarget>,
    /// Public resolvers that the `dns` experiment asks beside the device's own.
    #[serde(default)]
    pub public_resolvers: Vec<IpAddr>,
}
