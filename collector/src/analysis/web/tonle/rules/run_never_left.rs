//! A device that is offline measures itself.
use super::{Judge, Rule};
use crate::analysis::web::tonle::case::Case;
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Reason;

/// Every step failed for want of a network: our steps say so themselves, and where they do not, each
/// says `network_unreachable` or `network_down`.
pub(super) const RULE: Rule = Rule {
    id: "run.never_left",
    version: 1,
    about: "nothing left the device, so the run says nothing of any network",
    judge: Judge::Run(judge),
};

fn judge(case: &Case<'_>) -> Option<Finding> {
    let facts = case.facts;
    let steps = facts
        .lookups
        .iter()
        .map(|lookup| (&lookup.at, lookup.failure.as_ref()))
        .chain(
            facts
                .endpoints
                .iter()
                .map(|endpoint| (&endpoint.tcp.at, endpoint.tcp.failure.as_ref())),
        );
    let offline = |failure: Option<&Failure>| {
        matches!(
            failure,
            Some(Failure::NetworkUnreachable | Failure::NetworkDown)
        )
    };
    let mut all = steps.clone();
    let nothing_worked = all.all(|(_, failure)| offline(failure)) && facts.controls.is_empty();
    let by_steps: Vec<String> = steps.map(|(at, _)| at.clone()).collect();
    let at = match &facts.run.never_left {
        Some(at) => vec![at.clone()],
        None if nothing_worked && !by_steps.is_empty() => by_steps,
        None => return None,
    };
    Some(Finding::insufficient(
        Reason::InvalidRun,
        at,
        "the same run on a device that is online",
    ))
}
