//! An answer with an address that no public service can have.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Address;
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Mechanism;

/// Special-purpose addresses (RFC 6890) are a common sinkhole (Censored Planet's order asks for
/// them first). Where the controls are given one too, the site itself is misconfigured.
pub(super) const RULE: Rule = Rule {
    id: "dns.bogon",
    version: 1,
    about: "the answer is an address that no public service can have, and the controls got another",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    if !asked.addresses().any(Address::is_bogon) {
        return None;
    }
    let control = case.control_lookup(asked);
    let at = together([asked.witnesses(), control.witnesses()]);
    match control {
        Sees::Silent => Some(Finding::no_control(at)),
        Sees::Works(_) if case.controls_see_bogon() => Some(Finding::down(at)),
        Sees::Works(_) => Some(Finding::blocked(
            Mechanism::DnsInjectionBogon,
            at,
            "the same address given to a control, or a filter that the volunteer runs himself",
        )),
        Sees::Fails(_) => None,
    }
}
