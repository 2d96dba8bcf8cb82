//! A handshake with a valid certificate.
use super::{Judge, Rule};
use crate::analysis::web::tonle::case::{Case, Page};
use crate::analysis::web::tonle::finding::Finding;

/// A certificate that leads to a trusted root and is for the name (RFC 5280, RFC 6125).
pub(super) const RULE: Rule = Rule {
    id: "tls.valid",
    version: 1,
    about: "a handshake with a valid certificate succeeds",
    judge: Judge::Handshake(judge),
};

fn judge(_: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let valid = page
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.is_authentic());
    let valid = valid.filter_map(|endpoint| endpoint.tls.as_ref());
    let at: Vec<String> = valid.map(|tls| tls.step.at.clone()).collect();
    if at.is_empty() {
        return None;
    }
    Some(Finding::ok(
        at,
        "a failed handshake at every address of the page",
    ))
}
