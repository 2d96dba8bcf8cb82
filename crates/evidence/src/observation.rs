//! What one step saw: start, end, operation, and a result or a failure.
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Facts of a step beyond time and failure: a flat JSON object of integers, strings, booleans and
/// lists of these. No floats. Which keys an operation writes is documented where the step lives
/// (`crates/net`), so that a new kind of measurement changes nothing here.
pub type Detail = BTreeMap<String, Value>;

/// One network operation and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observation {
    /// Start, in microseconds of the monotonic clock since the run began.
    pub t_start_us: i64,
    /// The moment the result or failure was known, same clock.
    pub t_end_us: i64,
    /// The step: `resolve`, `connect`, `tls_handshake`, `http_request`, `icmp_echo`, `transfer`, …
    pub operation: String,
    /// What it was done to: a name, an `address:port`, a URL. Never anything of the volunteer's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why it failed; absent on success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What else the step saw.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: Detail,
}

impl Observation {
    /// How long the step took, in microseconds.
    #[must_use]
    pub fn duration_us(&self) -> i64 {
        self.t_end_us - self.t_start_us
    }

    /// True when the step did what it set out to do.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }
}
