//! The page began to come, and was not finished.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Endpoint;
use crate::analysis::web::tonle::case::{Case, Page, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;

/// The page began to come and was not done when its time ran out, while a control had it: bytes kept
/// coming too slowly, or none came any more on a line that works. That it was slowed down or frozen on
/// purpose takes pairs of transfers from the same server (net4people/bbs#283, #490): one visit is
/// impaired, no more.
pub(super) const RULE: Rule = Rule {
    id: "http.slow",
    version: 2,
    about: "the page began to come, its time ran out, and a control had it",
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
    let slow = page
        .endpoints
        .iter()
        .filter(|endpoint| is_slow(case, endpoint));
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

fn is_slow(case: &Case<'_>, endpoint: &Endpoint) -> bool {
    let Some(http) = &endpoint.http else {
        return false;
    };
    if http.step.failure != Some(Failure::GenericTimeout) {
        return false;
    }
    let began = http.response.as_ref().is_some_and(|head| head.status > 0);
    let mut seen = endpoint.progress_bytes.clone();
    seen.sort_unstable();
    seen.dedup();
    let most = seen.last().copied().unwrap_or(0);
    let goes_on = most >= BYTES_MIN && seen.len() > STEPS_MIN;
    goes_on || (began && case.line_works())
}

#[cfg(test)]
mod tests {
    use crate::analysis::web::scenarios::{Build, Helper, Page, Via};
    use crate::analysis::web::tonle::tests::judged;
    use tonle_evidence::verdict::State;

    const URL: &str = "https://www.example.com/";
    const NAME: &str = "www.example.com";
    const SITE: &str = "93.184.216.34";

    /// A page of which some came before its time ran out.
    fn stopped(system: Result<&[&str], &str>) -> State {
        let part = Page {
            status: 200,
            title: "",
            bytes: 9_000,
            headers: &["Date"],
            truncated: false,
        };
        let build = Build::new(URL)
            .dns(0, Via::System, NAME, system)
            .dns(0, Via::Udp, NAME, Ok(&[SITE]))
            .tcp(0, "93.184.216.34:443", None)
            .tls(NAME, None)
            .get_breaks(URL, &part, "generic_timeout_error")
            .progress(&[5_000, 9_000, 9_000])
            .control(Helper::of_site());
        judged(&build).overall.state
    }

    #[test]
    fn a_page_that_stops_coming_is_impaired_while_the_line_works() {
        assert_eq!(stopped(Ok(&[SITE])), State::Impaired);
        let silent = stopped(Err("generic_timeout_error"));
        assert_eq!(silent, State::Insufficient);
    }
}
