//! A known block page in place of the page.
use super::dns_blockpage::blockpage;
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Http;
use crate::analysis::web::tonle::case::{Case, Page, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Mechanism;

/// A fingerprint of `configs/fingerprints` in a response in clear, from an address that is the
/// site's: somebody on the way answered. Under a valid certificate nobody on the way can have.
pub(super) const RULE: Rule = Rule {
    id: "http.blockpage",
    version: 1,
    about: "a known block page (configs/fingerprints) came in clear in place of the page",
    judge: Judge::Request(judge),
};

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let found = page.endpoints.iter().copied();
    let found: Vec<&Http> = found
        .filter_map(|endpoint| blockpage(case, endpoint))
        .filter(|http| !control_has_title(case, http))
        .collect();
    let first = found.first()?;
    let control = case.control_page();
    let own = found.iter().map(|http| http.step.at.clone()).collect();
    let at = together([own, control.witnesses()]);
    if control == Sees::Silent {
        return Some(Finding::no_control(at));
    }
    let leads_on = first
        .response
        .as_ref()
        .is_some_and(|response| response.status / 100 == 3);
    let mechanism = if leads_on {
        Mechanism::HttpRedirect
    } else {
        Mechanism::HttpBlockpage
    };
    Some(Finding::blocked(
        mechanism,
        at,
        "the same page shown to a control",
    ))
}

/// A page that a control is shown too is the site's own.
fn control_has_title(case: &Case<'_>, http: &Http) -> bool {
    let title = http
        .response
        .as_ref()
        .map(|response| response.title.as_str());
    let mut controls = case
        .facts
        .controls
        .iter()
        .filter_map(|control| control.http.as_ref());
    controls.any(|control| !control.title.is_empty() && Some(control.title.as_str()) == title)
}
