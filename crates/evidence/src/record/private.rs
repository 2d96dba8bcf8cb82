//! The private half: what ties a record to its agent, its chain and its exact time.
use crate::hash::{Hash, Id64, Id128};
use serde::{Deserialize, Serialize};

/// Schema id of the private half.
pub const PRIVATE_SCHEMA: &str = "tonle.record.private/1";

/// The first bytes of a fetched body, kept for analysis and never published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BodyPrefix {
    /// Index of the observation in the public half.
    pub observation: u32,
    /// At most 16 KiB, base64.
    pub base64: String,
}

/// The private half of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Private {
    /// [`PRIVATE_SCHEMA`].
    pub schema: String,
    /// 128 random bits.
    pub record_id: Id128,
    /// As issued at enrolment.
    pub key_id: String,
    /// New whenever the agent's state was lost.
    pub chain_id: Id64,
    /// Rises by one per record of the chain, from 0.
    pub sequence: u64,
    /// Record hash of the one before in the chain; zeros for the first.
    pub prev_hash: Hash,
    /// Start of the run, microseconds since the Unix epoch, by the device's wall clock.
    pub t_start_us: i64,
    /// Start plus the run's monotonic duration.
    pub t_end_us: i64,
    /// Collector time minus ours, microseconds, from the last exchange with the collector. The
    /// public half has its class only ([`crate::record::offset_class`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_us: Option<i64>,
    /// 16 random bytes, so that the half's hash cannot be guessed.
    pub blind: Id128,
    /// Prefixes of fetched bodies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bodies: Vec<BodyPrefix>,
}
