//! Somebody else than the site shakes hands in its name.
use super::tls_failed::relevant;
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Tls;
use crate::analysis::web::tonle::case::{Case, Page, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Mechanism;

/// At an address that is the site's, a certificate of an authority that nobody trusts, while the
/// controls get a good one there: an artefact. A certificate for another name is weaker: servers have
/// default ones.
pub(super) const RULE: Rule = Rule {
    id: "tls.interception",
    version: 1,
    about: "the site's address shows a certificate that nobody trusts, and a good one to the controls",
    judge: Judge::Handshake(judge),
};

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    relevant(page).find_map(|(endpoint, tls)| {
        let control = case.control_handshake(endpoint);
        if !matches!(control, Sees::Works(_)) {
            return None;
        }
        let at = together([vec![tls.step.at.clone()], control.witnesses()]);
        match tls.step.failure {
            Some(Failure::SslUnknownAuthority) => Some(Finding::blocked(
                mechanism(tls),
                at,
                "the same certificate shown to a control, or a filter on the volunteer's own side",
            )),
            Some(Failure::SslInvalidHostname) => Some(Finding::likely(
                mechanism(tls),
                at,
                "the same certificate shown to a control",
            )),
            _ => None,
        }
    })
}

fn mechanism(tls: &Tls) -> Mechanism {
    let self_issued = tls
        .certificate
        .as_ref()
        .is_some_and(|leaf| leaf.self_issued);
    if self_issued {
        Mechanism::TlsMitmSelfSigned
    } else {
        Mechanism::TlsMitmCaSigned
    }
}
