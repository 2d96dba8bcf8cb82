//! The class of a way: `on_net`, `exchange_point`, `domestic`, `abroad`, or why it is not known.
//!
//! A router is the operator's own, another network's of this country, an exchange point's, a foreign
//! network's, or unmapped; by the country's operators and exchange points and by the network table.
//! A table knows who holds an address, not where a router stands, so a foreign network's router is
//! abroad only where the round-trip time does not show it to be near: less than 3 ms behind the last
//! router of this country. The first that holds decides:
//!
//! - P1 `abroad`: a router is abroad, whoever stands behind it (a way may leave and come back).
//! - P2 unknown, `foreign_but_near`: routers of foreign networks, all of them near.
//! - P3 unknown, `no_router`: nobody outside the volunteer's own network answered.
//! - P4 unknown, `unmapped`: no table knows any of the routers.
//! - P5 unknown, `not_reached`: the target did not answer, so the rest of the way may lead anywhere.
//! - P6 `exchange_point`: a router on the peering LAN of one.
//! - P7 `on_net`: nothing but the operator's own routers.
//! - P8 `domestic`: other networks of this country, and no exchange point that is known.
//!
//! Unmapped routers beside others are passed over, and counted.
use super::side::{Atlas, Located, Side};
use super::way::Way;
use serde::Serialize;
use tonle_evidence::record::PathClass;

/// Id and version of these rules. Raised whenever the same record gives another class.
pub const RULES: &str = "tonle.path/1";

/// Where a way leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It stays with the operator.
    OnNet,
    /// It crosses an exchange point and stays in the country.
    ExchangePoint,
    /// It crosses other networks of the country.
    Domestic,
    /// It leaves the country.
    Abroad,
    /// What was heard does not say.
    Unknown,
}

impl Class {
    /// The word as it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnNet => "on_net",
            Self::ExchangePoint => "exchange_point",
            Self::Domestic => "domestic",
            Self::Abroad => "abroad",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it says the opposite of what the target's list declared.
    #[must_use]
    pub fn contradicts(self, declared: PathClass) -> bool {
        match self {
            Self::Abroad => declared == PathClass::Domestic,
            Self::OnNet | Self::ExchangePoint | Self::Domestic => declared == PathClass::Abroad,
            Self::Unknown => false,
        }
    }
}

/// What the rules say of a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// [`RULES`].
    pub rules: &'static str,
    /// The rule that decided.
    pub rule: &'static str,
    /// The class.
    pub class: Class,
    /// Why it is not known, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// It says the opposite of what the target's list declared.
    pub contradicts_declared: bool,
    /// The exchange points that it crosses.
    pub exchanges: Vec<String>,
    /// Autonomous systems on the way, in their order, each once in a row.
    pub asns: Vec<u32>,
    /// Routers that answered.
    pub routers: usize,
    /// Of these, routers that no table knows.
    pub unmapped: usize,
}

/// Judges a way that began in one of the networks `access`.
#[must_use]
pub fn judge(way: &Way, access: &[u32], atlas: &Atlas<'_>) -> Verdict {
    let located = atlas.locate(&way.routers, access);
    let (rule, class, reason) = decide(&located, way.reached);
    let mut exchanges: Vec<String> = located.iter().filter_map(exchange).collect();
    exchanges.dedup();
    let mut asns: Vec<u32> = located.iter().filter_map(|one| one.asn).collect();
    asns.dedup();
    Verdict {
        rules: RULES,
        rule,
        class,
        reason,
        contradicts_declared: class.contradicts(way.declared),
        exchanges,
        asns,
        routers: located.len(),
        unmapped: located
            .iter()
            .filter(|one| one.side == Side::Unmapped)
            .count(),
    }
}

fn decide(located: &[Located], reached: bool) -> (&'static str, Class, Option<&'static str>) {
    let unknown = |rule, reason| (rule, Class::Unknown, Some(reason));
    let any = |wanted: fn(&Located) -> bool| located.iter().any(wanted);
    if any(|one| one.is_abroad) {
        return ("P1", Class::Abroad, None);
    }
    if any(|one| one.side == Side::Foreign) {
        return unknown("P2", "foreign_but_near");
    }
    if located.is_empty() {
        return unknown("P3", "no_router");
    }
    if !any(|one| one.side != Side::Unmapped) {
        return unknown("P4", "unmapped");
    }
    if !reached {
        return unknown("P5", "not_reached");
    }
    if any(|one| matches!(one.side, Side::Exchange(_))) {
        return ("P6", Class::ExchangePoint, None);
    }
    if any(|one| one.side == Side::Home) {
        return ("P8", Class::Domestic, None);
    }
    ("P7", Class::OnNet, None)
}

fn exchange(located: &Located) -> Option<String> {
    match &located.side {
        Side::Exchange(id) => Some(id.clone()),
        _ => None,
    }
}
