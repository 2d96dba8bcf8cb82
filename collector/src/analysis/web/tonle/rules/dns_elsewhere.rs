//! An answer that leads somewhere else than to the site.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Endpoint;
use crate::analysis::web::ooni::compare;
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Mechanism;

/// Another address alone proves nothing: it is the worst source of false positives of scores that
/// count it (ooni/data, `answer_unmatched`). It counts only beside what is found there: nothing
/// works, or a page that has nothing in common with the controls', while an address that the controls
/// were given works from the same place.
pub(super) const RULE: Rule = Rule {
    id: "dns.elsewhere",
    version: 1,
    about: "the answer leads to nothing or to another page, while the controls' address works from here",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    let control = case.control_lookup(asked);
    let is_own = asked.name == case.facts.host();
    if !is_own || !asked.has_address() || !matches!(control, Sees::Works(_)) {
        return None;
    }
    let there = case.connections_of(asked);
    if there.is_empty() || !there.iter().all(|endpoint| is_elsewhere(case, endpoint)) {
        return None;
    }
    let mut known: Vec<String> = case
        .facts
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.depth == Some(asked.depth))
        .filter(|endpoint| case.is_known(&endpoint.address) && endpoint.failure().is_none())
        .map(|endpoint| endpoint.tcp.at.clone())
        .collect();
    if known.is_empty() {
        return None;
    }
    known.extend(there.iter().map(|endpoint| endpoint.tcp.at.clone()));
    Some(Finding::likely(
        Mechanism::DnsInjectionOther,
        together([asked.witnesses(), known, control.witnesses()]),
        "a valid certificate, or the controls' page, at the answered address",
    ))
}

/// Nothing works there; or a page came that the controls' has nothing in common with. A connection
/// that only checks the address says nothing when it succeeds without a certificate.
fn is_elsewhere(case: &Case<'_>, endpoint: &Endpoint) -> bool {
    if endpoint.failure().is_some() {
        return true;
    }
    let response = endpoint.http.as_ref().and_then(|http| http.last_response());
    response.is_some_and(|response| {
        let comparison = compare(response, case.facts.controls.first());
        let alike = [
            comparison.body_length_match,
            comparison.headers_match,
            comparison.title_match,
        ];
        let called_success = response.status / 100 == 2;
        called_success && alike == [Some(false); 3] && !case.prints.is_server_side(response)
    })
}
