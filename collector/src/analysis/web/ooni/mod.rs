//! The OONI layer: exactly the result keys that Web Connectivity 0.5 gives for the same facts, its
//! known mistakes included, so that our data compares with OONI's.
//!
//! Written from the behaviour of Web Connectivity LTE 0.5.28, of which
//! <https://github.com/ooni/spec/blob/master/nettests/ts-017-web-connectivity.md> is the
//! specification; where the two differ, from the behaviour.
//!
//! Facts become observations (`observe`), observations become sets of transactions (`sets`).
//! The flags are read from all of them (`flags`); the other keys from the *classic* part: lookups
//! of the system resolver and connections to what it found (`classic`).
mod classic;
mod diff;
mod flags;
mod observe;
mod sets;
#[cfg(test)]
pub(crate) mod tests;

pub use diff::Comparison;
pub(super) use diff::compare;

use super::facts::Facts;
use observe::Observed;
use serde::Serialize;
use sets::Sets;
use tonle_evidence::failure::Failure;

/// The version of Web Connectivity whose keys these are.
pub const METHOD: &str = "web_connectivity/0.5.28";

/// What blocks a page, in OONI's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocking {
    /// `null`: not known.
    Unknown,
    /// `false`: nothing.
    Nothing,
    /// `"dns"`.
    Dns,
    /// `"tcp_ip"`.
    TcpIp,
    /// `"http-failure"`.
    HttpFailure,
    /// `"http-diff"`.
    HttpDiff,
}

impl Serialize for Blocking {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown => serializer.serialize_none(),
            Self::Nothing => serializer.serialize_bool(false),
            Self::Dns => serializer.serialize_str("dns"),
            Self::TcpIp => serializer.serialize_str("tcp_ip"),
            Self::HttpFailure => serializer.serialize_str("http-failure"),
            Self::HttpDiff => serializer.serialize_str("http-diff"),
        }
    }
}

/// Whether the system's answers are what the control saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// They are.
    Consistent,
    /// They are not.
    Inconsistent,
}

/// The result keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OoniKeys {
    /// [`METHOD`].
    pub method: &'static str,
    /// First failed lookup of the page's name by the system resolver.
    pub dns_experiment_failure: Option<Failure>,
    /// Whether the system's answers are what the control saw.
    pub dns_consistency: Option<Consistency>,
    /// Why there is no control.
    pub control_failure: Option<Failure>,
    /// What the page failed with.
    pub http_experiment_failure: Option<Failure>,
    /// 1 bogon, 2 unexpected failure, 4 unexpected addresses. Web Connectivity 0.4 has no flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_dns_flags: Option<u32>,
    /// 1 DNS, 2 TCP, 4 TLS, 8 HTTP failure, 16 http-diff, 32 success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_blocking_flags: Option<u32>,
    /// 1, 2, 4 expected failure of DNS, TCP, TLS; 8 HTTPS success without control; 16 an answer
    /// where the control has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_null_null_flags: Option<u32>,
    /// How the response compares with the control's.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// What blocks it.
    pub blocking: Blocking,
    /// Whether it was reached.
    pub accessible: Option<bool>,
}

/// The keys of these facts.
#[must_use]
pub fn keys(facts: &Facts) -> OoniKeys {
    let all = Observed::of(facts);
    let classic = all.classic();
    let sets = Sets::of(&all);
    let classic_sets = Sets::of(&classic);
    let last = classic.last_response();
    let comparison = last.map_or_else(Comparison::default, |response| {
        compare(response, facts.controls.first())
    });
    let consistency = classic::consistency(&classic, &classic_sets);
    let verdict = classic::verdict(&classic, consistency);
    let flag = |flags: u32| facts.labelled.then_some(flags);
    OoniKeys {
        method: METHOD,
        dns_experiment_failure: classic_sets.dns_experiment_failure.clone(),
        dns_consistency: consistency,
        control_failure: facts.control_failure.clone(),
        http_experiment_failure: verdict.failure,
        x_dns_flags: flag(flags::dns(&sets)),
        x_blocking_flags: flag(flags::blocking(&all, &sets)),
        x_null_null_flags: flag(flags::null_null(&all, &sets)),
        comparison,
        blocking: verdict.blocking,
        accessible: verdict.accessible,
    }
}
