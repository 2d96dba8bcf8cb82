//! A captive portal answers for every site.
use super::{Judge, Rule};
use crate::analysis::web::tonle::case::Case;
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Reason;

/// A portal intercepts names and requests of whoever has not signed in (RFC 8952, section 1): what it
/// answers is no page of anybody's, and no censor's either.
pub(super) const RULE: Rule = Rule {
    id: "run.portal",
    version: 1,
    about: "something else than the collector answered for its empty page: a captive portal",
    judge: Judge::Run(judge),
};

fn judge(case: &Case<'_>) -> Option<Finding> {
    let at = case.facts.run.portal.clone()?;
    Some(Finding::insufficient(
        Reason::InvalidRun,
        vec![at],
        "the same run after signing in at the portal",
    ))
}
