//! What an answer stands for, whoever gave it.
use super::message::Answer;
use super::query::Asked;
use crate::classify;
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use std::net::IpAddr;
use tonle_evidence::failure::Failure;

/// Most aliases of an answer that are noted.
const CNAMES_MAX: usize = 10;

/// A question without an answer.
pub(super) fn failed(step: Step, failure: Failure) -> Asked {
    Asked {
        observation: step.fail(failure),
        addresses: Vec::new(),
    }
}

/// The result that an answer of DNS stands for, with its facts.
pub(super) fn answered(mut step: Step, settings: &NetSettings, answer: Answer) -> Asked {
    step.fact("rcode", answer.rcode);
    if let Some(ttl_s) = answer.ttl_s {
        step.fact("ttl_s", ttl_s);
    }
    let failure = classify::rcode(answer.rcode);
    addressed(step, settings, (answer.addresses, answer.cnames), failure)
}

/// The result that addresses and aliases stand for. An address that may not be contacted makes the
/// answer a bogon, and is noted.
pub(super) fn addressed(
    mut step: Step,
    settings: &NetSettings,
    (addresses, cnames): (Vec<IpAddr>, Vec<String>),
    failure: Option<Failure>,
) -> Asked {
    if !addresses.is_empty() {
        let written = addresses.iter().copied().map(scrub::address);
        step.fact("addresses", written.collect::<Vec<_>>());
    }
    if !cnames.is_empty() {
        let written = |name: &String| scrub::alias(name, &addresses).into_owned();
        let names: Vec<_> = cnames.iter().take(CNAMES_MAX).map(written).collect();
        step.fact("cnames", names);
    }
    let (addresses, refused): (Vec<IpAddr>, Vec<IpAddr>) = addresses
        .into_iter()
        .partition(|address| settings.may_contact(*address));
    let failure = match failure {
        Some(failure) => Some(failure),
        None if !refused.is_empty() => Some(Failure::DnsBogon),
        None if addresses.is_empty() => Some(Failure::DnsNoAnswer),
        None => None,
    };
    let observation = match failure {
        None => step.succeed(),
        Some(failure) => step.fail(failure),
    };
    Asked {
        observation,
        addresses,
    }
}
