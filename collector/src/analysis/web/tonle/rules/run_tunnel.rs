//! A run through a VPN or tunnel sees the far end's network.
use super::{Judge, Rule};
use crate::analysis::web::tonle::case::Case;
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Reason;

/// VPN and cloud vantage points contaminate data sets (ooni/probe#1901, ooni/probe#2350).
pub(super) const RULE: Rule = Rule {
    id: "run.tunnel",
    version: 1,
    about: "the run went through a VPN or tunnel, so it says nothing of the line",
    judge: Judge::Run(judge),
};

fn judge(case: &Case<'_>) -> Option<Finding> {
    let at = case.facts.run.tunnelled.clone()?;
    Some(Finding::insufficient(
        Reason::InvalidRun,
        vec![at],
        "the same run without the VPN",
    ))
}
