//! Two answers to one question that cannot both be honest.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Late;
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use std::collections::BTreeSet;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Mechanism;

/// An injected answer races the real one and wins; the real one comes all the same (`GFWatch`,
/// USENIX Security 2021; ooni/probe#1535). Copies and rotations of one answer are honest: the first must
/// share neither address nor network with the late one, and only the late one agrees with the
/// controls. Asked before certificates, because a transparent proxy relays good ones.
pub(super) const RULE: Rule = Rule {
    id: "dns.race",
    version: 1,
    about: "a second answer to the same question agrees with the controls, and the first does not",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    let honest: Vec<&Late> = asked
        .late
        .iter()
        .copied()
        .filter(|late| agrees_with_control(case, late))
        .collect();
    let first_agrees = asked
        .addresses()
        .any(|address| case.is_known(address) || case.is_of_known_network(address));
    if honest.is_empty() || first_agrees || shares_network(asked, &honest) {
        return None;
    }
    let control = case.control_lookup(asked);
    if !matches!(control, Sees::Works(_)) {
        return None;
    }
    let late = honest.iter().map(|late| late.at.clone()).collect();
    let mechanism = match asked.failure() {
        _ if asked.has_address() => Mechanism::DnsInjectionOther,
        Some(Failure::DnsNxdomain) => Mechanism::DnsNxdomain,
        Some(Failure::DnsRefused) => Mechanism::DnsRefused,
        _ => Mechanism::DnsNoAnswer,
    };
    Some(Finding::likely(
        mechanism,
        together([asked.witnesses(), late, control.witnesses()]),
        "both answers from the resolver itself: the same two over an encrypted channel",
    ))
}

fn agrees_with_control(case: &Case<'_>, late: &Late) -> bool {
    let mut addresses = late.addresses.iter();
    addresses.any(|address| case.is_known(address) || case.is_of_known_network(address))
}

fn shares_network(asked: &Asked<'_>, honest: &[&Late]) -> bool {
    let networks: BTreeSet<u32> = asked
        .addresses()
        .filter_map(|address| address.asn)
        .collect();
    let mut late = honest.iter().flat_map(|late| &late.addresses);
    late.any(|address| address.asn.is_some_and(|asn| networks.contains(&asn)))
}
