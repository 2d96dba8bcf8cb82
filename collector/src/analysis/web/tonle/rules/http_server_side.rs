//! The site itself turns the visitor away.
use super::{Judge, Rule};
use crate::analysis::web::facts::Endpoint;
use crate::analysis::web::tonle::case::{Case, Page};
use crate::analysis::web::tonle::finding::Finding;

/// CAPTCHAs, challenges and firewalls of the site (ooni/probe#1734, ooni/probe#2661), by the marks of
/// `configs/fingerprints`; and any refusal under the site's own certificate, be it for the visitor's
/// country (ooni/probe#2333). The network let it through.
pub(super) const RULE: Rule = Rule {
    id: "http.server_side",
    version: 1,
    about: "the site itself turns this visitor away: CAPTCHA, firewall or country rule of its own",
    judge: Judge::Request(judge),
};

/// Statuses by which a site refuses one visitor and not another.
const REFUSALS: [i64; 4] = [403, 429, 451, 503];

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let refused = page
        .endpoints
        .iter()
        .filter(|endpoint| is_refusal(case, endpoint));
    let refused = refused.filter_map(|endpoint| endpoint.http.as_ref());
    let at: Vec<String> = refused.map(|http| http.step.at.clone()).collect();
    if at.is_empty() {
        return None;
    }
    Some(Finding::server_side(at))
}

fn is_refusal(case: &Case<'_>, endpoint: &Endpoint) -> bool {
    let response = endpoint.http.as_ref().and_then(|http| http.last_response());
    response.is_some_and(|response| {
        let by_itself = endpoint.is_authentic() && REFUSALS.contains(&response.status);
        by_itself || case.prints.is_server_side(response)
    })
}
