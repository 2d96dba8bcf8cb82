//! A certificate that only the device's clock finds invalid.
use super::tls_failed::relevant;
use super::{Judge, Rule, together};
use crate::analysis::web::tonle::case::{Case, Page, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Reason;

/// The certificate is for the name but outside its dates by the device's clock, and a control that
/// shakes hands with the same address finds it good: then the clock is wrong, not the network.
pub(super) const RULE: Rule = Rule {
    id: "tls.clock",
    version: 1,
    about: "a certificate for the name is out of date by the device's clock only",
    judge: Judge::Handshake(judge),
};

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let now_s = case.facts.started_s?;
    relevant(page).find_map(|(endpoint, tls)| {
        let certificate = tls.certificate.as_ref()?;
        let control = case.control_handshake(endpoint);
        let by_date = tls.step.failure == Some(Failure::SslInvalidCertificate)
            && certificate.is_for(&tls.server_name)
            && !certificate.is_valid_at(now_s);
        let good_elsewhere = matches!(control, Sees::Works(_));
        (by_date && good_elsewhere).then(|| {
            Finding::insufficient(
                Reason::InvalidRun,
                together([vec![tls.step.at.clone()], control.witnesses()]),
                "the same run with the clock set",
            )
        })
    })
}
