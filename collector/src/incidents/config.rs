//! What an operator sets of incidents: how often, who is alerted, who may reply.
use serde::Deserialize;
use tonle_evidence::hash::PublicKey;
use url::Url;

/// How often the cells are looked at unless something else is said, seconds.
const EVERY_S: u64 = 600;
/// Seldom enough to cost nothing, and often enough for an hour to be seen.
const EVERY_S_MIN_MAX: std::ops::RangeInclusive<u64> = 10..=3_600;

/// The section `[incidents]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentsConfig {
    /// How often the cells are looked at, seconds.
    pub every_s: u64,
    /// Where alerts go: URLs that take a POST.
    pub webhooks: Vec<String>,
    /// Who may reply.
    pub may_reply: Vec<Replier>,
}

/// Somebody who may reply, by key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replier {
    /// Name that is shown, such as that of the operator.
    pub name: String,
    /// In which role.
    pub role: Role,
    /// Ed25519 public key, hex.
    pub key: PublicKey,
}

/// The role in which somebody replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs a network.
    Operator,
    /// A regulator or another authority.
    Authority,
}

impl Role {
    /// The word that is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Authority => "authority",
        }
    }
}

impl Default for IncidentsConfig {
    fn default() -> Self {
        Self {
            every_s: EVERY_S,
            webhooks: Vec::new(),
            may_reply: Vec::new(),
        }
    }
}

impl IncidentsConfig {
    /// What cannot be used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !EVERY_S_MIN_MAX.contains(&self.every_s) {
            let (min, max) = (EVERY_S_MIN_MAX.start(), EVERY_S_MIN_MAX.end());
            problems.push(format!("incidents.every_s must be from {min} to {max}"));
        }
        let is_usable = |text: &str| {
            let url = Url::parse(text).ok();
            url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        let wrong = self.webhooks.iter().filter(|text| !is_usable(text));
        problems.extend(wrong.map(|text| {
            format!("incidents.webhooks: '{text}' must begin with https:// or http://")
        }));
        problems
    }
}
