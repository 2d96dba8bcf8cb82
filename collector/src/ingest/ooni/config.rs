//! What an operator decides about clients of OONI's: the table `[ooni]` of the configuration.
use serde::Deserialize;

/// Settings of the OONI door; see `configs/collector.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OoniConfig {
    /// Whether clients of OONI's may ask for work and submit.
    pub accept: bool,
}
