//! An answer that leads to a known block page.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::{Endpoint, Http};
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Mechanism;

/// Asked before certificates and networks, for the reason of `dns.sinkhole`. A page under a valid
/// certificate is the site's own whatever it says.
pub(super) const RULE: Rule = Rule {
    id: "dns.blockpage",
    version: 1,
    about: "the answer leads to a known block page, at an address that no control got",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    let connections = case.connections_of(asked).into_iter();
    let pages: Vec<&Http> = connections
        .filter(|endpoint| !case.is_known(&endpoint.address))
        .filter_map(|endpoint| blockpage(case, endpoint))
        .collect();
    if pages.is_empty() {
        return None;
    }
    let control = case.control_lookup(asked);
    let pages = pages.iter().map(|http| http.step.at.clone()).collect();
    let at = together([asked.witnesses(), pages, control.witnesses()]);
    if control == Sees::Silent {
        return Some(Finding::no_control(at));
    }
    Some(Finding::blocked(
        Mechanism::DnsInjectionBlockpage,
        at,
        "a control that is given the same address or page",
    ))
}

/// The request that a known block page answered.
pub(super) fn blockpage<'a>(case: &Case<'_>, endpoint: &'a Endpoint) -> Option<&'a Http> {
    let http = endpoint
        .http
        .as_ref()
        .filter(|_| !endpoint.is_authentic())?;
    let response = http.response.as_ref()?;
    let known = case.prints.blockpage(response, &case.facts.country);
    known.map(|_| http)
}
