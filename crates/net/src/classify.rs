//! One table: what a library reports → the field's name of the failure.
use crate::scrub;
use rustls::{CertificateError, Error as TlsError};
use std::error::Error;
use std::io::{self, ErrorKind};
use tonle_evidence::failure::Failure;

/// The failure behind an error of a socket, or of TLS when one travels inside.
#[must_use]
pub fn io_error(error: &io::Error) -> Failure {
    if let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<TlsError>())
    {
        return tls_error(tls);
    }
    if error.raw_os_error() == Some(libc::ENETRESET) {
        return Failure::NetworkReset;
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::ConnectionRefused,
        ErrorKind::ConnectionReset => Failure::ConnectionReset,
        ErrorKind::ConnectionAborted => Failure::ConnectionAborted,
        ErrorKind::NotConnected | ErrorKind::BrokenPipe => Failure::ConnectionAlreadyClosed,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::GenericTimeout,
        ErrorKind::UnexpectedEof => Failure::Eof,
        ErrorKind::HostUnreachable => Failure::HostUnreachable,
        // Without an address of the family, or without the family, no network can be reached.
        ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable => Failure::NetworkUnreachable,
        ErrorKind::NetworkDown => Failure::NetworkDown,
        ErrorKind::Interrupted => Failure::Interrupted,
        _ if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => Failure::NetworkUnreachable,
        _ => unknown(&error.to_string()),
    }
}

/// The failure behind a refused or broken TLS handshake.
#[must_use]
pub fn tls_error(error: &TlsError) -> Failure {
    let TlsError::InvalidCertificate(certificate) = error else {
        return Failure::SslFailedHandshake;
    };
    match certificate {
        CertificateError::UnknownIssuer => Failure::SslUnknownAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Failure::SslInvalidHostname
        }
        // Of the handshake, not of the chain: see the verifier in `crate::tls`.
        CertificateError::BadSignature => Failure::SslFailedHandshake,
        _ => Failure::SslInvalidCertificate,
    }
}

/// The failure that a DNS response code says, `None` for `NOERROR` (0).
#[must_use]
pub fn rcode(code: u16) -> Option<Failure> {
    match code {
        0 => None,
        2 => Some(Failure::DnsServfail),
        3 => Some(Failure::DnsNxdomain),
        5 => Some(Failure::DnsRefused),
        _ => Some(Failure::DnsServerMisbehaving),
    }
}

/// The failure behind an HTTP exchange that did not end: what the socket said when it said
/// something, else how the exchange broke.
#[must_use]
pub fn http_error(error: &hyper::Error) -> Failure {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return io_error(io);
        }
        let http2 = inner.downcast_ref::<h2::Error>();
        if let Some(io) = http2.and_then(h2::Error::get_io) {
            return io_error(io);
        }
        source = inner.source();
    }
    if error.is_timeout() {
        Failure::GenericTimeout
    } else if error.is_incomplete_message() {
        Failure::Eof
    } else if error.is_closed() || error.is_canceled() {
        Failure::ConnectionAlreadyClosed
    } else {
        Failure::HttpRequestFailed
    }
}

/// A failure without a name, its text free of addresses.
#[must_use]
pub fn unknown(text: &str) -> Failure {
    Failure::unknown(&scrub::text(text, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{AlertDescription, PeerIncompatible};

    fn os(code: i32) -> Failure {
        io_error(&io::Error::from_raw_os_error(code))
    }

    #[test]
    fn errors_of_sockets_have_their_names() {
        for (code, failure) in [
            (libc::ECONNREFUSED, Failure::ConnectionRefused),
            (libc::ECONNRESET, Failure::ConnectionReset),
            (libc::ECONNABORTED, Failure::ConnectionAborted),
            (libc::EPIPE, Failure::ConnectionAlreadyClosed),
            (libc::ENOTCONN, Failure::ConnectionAlreadyClosed),
            (libc::ETIMEDOUT, Failure::GenericTimeout),
            (libc::EHOSTUNREACH, Failure::HostUnreachable),
            (libc::ENETUNREACH, Failure::NetworkUnreachable),
            (libc::EADDRNOTAVAIL, Failure::NetworkUnreachable),
            (libc::EAFNOSUPPORT, Failure::NetworkUnreachable),
            (libc::ENETDOWN, Failure::NetworkDown),
            (libc::ENETRESET, Failure::NetworkReset),
            (libc::EINTR, Failure::Interrupted),
        ] {
            assert_eq!(os(code), failure, "errno {code}");
        }
        let eof = io::Error::from(ErrorKind::UnexpectedEof);
        assert_eq!(io_error(&eof), Failure::Eof);
        assert!(os(libc::EPERM).name().starts_with("unknown_failure: "));
    }

    #[test]
    fn errors_of_tls_have_their_names() {
        let bad = TlsError::InvalidCertificate;
        for (error, failure) in [
            (
                bad(CertificateError::UnknownIssuer),
                Failure::SslUnknownAuthority,
            ),
            (
                bad(CertificateError::NotValidForName),
                Failure::SslInvalidHostname,
            ),
            (
                bad(CertificateError::Expired),
                Failure::SslInvalidCertificate,
            ),
            (
                bad(CertificateError::NotValidYet),
                Failure::SslInvalidCertificate,
            ),
            (
                bad(CertificateError::BadEncoding),
                Failure::SslInvalidCertificate,
            ),
            (
                bad(CertificateError::BadSignature),
                Failure::SslFailedHandshake,
            ),
            (
                TlsError::AlertReceived(AlertDescription::HandshakeFailure),
                Failure::SslFailedHandshake,
            ),
            (
                TlsError::NoCertificatesPresented,
                Failure::SslFailedHandshake,
            ),
            (
                TlsError::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                Failure::SslFailedHandshake,
            ),
        ] {
            assert_eq!(tls_error(&error), failure, "{error}");
            let inside = io::Error::new(ErrorKind::InvalidData, error);
            assert_eq!(io_error(&inside), failure);
        }
    }

    #[test]
    fn response_codes_of_dns_have_their_names() {
        assert_eq!(rcode(0), None);
        for (code, failure) in [
            (1, Failure::DnsServerMisbehaving),
            (2, Failure::DnsServfail),
            (3, Failure::DnsNxdomain),
            (4, Failure::DnsServerMisbehaving),
            (5, Failure::DnsRefused),
            (9, Failure::DnsServerMisbehaving),
            (4095, Failure::DnsServerMisbehaving),
        ] {
            assert_eq!(rcode(code), Some(failure), "rcode {code}");
        }
    }

    #[test]
    fn unknown_text_holds_no_address() {
        let failure = unknown("bind 36.37.1.2:4000 failed");
        assert_eq!(
            failure.name(),
            "unknown_failure: bind [scrubbed]:4000 failed"
        );
    }
}
