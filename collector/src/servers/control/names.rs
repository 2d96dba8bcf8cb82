//! What stock helpers call failures, which is not what probes call them. Source: the behaviour of
//! oohelperd 3.30, whose names go back to the first helpers of OONI.
use tonle_evidence::failure::Failure;

const UNKNOWN: &str = "unknown_error";
const REFUSED: &str = "connection_refused_error";

/// Of a lookup. A name without an address is no failure: its list of addresses is empty.
pub(super) fn of_lookup(failure: &Failure) -> Option<&'static str> {
    match failure {
        Failure::DnsNxdomain => Some("dns_name_error"),
        Failure::DnsNoAnswer => None,
        _ if is_of_resolver(failure) => Some("dns_server_failure"),
        _ => Some(UNKNOWN),
    }
}

/// Of a connection.
pub(super) fn of_connection(failure: &Failure) -> String {
    match failure {
        Failure::GenericTimeout => failure.name().to_owned(),
        Failure::ConnectionRefused => REFUSED.to_owned(),
        _ => "connect_error".to_owned(),
    }
}

/// Of a handshake: as probes call it.
pub(super) fn of_handshake(failure: &Failure) -> String {
    failure.name().to_owned()
}

/// Of a page, whatever of its steps failed; `in_lookup` says that its lookup did.
pub(super) fn of_page(failure: &Failure, in_lookup: bool) -> String {
    let name = match failure {
        _ if in_lookup || is_of_resolver(failure) => "dns_lookup_error",
        Failure::GenericTimeout => failure.name(),
        Failure::ConnectionRefused => REFUSED,
        _ => UNKNOWN,
    };
    name.to_owned()
}

fn is_of_resolver(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::DnsNonRecoverableFailure
            | Failure::DnsRefused
            | Failure::DnsServfail
            | Failure::DnsServerMisbehaving
            | Failure::DnsTemporaryFailure
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_names_of_stock_helpers() {
        for (failure, lookup, connection, page) in [
            (
                Failure::DnsNxdomain,
                Some("dns_name_error"),
                "connect_error",
                "dns_lookup_error",
            ),
            (
                Failure::DnsNoAnswer,
                None,
                "connect_error",
                "dns_lookup_error",
            ),
            (
                Failure::DnsRefused,
                Some("dns_server_failure"),
                "connect_error",
                "dns_lookup_error",
            ),
            (
                Failure::DnsServfail,
                Some("dns_server_failure"),
                "connect_error",
                "dns_lookup_error",
            ),
            (
                Failure::DnsServerMisbehaving,
                Some("dns_server_failure"),
                "connect_error",
                "dns_lookup_error",
            ),
            (
                Failure::DnsTemporaryFailure,
                Some("dns_server_failure"),
                "connect_error",
                "dns_lookup_error",
            ),
            (
                Failure::GenericTimeout,
                Some("unknown_error"),
                "generic_timeout_error",
                "generic_timeout_error",
            ),
            (
                Failure::ConnectionRefused,
                Some("unknown_error"),
                "connection_refused_error",
                "connection_refused_error",
            ),
            (
                Failure::Eof,
                Some("unknown_error"),
                "connect_error",
                "unknown_error",
            ),
            (
                Failure::SslInvalidHostname,
                Some("unknown_error"),
                "connect_error",
                "unknown_error",
            ),
        ] {
            assert_eq!(of_lookup(&failure), lookup, "{failure}");
            assert_eq!(of_connection(&failure), connection, "{failure}");
            let in_lookup = failure.name().starts_with("dns_");
            assert_eq!(of_page(&failure, in_lookup), page, "{failure}");
        }
        assert_eq!(of_page(&Failure::GenericTimeout, true), "dns_lookup_error");
        assert_eq!(
            of_handshake(&Failure::SslUnknownAuthority),
            "ssl_unknown_authority"
        );
    }
}
