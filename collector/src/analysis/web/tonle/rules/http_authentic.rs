//! The page came under its own certificate.
use super::{Judge, Rule};
use crate::analysis::web::tonle::case::{Case, Page};
use crate::analysis::web::tonle::finding::Finding;

/// Under TLS with a valid certificate nobody on the way can have changed it: no control is needed.
pub(super) const RULE: Rule = Rule {
    id: "http.authentic",
    version: 1,
    about: "the page came under a valid certificate",
    judge: Judge::Request(judge),
};

fn judge(_: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let authentic = page
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.is_authentic());
    let pages = authentic.filter_map(|endpoint| endpoint.http.as_ref());
    let pages = pages.filter(|http| http.last_response().is_some());
    let at: Vec<String> = pages.map(|http| http.step.at.clone()).collect();
    if at.is_empty() {
        return None;
    }
    Some(Finding::ok(at, "a failure when asked again"))
}
