//! What runs on a host: the built-in services, and any command. Types only.
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Something that runs on a host. Its keys depend on its kind: reading a file checks them, as serde
/// cannot in a flattened table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Service {
    /// The host's name.
    pub host: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: ServiceKind,
}

/// What a resolver makes of signatures (DNSSEC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dnssec {
    /// It checks them: good ones are marked (AD), bad ones fail.
    #[default]
    Checks,
    /// It hands them on and checks nothing.
    Passes,
    /// It knows nothing of them, nor of EDNS.
    Strips,
}

/// Kinds of service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ServiceKind {
    /// DNS over UDP and TCP, on every address of the host.
    Dns {
        /// Default 53.
        port: Option<u16>,
        /// Waits so long before each answer.
        #[serde(default)]
        delay_ms: u64,
        /// What it makes of signatures.
        #[serde(default)]
        dnssec: Dnssec,
        /// Given in place of "no such name".
        #[serde(default)]
        instead_of_nxdomain: Vec<IpAddr>,
        /// Given in place of an answer without records.
        #[serde(default)]
        instead_of_nodata: Vec<IpAddr>,
        /// What it says of itself to whoever asks in class CHAOS, whatever the name; without it, nothing.
        identity: Option<String>,
    },
    /// DNS over HTTPS (RFC 8484) at `/dns-query`, GET and POST, HTTP/1.1 and HTTP/2.
    Doh {
        /// Default 443.
        port: Option<u16>,
        /// Its certificate.
        #[serde(default)]
        certificate: Certificate,
    },
    /// DNS over TLS (RFC 7858).
    Dot {
        /// Default 853.
        port: Option<u16>,
        /// Its certificate.
        #[serde(default)]
        certificate: Certificate,
    },
    /// HTTP/1.1.
    Http {
        /// Default 80.
        port: Option<u16>,
        /// What it answers.
        #[serde(default)]
        page: Vec<Page>,
    },
    /// HTTP/1.1 and HTTP/2 over TLS.
    Https {
        /// Default 443.
        port: Option<u16>,
        /// Its certificate.
        #[serde(default)]
        certificate: Certificate,
        /// Certificates for clients that ask for a name.
        #[serde(default)]
        sni: Vec<NamedCertificate>,
        /// What it answers.
        #[serde(default)]
        page: Vec<Page>,
    },
    /// QUIC version 1 (RFC 9000) that offers HTTP/3: it completes handshakes and answers no request.
    Quic {
        /// Default 443.
        port: Option<u16>,
        /// Its certificate.
        #[serde(default)]
        certificate: Certificate,
    },
    /// A proxy that hands on what it gets to the server that is asked for: HTTP by its `Host`, TLS by
    /// the server name in its `ClientHello`, unopened. It knows the names that DNS on its host would.
    Proxy {
        /// Port of HTTP, default 80.
        http_port: Option<u16>,
        /// Port of TLS, default 443.
        tls_port: Option<u16>,
        /// Written into each connection's first request, whose names of header lines become lower
        /// case; none: the request stays as it came.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// A TCP port that accepts and does as told: `echo`, `discard`, `silent` (never answers) or
    /// `reset` (resets after accepting).
    Tcp {
        /// The port.
        port: u16,
        /// What it does.
        does: TcpDoes,
    },
    /// A UDP port that sends each packet back.
    UdpEcho {
        /// The port.
        port: u16,
    },
    /// Any program, started on the host.
    Command {
        /// The program and its arguments. `{dir}` is a fresh directory of its own, `{scenario}` the
        /// folder of the scenario file, `{ca}` the lab's certificate authority (PEM), `{cert}` and
        /// `{key}` a certificate for the host's names and addresses (PEM), `{address}` its first
        /// address.
        command: Vec<String>,
        /// More environment, with the same placeholders.
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// Ready when this TCP port accepts.
        ready_port: Option<u16>,
        /// Ready when a line of its output contains this.
        ready_line: Option<String>,
        /// Ready within this time, else the scenario fails.
        #[serde(default = "default_ready_within_ms")]
        ready_within_ms: u64,
    },
}

fn default_ready_within_ms() -> u64 {
    20_000
}

/// What a TCP service does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TcpDoes {
    /// Sends back what it gets.
    Echo,
    /// Reads and forgets.
    Discard,
    /// Accepts and never sends.
    Silent,
    /// Accepts and resets.
    Reset,
}

/// The certificate that a TLS service shows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificate {
    /// What is wrong with it, if anything.
    pub flaw: Option<Flaw>,
    /// Names in it in place of the host's names and addresses.
    pub names: Vec<String>,
}

/// A certificate for clients that ask for a name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedCertificate {
    /// The server name in the `ClientHello`.
    pub name: String,
    /// The certificate; without names of its own, it is for this name.
    #[serde(default)]
    pub certificate: Certificate,
}

/// What can be wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Its time is over.
    Expired,
    /// Signed by itself.
    SelfSigned,
    /// Signed by an authority nobody trusts.
    UnknownAuthority,
    /// For another name.
    WrongName,
}

/// What an HTTP service answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Only for this `Host`; without it, for any.
    pub host: Option<String>,
    /// Only for this path; without it, for any.
    pub path: Option<String>,
    /// Only for clients with these addresses; none: for all.
    #[serde(default)]
    pub clients: Vec<IpAddr>,
    /// Status code.
    #[serde(default = "default_status")]
    pub status: u16,
    /// Header lines.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// A body of this many bytes: made up, or `body` filled up with blanks.
    pub body_bytes: Option<u64>,
    /// Waits so long before answering.
    #[serde(default)]
    pub delay_ms: u64,
    /// Ends the connection after so many bytes of the body.
    pub cut_after_bytes: Option<u64>,
}

fn default_status() -> u16 {
    200
}
