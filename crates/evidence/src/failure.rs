//! The names of failures: the field's vocabulary (OONI df-007), and nothing of our own.
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Longest text kept of a failure that has no name in the vocabulary.
const UNKNOWN_TEXT_MAX_CHARS: usize = 120;

macro_rules! vocabulary {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Why a step did not succeed. A failure is data, never an error.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Failure {
            $($(#[$doc])* $variant,)*
            /// No name fits: scrubbed text, written `unknown_failure: …`; also any name
            /// that a newer or foreign program wrote, kept as it came.
            Other(String),
        }

        impl Failure {
            /// The name as it stands in records.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// Reads a name; one outside the vocabulary is kept as it is.
            #[must_use]
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }

            /// Every named failure, in the order of the vocabulary.
            #[must_use]
            pub fn all_named() -> Vec<Self> {
                vec![$(Self::$variant,)*]
            }
        }
    };
}

vocabulary! {
    /// The peer answered a SYN with RST.
    ConnectionRefused = "connection_refused",
    /// RST on an open connection.
    ConnectionReset = "connection_reset",
    /// Our own kernel gave the connection up.
    ConnectionAborted = "connection_aborted",
    /// Used after it was closed.
    ConnectionAlreadyClosed = "connection_already_closed",
    /// No answer within the step's stated time.
    GenericTimeout = "generic_timeout_error",
    /// The peer closed where more was due.
    Eof = "eof_error",
    /// ICMP or a router says the host cannot be reached.
    HostUnreachable = "host_unreachable",
    /// No route to the network (what an offline device sees).
    NetworkUnreachable = "network_unreachable",
    /// The interface is down.
    NetworkDown = "network_down",
    /// The network dropped the connection.
    NetworkReset = "network_reset",
    /// The name does not exist, says the resolver.
    DnsNxdomain = "dns_nxdomain_error",
    /// A successful reply without a record of the asked type.
    DnsNoAnswer = "dns_no_answer",
    /// REFUSED.
    DnsRefused = "dns_refused_error",
    /// SERVFAIL.
    DnsServfail = "dns_servfail_error",
    /// Any other rcode, or a malformed reply.
    DnsServerMisbehaving = "dns_server_misbehaving",
    /// The system resolver says: try again.
    DnsTemporaryFailure = "dns_temporary_failure",
    /// The system resolver gives up.
    DnsNonRecoverableFailure = "dns_non_recoverable_failure",
    /// The answer is an address that no public service can have.
    DnsBogon = "dns_bogon_error",
    /// The reply carries another query's id.
    DnsReplyWithWrongQueryId = "dns_reply_with_wrong_query_id",
    /// `getaddrinfo` on Android failed, and nobody can know why.
    AndroidDnsCacheNoData = "android_dns_cache_no_data",
    /// The chain ends in no root we trust.
    SslUnknownAuthority = "ssl_unknown_authority",
    /// The certificate is for another name.
    SslInvalidHostname = "ssl_invalid_hostname",
    /// The certificate is expired, not yet valid or malformed.
    SslInvalidCertificate = "ssl_invalid_certificate",
    /// The handshake failed in any other way.
    SslFailedHandshake = "ssl_failed_handshake",
    /// QUIC version negotiation failed.
    QuicIncompatibleVersion = "quic_incompatible_version",
    /// The HTTP exchange broke its own rules.
    HttpRequestFailed = "http_request_failed",
    /// A redirect to a host that cannot be.
    HttpInvalidRedirectLocationHost = "http_invalid_redirect_location_host",
    /// A redirect to somewhere unexpected.
    HttpUnexpectedRedirectUrl = "http_unexpected_redirect_url",
    /// A status the step did not expect.
    HttpUnexpectedStatusCode = "http_unexpected_status_code",
    /// We stopped it ourselves (shutdown, byte cap, end of the run's time).
    Interrupted = "interrupted",
    /// JSON of the protocol could not be read.
    JsonParse = "json_parse_error",
}

impl Failure {
    /// A failure without a name. `text` must already be free of the device's own addresses and
    /// names; here it is only cut and kept to one line.
    #[must_use]
    pub fn unknown(text: &str) -> Self {
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(UNKNOWN_TEXT_MAX_CHARS)
            .collect();
        Self::Other(format!("unknown_failure: {line}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::from_name(&name))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Failure {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Failure".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_to_its_own_variant() {
        for failure in Failure::all_named() {
            assert_eq!(Failure::from_name(failure.name()), failure);
        }
    }

    #[test]
    fn unknown_text_is_one_short_line() {
        let failure = Failure::unknown(&format!("a\nb{}", "x".repeat(500)));
        assert!(failure.name().starts_with("unknown_failure: a b"));
        assert!(failure.name().len() < 150);
    }
}
