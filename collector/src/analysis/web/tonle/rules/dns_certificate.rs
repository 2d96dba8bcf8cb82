//! An answer that proves itself by a certificate.
use super::{Judge, Rule, together};
use crate::analysis::web::tonle::case::{Asked, Case};
use crate::analysis::web::tonle::finding::Finding;

/// Whoever holds a valid certificate for the name is the site or its content network, whatever the
/// address (Tsai and others, `CERTainty`, PETS 2023; Censored Planet Satellite). This clears networks that give every
/// country another address (ooni/probe#1735). Needs no control.
pub(super) const RULE: Rule = Rule {
    id: "dns.certificate",
    version: 1,
    about: "the answered address holds a valid certificate for the name",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    let connections = case.connections_of(asked).into_iter();
    let shaken = connections
        .filter(|endpoint| endpoint.is_authentic())
        .filter_map(|endpoint| endpoint.tls.as_ref())
        .filter(|tls| tls.server_name.eq_ignore_ascii_case(asked.name));
    let at: Vec<String> = shaken.map(|tls| tls.step.at.clone()).collect();
    if at.is_empty() {
        return None;
    }
    Some(Finding::ok(
        together([asked.witnesses(), at]),
        "a second answer that agrees with the controls while this one does not",
    ))
}
