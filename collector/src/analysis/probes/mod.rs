//! Verdicts on probes that follow a visit up: one address under several server names, paired
//! transfers, QUIC, services, resolvers. Pure.
//!
//! A probe carries its own control: what differs is the name alone. A rule's version is raised whenever
//! the same record can give another finding by it; [`RULES`] names them all.
mod attempts;
mod dns_integrity;
mod ech;
mod elsewhere;
mod finding;
mod interference;
mod localisation;
mod quic;
mod services;
mod sni;
#[cfg(test)]
mod tests;
mod throttling;

use crate::analysis::web::{Address, Facts, Fingerprints, RunFacts};
use finding::Finding;
use serde::Serialize;
use serde_json::{Value, json};
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Public;
use tonle_evidence::verdict::{Reason, Verdict};

/// What a rule is, for a person.
#[derive(Debug)]
pub struct Rule {
    /// Its id.
    pub id: &'static str,
    /// Its version.
    pub version: u32,
    /// What it says.
    pub about: &'static str,
}

/// One kind of probe: its experiment, and what is said of a record.
struct Probe {
    experiment: &'static str,
    judge: fn(&[Observation]) -> Said,
}

/// Every kind of probe that has a verdict by its record alone.
const PROBES: &[Probe] = &[
    Probe {
        experiment: "sni",
        judge: sni::judge,
    },
    Probe {
        experiment: "ech",
        judge: ech::judge,
    },
    Probe {
        experiment: "throttling",
        judge: throttling::judge,
    },
    Probe {
        experiment: "quic",
        judge: quic::judge,
    },
    Probe {
        experiment: "services",
        judge: services::judge,
    },
    Probe {
        experiment: "interference",
        judge: interference::judge,
    },
    Probe {
        experiment: "localisation",
        judge: localisation::judge,
    },
];

/// A run that is not believed of a visit is not believed of a probe either.
const INVALID_RUN: Rule = Rule {
    id: "probe.invalid_run",
    version: 2,
    about: "a VPN, a wrong clock, a captive portal, no known site reached or being offline speaks against the run",
};

/// Every rule of every probe.
pub const RULES: &[&[Rule]] = &[
    &[INVALID_RUN],
    sni::RULES,
    ech::RULES,
    throttling::RULES,
    quic::RULES,
    services::RULES,
    dns_integrity::RULES[0],
    dns_integrity::RULES[1],
    interference::RULES,
    localisation::RULES,
];

/// What is said of a record: the verdict, and what else was reckoned.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Said {
    overall: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<Value>,
}

impl From<Finding> for Said {
    fn from(finding: Finding) -> Self {
        Self {
            overall: finding.into_verdict(),
            effect: None,
        }
    }
}

/// The verdict on a probe's record; `None` for any other experiment.
#[must_use]
pub fn verdict(public: &Public, prints: &Fingerprints) -> Option<Value> {
    let experiment = public.method.id.as_str();
    let probe = PROBES.iter().find(|probe| probe.experiment == experiment);
    if probe.is_none() && experiment != dns_integrity::EXPERIMENT {
        return None;
    }
    let seen = &public.observations;
    // Answers of resolvers are held against known sinkholes too, which other probes never meet.
    let is_sinkhole = |address: &str| {
        let address = Address::new(address, None);
        prints.is_sinkhole(&address, &public.country)
    };
    let judged = || match probe {
        Some(probe) => (probe.judge)(seen),
        None => dns_integrity::judge(seen, &is_sinkhole),
    };
    Some(json!(invalid(public).unwrap_or_else(judged)))
}

fn invalid(public: &Public) -> Option<Said> {
    invalid_by(&Facts::from_record(public, None).run)
}

fn invalid_by(run: &RunFacts) -> Option<Said> {
    let against = run.against();
    if against.is_empty() {
        return None;
    }
    let would_change =
        "the same run without a VPN or a portal, on a device that is online and knows the time";
    let finding = Finding::insufficient(&INVALID_RUN, Reason::InvalidRun, against, would_change);
    Some(finding.into())
}
