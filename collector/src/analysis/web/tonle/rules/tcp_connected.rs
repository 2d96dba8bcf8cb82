//! A connection to the page came about.
use super::{Judge, Rule};
use crate::analysis::web::tonle::case::{Case, Page};
use crate::analysis::web::tonle::finding::Finding;

/// A browser tries the next address when one fails (RFC 8305): one connection is enough.
pub(super) const RULE: Rule = Rule {
    id: "tcp.connected",
    version: 1,
    about: "one of the page's addresses accepts connections",
    judge: Judge::Connection(judge),
};

fn judge(_: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let made = page.endpoints.iter();
    let made = made.filter(|endpoint| endpoint.fetches_body && endpoint.tcp.failure.is_none());
    let at: Vec<String> = made.map(|endpoint| endpoint.tcp.at.clone()).collect();
    if at.is_empty() {
        return None;
    }
    Some(Finding::ok(at, "a failure at every address of the page"))
}
