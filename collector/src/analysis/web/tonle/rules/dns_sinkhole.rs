//! An answer with an address that is known to stand in for blocked sites.
use super::{Judge, Rule, together};
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Mechanism;

/// Asked before any comparison of networks: a sinkhole often stands in the network of the site or of
/// the operator's caches, which OONI's comparison takes for the site (ooni/probe#1735).
pub(super) const RULE: Rule = Rule {
    id: "dns.sinkhole",
    version: 1,
    about: "the answer is a known sinkhole (configs/fingerprints), and no control got it",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    let country = case.facts.country.as_str();
    let is_sinkhole = asked
        .addresses()
        .any(|address| case.prints.is_sinkhole(address, country) && !case.is_known(address));
    if !is_sinkhole {
        return None;
    }
    let control = case.control_lookup(asked);
    let at = together([asked.witnesses(), control.witnesses()]);
    if control == Sees::Silent {
        return Some(Finding::no_control(at));
    }
    Some(Finding::blocked(
        Mechanism::DnsInjectionBlockpage,
        at,
        "a control that is given the same address",
    ))
}
