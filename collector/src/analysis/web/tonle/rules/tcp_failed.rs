//! No connection to the page came about.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Endpoint;
use crate::analysis::web::tonle::case::{Case, Page, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Mechanism;

/// Every address of the page fails while the controls connect. Missing IPv6 of the device's own line
/// is left out (OONI's rule). Silence counts only while the line carries other traffic.
pub(super) const RULE: Rule = Rule {
    id: "tcp.failed",
    version: 1,
    about: "no address of the page accepts connections, and the controls connect",
    judge: Judge::Connection(judge),
};

fn judge(case: &Case<'_>, page: &Page<'_>) -> Option<Finding> {
    let tried: Vec<&Endpoint> = page
        .endpoints
        .iter()
        .copied()
        .filter(|endpoint| endpoint.fetches_body && !lacks_v6(endpoint))
        .collect();
    let connected = tried.iter().any(|endpoint| endpoint.tcp.failure.is_none());
    if tried.is_empty() || connected {
        return None;
    }
    let seen: Vec<(&Endpoint, Sees)> = tried
        .iter()
        .map(|endpoint| (*endpoint, case.control_connection(endpoint)))
        .collect();
    let own = tried
        .iter()
        .map(|endpoint| endpoint.tcp.at.clone())
        .collect();
    let heard = together(seen.iter().map(|(_, sees)| sees.witnesses()));
    let at = together([own, heard]);
    let works = seen.iter().find(|(_, sees)| matches!(sees, Sees::Works(_)));
    let fails = seen.iter().any(|(_, sees)| matches!(sees, Sees::Fails(_)));
    Some(match works {
        Some((endpoint, _)) => of_failure(case, endpoint, at),
        None if fails => Finding::down(at),
        None => Finding::no_control(at),
    })
}

fn lacks_v6(endpoint: &Endpoint) -> bool {
    let no_way = matches!(
        endpoint.tcp.failure,
        Some(Failure::NetworkUnreachable | Failure::HostUnreachable)
    );
    no_way && endpoint.address.is_v6()
}

fn of_failure(case: &Case<'_>, endpoint: &Endpoint, at: Vec<String>) -> Finding {
    let mechanism = match endpoint.tcp.failure {
        Some(Failure::ConnectionRefused) => Mechanism::TcpRefused,
        Some(Failure::ConnectionReset) => Mechanism::TcpReset,
        Some(Failure::HostUnreachable | Failure::NetworkUnreachable) => Mechanism::IpUnreachable,
        Some(Failure::GenericTimeout) if case.line_works() => Mechanism::TcpTimeout,
        _ => {
            let would_change = "the same failure again, with other traffic proved to pass";
            return Finding::below_floor(at, would_change);
        }
    };
    let would_change = "a connection when tried again, or a second control that fails as well";
    Finding::likely(mechanism, at, would_change)
}
