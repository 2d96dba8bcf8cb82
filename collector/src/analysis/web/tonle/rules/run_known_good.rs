//! A line on which nothing can be reached says nothing of one site.
use super::{Judge, Rule};
use crate::analysis::web::tonle::case::Case;
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Reason;

/// A verdict needs control targets that succeed in the same run (Censored Planet's filter of failed
/// controls; targets of the category CTRL are benign content for this use).
pub(super) const RULE: Rule = Rule {
    id: "run.known_good",
    version: 1,
    about: "no site was reached that is reached wherever the Internet is",
    judge: Judge::Run(judge),
};

fn judge(case: &Case<'_>) -> Option<Finding> {
    let failed = &case.facts.run.known_good_failed;
    if failed.is_empty() {
        return None;
    }
    Some(Finding::insufficient(
        Reason::InvalidRun,
        failed.clone(),
        "the same run while a known site is reached",
    ))
}
