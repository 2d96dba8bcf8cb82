//! An answer whose address cannot prove to be the site, although the site can.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Endpoint;
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Mechanism;

/// The other side of `dns.certificate`: at an address that no control was given, a certificate of an
/// unknown authority or for another name, while the controls shake hands with the site for this name.
pub(super) const RULE: Rule = Rule {
    id: "dns.wrong_certificate",
    version: 1,
    about: "an address that no control got holds no valid certificate for the name; the site does",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    let control = case.control_lookup(asked);
    if asked.name != case.facts.host() || !matches!(control, Sees::Works(_)) {
        return None;
    }
    let site = case.facts.controls.iter().flat_map(|control| &control.tls);
    let mut site = site.filter(|(_, name, _)| name.eq_ignore_ascii_case(asked.name));
    if !site.any(|(_, _, failure)| failure.is_none()) {
        return None;
    }
    let connections = case.connections_of(asked).into_iter();
    let wrong = connections
        .filter(|endpoint| !case.is_known(&endpoint.address))
        .filter_map(wrong_certificate);
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() {
        return None;
    }
    Some(Finding::likely(
        Mechanism::DnsInjectionOther,
        together([asked.witnesses(), wrong, control.witnesses()]),
        "a control that meets the same certificate",
    ))
}

fn wrong_certificate(endpoint: &Endpoint) -> Option<String> {
    let tls = endpoint.tls.as_ref()?;
    let is_wrong = matches!(
        tls.step.failure,
        Some(Failure::SslUnknownAuthority | Failure::SslInvalidHostname)
    );
    is_wrong.then(|| tls.step.at.clone())
}
