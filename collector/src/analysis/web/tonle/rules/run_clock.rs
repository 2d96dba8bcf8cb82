//! A clock that is off makes good certificates look expired.
use super::{Judge, Rule};
use crate::analysis::web::tonle::case::Case;
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Reason;

/// A certificate is valid within its dates only (RFC 5280, 4.1.2.5): a device a day off cannot tell
/// interception from its own clock.
pub(super) const RULE: Rule = Rule {
    id: "run.clock",
    version: 1,
    about: "the device's clock is more than a day off, so no certificate can be judged",
    judge: Judge::Run(judge),
};

fn judge(case: &Case<'_>) -> Option<Finding> {
    let at = case.facts.run.clock_off.clone()?;
    Some(Finding::insufficient(
        Reason::InvalidRun,
        vec![at],
        "the same run with the clock set",
    ))
}
