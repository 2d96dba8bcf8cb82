//! No response came.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::{Endpoint, Http};
use crate::analysis::web::tonle::case::{Case, Page, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Mechanism;

/// The exchange is cut off or not answered where a control had the page. Redirects to nowhere and
/// broken responses may be the server's own. Silence counts only in clear, where the request can be
/// read on the way, and only while the line carries other traffic.
pub(super) const RULE: Rule = Rule {
    id: "http.failed",
    version: 1,
    about: "the request is cut off or unanswered, and a control had the page",
    judge: Judge::Request(judge),
};

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let failed = page.endpoints.iter();
    let failed: Vec<(&Endpoint, &Http)> = failed
        .filter_map(|endpoint| Some((*endpoint, endpoint.http.as_ref()?)))
        .filter(|(_, http)| http.step.failure.is_some())
        .collect();
    let (endpoint, http) = *failed.first()?;
    let control = case.control_page();
    let own = failed
        .iter()
        .map(|(_, http)| http.step.at.clone())
        .collect();
    let at = together([own, control.witnesses()]);
    Some(match control {
        Sees::Silent => Finding::no_control(at),
        Sees::Fails(_) => Finding::down(at),
        Sees::Works(_) => of_failure(case, endpoint, http, at),
    })
}

fn of_failure(case: &Case<'_>, endpoint: &Endpoint, http: &Http, at: Vec<String>) -> Finding {
    let mechanism = match http.step.failure {
        Some(Failure::ConnectionReset | Failure::Eof | Failure::ConnectionAborted) => {
            Mechanism::HttpReset
        }
        Some(Failure::GenericTimeout) if endpoint.tls.is_none() && case.line_works() => {
            Mechanism::HttpTimeout
        }
        _ => {
            let would_change =
                "a failure that no server gives rise to, or the page when asked again";
            return Finding::below_floor(at, would_change);
        }
    };
    let would_change = "the page when asked again, or a second control that fails as well";
    Finding::likely(mechanism, at, would_change)
}
