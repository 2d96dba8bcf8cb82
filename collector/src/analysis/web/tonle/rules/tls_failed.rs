//! No handshake succeeded.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::{Endpoint, Tls};
use crate::analysis::web::tonle::case::{Case, Page, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Mechanism;

/// The handshake is cut off or not answered where the controls' succeeds. That the server name is the
/// reason is said only where another name passes at the same address (OONI ts-024).
pub(super) const RULE: Rule = Rule {
    id: "tls.failed",
    version: 1,
    about: "the handshake is cut off or unanswered, and succeeds for the controls",
    judge: Judge::Handshake(judge),
};

/// Handshakes that say something of the page. On a redirect, only those that were to fetch it: of
/// others the controls say nothing.
pub(super) fn relevant<'a>(page: &'a Page<'_>) -> impl Iterator<Item = (&'a Endpoint, &'a Tls)> {
    let endpoints = page.endpoints.iter().copied();
    endpoints
        .filter(|endpoint| page.depth == 0 || endpoint.fetches_body)
        .filter_map(|endpoint| Some((endpoint, endpoint.tls.as_ref()?)))
}

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let failed: Vec<(&Endpoint, &Tls, Sees)> = relevant(page)
        .filter(|(_, tls)| tls.step.failure.is_some())
        .map(|(endpoint, tls)| (endpoint, tls, case.control_handshake(endpoint)))
        .collect();
    if failed.is_empty() {
        return None;
    }
    let own = failed
        .iter()
        .map(|(_, tls, _)| tls.step.at.clone())
        .collect();
    let heard = together(failed.iter().map(|(_, _, sees)| sees.witnesses()));
    let at = together([own, heard]);
    let works = failed
        .iter()
        .find(|(_, _, sees)| matches!(sees, Sees::Works(_)));
    let fails = failed
        .iter()
        .any(|(_, _, sees)| matches!(sees, Sees::Fails(_)));
    Some(match works {
        Some((endpoint, tls, _)) => of_failure(case, endpoint, tls, at),
        None if fails => Finding::down(at),
        None => Finding::no_control(at),
    })
}

fn of_failure(case: &Case<'_>, endpoint: &Endpoint, tls: &Tls, at: Vec<String>) -> Finding {
    let mechanism = match tls.step.failure {
        Some(Failure::ConnectionReset | Failure::Eof | Failure::ConnectionAborted)
            if passes_with_another_name(case, endpoint, tls) =>
        {
            Mechanism::TlsResetSni
        }
        Some(
            Failure::ConnectionReset
            | Failure::Eof
            | Failure::ConnectionAborted
            | Failure::SslFailedHandshake,
        ) => Mechanism::TlsResetOther,
        Some(Failure::GenericTimeout) if case.line_works() => Mechanism::TlsTimeout,
        _ => {
            let would_change = "the same failure again, with other traffic proved to pass";
            return Finding::below_floor(at, would_change);
        }
    };
    let would_change = "a handshake when tried again, or a second control that fails as well";
    Finding::likely(mechanism, at, would_change)
}

fn passes_with_another_name(case: &Case<'_>, endpoint: &Endpoint, tls: &Tls) -> bool {
    case.facts.endpoints.iter().any(|other| {
        let name = other.tls.as_ref().map(|other| other.server_name.as_str());
        other.peer == endpoint.peer
            && name.is_some_and(|name| name != tls.server_name)
            && other
                .tls
                .as_ref()
                .is_some_and(|other| other.step.failure.is_none())
    })
}
