//! An answer that others are given too.
use super::{Judge, Rule, together};
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use std::collections::BTreeSet;

/// The same address given to a control, or from the same place over HTTPS; last, and weakest, one of
/// the same network. Networks come last because operators host caches and block pages in them
/// (Censored Planet Satellite's order).
pub(super) const RULE: Rule = Rule {
    id: "dns.address",
    version: 1,
    about: "the answer, or one of its network, is given to a control or over HTTPS too",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    if asked.name != case.facts.host() {
        return None;
    }
    let addresses: BTreeSet<&str> = asked.addresses().map(|one| one.text.as_str()).collect();
    let private: Vec<String> = case
        .private_lookups(asked.name)
        .filter(|lookup| {
            lookup
                .addresses
                .iter()
                .any(|one| addresses.contains(one.text.as_str()))
        })
        .map(|lookup| lookup.at.clone())
        .collect();
    let control = case.control_lookup(asked);
    let known = matches!(control, Sees::Works(_))
        && asked
            .addresses()
            .any(|address| case.is_known(address) || case.is_of_known_network(address));
    if !known && private.is_empty() {
        return None;
    }
    let witnesses = if known {
        control.witnesses()
    } else {
        Vec::new()
    };
    Some(Finding::ok(
        together([asked.witnesses(), private, witnesses]),
        "a known block page at the answered address",
    ))
}
