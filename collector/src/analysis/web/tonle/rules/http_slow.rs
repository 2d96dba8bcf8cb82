//! The page came, too slowly to be finished.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Endpoint;
use crate::analysis::web::tonle::case::{Case, Page, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;

/// The transfer went on all the time and was not done when its time ran out, while a control had the
/// page. That it was slowed down on purpose takes pairs of transfers from the same server
/// (net4people/bbs#283): one visit is impaired, no more.
pub(super) const RULE: Rule = Rule {
    id: "http.slow",
    version: 1,
    about: "the transfer went on until its time ran out, and a control had the page",
    judge: Judge::Request(judge),
};

/// Least bytes that came: more than a handshake and the head of a response.
const BYTES_MIN: i64 = 16 << 10;
/// Least moments at which more had come than before.
const STEPS_MIN: usize = 4;

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let Sees::Works(control) = case.control_page() else {
        return None;
    };
    let slow = page.endpoints.iter().filter(|endpoint| is_slow(endpoint));
    let at: Vec<String> = slow
        .filter_map(|endpoint| Some(endpoint.http.as_ref()?.step.at.clone()))
        .collect();
    if at.is_empty() {
        return None;
    }
    Some(Finding::impaired(
        together([at, control]),
        "alternating transfers of this page and of another from the same server",
    ))
}

fn is_slow(endpoint: &Endpoint) -> bool {
    let http = endpoint.http.as_ref();
    let timed_out = http.is_some_and(|http| http.step.failure == Some(Failure::GenericTimeout));
    let mut seen = endpoint.progress_bytes.clone();
    seen.sort_unstable();
    seen.dedup();
    let most = seen.last().copied().unwrap_or(0);
    timed_out && most >= BYTES_MIN && seen.len() > STEPS_MIN
}
