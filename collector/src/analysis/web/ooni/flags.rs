//! The flags, from all resolvers and all connections.
use super::diff::compare;
use super::observe::Observed;
use super::sets::Sets;

const DNS_BOGON: u32 = 1;
const DNS_UNEXPECTED_FAILURE: u32 = 2;
const DNS_UNEXPECTED_ADDRESSES: u32 = 4;

const BLOCKED_DNS: u32 = 1;
const BLOCKED_TCP: u32 = 2;
const BLOCKED_TLS: u32 = 4;
const BLOCKED_HTTP: u32 = 8;
const HTTP_DIFF: u32 = 16;
const SUCCESS: u32 = 32;

const EXPECTED_DNS: u32 = 1;
const EXPECTED_TCP: u32 = 2;
const EXPECTED_TLS: u32 = 4;
const HTTPS_WITHOUT_CONTROL: u32 = 8;
const ANSWER_OUT_OF_NOTHING: u32 = 16;

fn sum(flags: &[(bool, u32)]) -> u32 {
    let set = flags.iter().filter(|(is_set, _)| *is_set);
    set.map(|(_, flag)| flag).sum()
}

/// `x_dns_flags`.
pub(super) fn dns(sets: &Sets) -> u32 {
    sum(&[
        (!sets.dns_bogon.is_empty(), DNS_BOGON),
        (!sets.dns.unexpected.is_empty(), DNS_UNEXPECTED_FAILURE),
        (
            !sets.dns_invalid_after_tls.is_empty(),
            DNS_UNEXPECTED_ADDRESSES,
        ),
    ])
}

/// `x_blocking_flags`. Failures of redirects count when no final response came although the control
/// had one.
pub(super) fn blocking(observed: &Observed<'_>, sets: &Sets) -> u32 {
    let last = observed.last_endpoint();
    let control_reached = observed
        .control_http()
        .is_some_and(|control| control.failure.is_none());
    let unexplained_count = last.is_none() && control_reached;
    let failed = |failed: &super::sets::Failed| {
        !failed.unexpected.is_empty() || (unexplained_count && !failed.unexplained.is_empty())
    };
    let dns_failed = failed(&sets.dns) || !sets.dns_invalid_after_tls.is_empty();
    let over_tls = last.is_some_and(|endpoint| endpoint.tls.is_some());
    let has_control = observed.control_http().is_some();
    let compared = observed
        .last_response()
        .filter(|_| !over_tls && has_control);
    let differs = compared.map(|response| compare(response, observed.control()).differs());
    sum(&[
        (dns_failed, BLOCKED_DNS),
        (failed(&sets.tcp), BLOCKED_TCP),
        (failed(&sets.tls), BLOCKED_TLS),
        (failed(&sets.http), BLOCKED_HTTP),
        (differs == Some(true), HTTP_DIFF),
        (over_tls || differs == Some(false), SUCCESS),
    ])
}

/// `x_null_null_flags`.
pub(super) fn null_null(observed: &Observed<'_>, sets: &Sets) -> u32 {
    let last = observed.last_endpoint();
    let over_tls = last.is_some_and(|endpoint| endpoint.tls.is_some());
    let out_of_nothing = sets.dns_success && observed.control_found_nothing();
    sum(&[
        (!sets.dns.expected.is_empty(), EXPECTED_DNS),
        (!sets.tcp.expected.is_empty(), EXPECTED_TCP),
        (!sets.tls.expected.is_empty(), EXPECTED_TLS),
        (
            over_tls && observed.control_http().is_none(),
            HTTPS_WITHOUT_CONTROL,
        ),
        (out_of_nothing, ANSWER_OUT_OF_NOTHING),
    ])
}
