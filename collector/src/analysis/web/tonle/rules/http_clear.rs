//! A response in clear, compared with the controls'.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::{Endpoint, Response};
use crate::analysis::web::ooni::compare;
use crate::analysis::web::tonle::case::{Case, Page};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::verdict::Mechanism;

/// The same page as any control's is the page. Another page counts only when it is called a success
/// as the controls' is, and has nothing in common with any of them: neither length nor title nor an
/// uncommon header, those left out that say how a message is cut. Sites give countries and devices
/// other pages, but from the same servers; and an error page may be the server's own.
pub(super) const RULE: Rule = Rule {
    id: "http.clear",
    version: 2,
    about: "a page in clear is the controls' page, or has nothing in common with it",
    judge: Judge::Request(judge),
};

/// Headers that are about the message and not about the page (RFC 9112 sections 6 and 9): a block page
/// has them as well. OONI's comparison counts them.
const FRAMING: [&str; 4] = [
    "connection",
    "content-length",
    "keep-alive",
    "transfer-encoding",
];

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let clear: Vec<(&Endpoint, &Response)> = page
        .endpoints
        .iter()
        .filter(|endpoint| !endpoint.is_authentic())
        .filter_map(|endpoint| Some((*endpoint, endpoint.http.as_ref()?.last_response()?)))
        .collect();
    if clear.is_empty() {
        return None;
    }
    let pages = clear
        .iter()
        .filter_map(|(endpoint, _)| endpoint.http.as_ref());
    let own: Vec<String> = pages.map(|http| http.step.at.clone()).collect();
    let controls = case.facts.controls.iter();
    let usable: Vec<_> = controls
        .filter(|control| {
            control
                .http
                .as_ref()
                .is_some_and(|http| http.failure.is_none())
        })
        .collect();
    let heard = usable
        .iter()
        .map(|control| format!("{}/http_request", control.at));
    let at = together([own, heard.collect()]);
    if usable.is_empty() {
        return Some(Finding::no_control(at));
    }
    let pairs = clear.iter().flat_map(|(_, response)| {
        let response = without_framing(response);
        let compared = usable
            .iter()
            .map(|control| compare(&response, Some(control)));
        compared.collect::<Vec<_>>()
    });
    let comparisons: Vec<_> = pairs.collect();
    if comparisons.iter().any(|comparison| !comparison.differs()) {
        return Some(Finding::ok(
            at,
            "a page that has nothing in common with the controls'",
        ));
    }
    let called_success = clear.iter().all(|(_, page)| page.status / 100 == 2);
    let has_nothing_in_common = comparisons.iter().all(|comparison| {
        let alike = [
            comparison.body_length_match,
            comparison.headers_match,
            comparison.title_match,
        ];
        comparison.status_code_match == Some(true) && alike == [Some(false); 3]
    });
    Some(if called_success && has_nothing_in_common {
        let would_change = "the same page shown to a control in another country";
        Finding::likely(Mechanism::HttpOther, at, would_change)
    } else {
        Finding::below_floor(at, "a known block page, or a control in another country")
    })
}

fn without_framing(response: &Response) -> Response {
    let mut response = response.clone();
    response
        .headers
        .retain(|(name, _)| !FRAMING.contains(&name.as_str()));
    response
}

#[cfg(test)]
mod tests {
    use crate::analysis::web::scenarios::{Build, Helper, Page};
    use crate::analysis::web::tonle::tests::judged;
    use tonle_evidence::verdict::{Mechanism, State};

    const URL: &str = "http://www.example.com/";
    const SITE: &str = "93.184.216.34";

    fn said(title: &'static str, headers: &'static [&'static str]) -> (State, Option<Mechanism>) {
        let page = |title, bytes, headers| Page {
            status: 200,
            title,
            bytes,
            headers,
            truncated: false,
        };
        let build = Build::new(URL)
            .resolves(0, "www.example.com", &[SITE])
            .tcp(0, "93.184.216.34:80", None)
            .get(URL, &page(title, 300, headers))
            .control(
                Helper::resolved(&[SITE])
                    .tcp("93.184.216.34:80", None)
                    .page(&page(
                        "Default Web Page",
                        1_533,
                        &["Content-Length", "X-Site"],
                    )),
            );
        let overall = judged(&build).overall;
        (overall.state, overall.mechanism)
    }

    #[test]
    fn a_length_is_nothing_that_pages_have_in_common() {
        let other = said("Not available", &["Content-Length", "Connection"]);
        assert_eq!(other, (State::LikelyBlocked, Some(Mechanism::HttpOther)));
        assert_eq!(said("Not available", &["X-Site"]).0, State::Ok);
        assert_eq!(said("Default Web Page", &["Content-Length"]).0, State::Ok);
    }
}
