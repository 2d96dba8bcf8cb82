//! An answer of which nothing is known.
use super::{Judge, Rule, together};
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;

/// Content networks give every country other addresses: one that no control was given says nothing
/// by itself. "No control" is never "the control disagrees".
pub(super) const RULE: Rule = Rule {
    id: "dns.unmatched",
    version: 1,
    about: "an address came that nobody else got, with nothing to check it by",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    if !asked.has_address() || asked.name != case.facts.host() {
        return None;
    }
    let control = case.control_lookup(asked);
    let at = together([asked.witnesses(), control.witnesses()]);
    Some(match control {
        Sees::Silent => Finding::no_control(at),
        Sees::Fails(_) => Finding::down(at),
        Sees::Works(_) => Finding::below_floor(at, "a TLS handshake with the answered address"),
    })
}
