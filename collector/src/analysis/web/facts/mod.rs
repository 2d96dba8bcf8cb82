//! The facts of one visit to a page, neutral of who measured it: our own record or OONI Probe.
//!
//! Both layers of verdicts read this and nothing else. Facts say what was seen and never what it
//! means. Each carries a pointer to where it stands in the record or measurement ([`Witness`]).
mod address;
mod certificate;
mod from_ooni;
mod from_record;
mod from_untagged;
mod gates;

pub use address::Address;
pub use certificate::Certificate;

use tonle_evidence::failure::Failure;
use url::Url;

/// Where a fact stands: a JSON pointer (RFC 6901) such as `/test_keys/queries/3`.
pub type Witness = String;

/// Everything that was seen in one visit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The page.
    pub url: Option<Url>,
    /// ISO 3166-1 code of the country it was made in; empty when not known.
    pub country: String,
    /// When the visit began by the device's clock, seconds since the Unix epoch.
    pub started_s: Option<i64>,
    /// Whether the source says of every step where on the way it stands. Web Connectivity 0.4 does
    /// not, and has no flags.
    pub labelled: bool,
    /// What speaks against the run as a whole.
    pub run: RunFacts,
    /// Lookups, in the order of the source.
    pub lookups: Vec<Lookup>,
    /// Answers that came after the first to the same question.
    pub late: Vec<Late>,
    /// Connections with what became of them, in the order of the source.
    pub endpoints: Vec<Endpoint>,
    /// What controls saw; empty when none answered.
    pub controls: Vec<Control>,
    /// Why the control could not be asked.
    pub control_failure: Option<Failure>,
    /// Whom resolvers asked for us.
    pub whoami: Option<Whoami>,
}

/// What speaks against a run as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFacts {
    /// The traffic went through a VPN or tunnel.
    pub tunnelled: Option<Witness>,
    /// The device's clock is known to be off.
    pub clock_off: Option<Witness>,
    /// Nothing left the device.
    pub never_left: Option<Witness>,
    /// Something else than the collector answered for its empty page.
    pub portal: Option<Witness>,
    /// Sites that are reached wherever the Internet is, where none of them was.
    pub known_good_failed: Vec<Witness>,
    /// The run was ended before its time.
    pub cut_short: Option<Witness>,
}

impl RunFacts {
    /// What makes the run say nothing of the line, if anything does: a tunnel, a wrong clock, a device
    /// that is offline, a captive portal, no site reached that is reached wherever the Internet is.
    #[must_use]
    pub fn against(&self) -> Vec<Witness> {
        let single = [
            &self.tunnelled,
            &self.clock_off,
            &self.never_left,
            &self.portal,
        ];
        let single = single.into_iter().flatten();
        single.chain(&self.known_good_failed).cloned().collect()
    }
}

/// Who answered a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// What programs of the device use.
    System,
    /// A resolver asked over UDP.
    Udp,
    /// DNS over HTTPS: nobody on the way can read or change it.
    Doh,
    /// Any other way.
    Other,
}

/// One lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Where it stands.
    pub at: Witness,
    /// Questions of one transaction belong together.
    pub transaction: i64,
    /// The redirect that led here; 0 for the page itself; none where the source does not say.
    pub depth: Option<u32>,
    /// Who answered.
    pub via: Via,
    /// The resolver as the source names it.
    pub resolver: String,
    /// The name asked for.
    pub name: String,
    /// `A`, `AAAA` or `ANY`.
    pub query_type: String,
    /// Why there is no answer.
    pub failure: Option<Failure>,
    /// Distinct addresses of the answer, in order.
    pub addresses: Vec<Address>,
}

/// An answer after the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Where it stands.
    pub at: Witness,
    /// The lookup that it answers too.
    pub transaction: i64,
    /// The name asked for.
    pub name: String,
    /// What it says in place of addresses.
    pub failure: Option<Failure>,
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// One connection and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its steps share this number.
    pub transaction: i64,
    /// As of [`Lookup::depth`].
    pub depth: Option<u32>,
    /// Whether it was to fetch the page; others only check what answers at the address.
    pub fetches_body: bool,
    /// The far end, `address:port` as the source writes it.
    pub peer: String,
    /// Its address.
    pub address: Address,
    /// Its port.
    pub port: u16,
    /// The connection.
    pub tcp: Step,
    /// The handshake, once there was one.
    pub tls: Option<Tls>,
    /// The request, once there was one.
    pub http: Option<Http>,
    /// Bytes received so far, at moments of the transfer.
    pub progress_bytes: Vec<i64>,
}

/// A step and whether it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands.
    pub at: Witness,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// A TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The step.
    pub step: Step,
    /// The name sent in clear.
    pub server_name: String,
    /// Whether the certificate was checked.
    pub verified: bool,
    /// What the leaf certificate says.
    pub certificate: Option<Certificate>,
}

/// A request with its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// The step.
    pub step: Step,
    /// The page asked for.
    pub url: String,
    /// What came back; also beside a failure.
    pub response: Option<Response>,
}

/// A response as far as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// Status; 0 when there is none.
    pub status: i64,
    /// Bytes of the body as far as it was read.
    pub body_bytes: usize,
    /// Whether the body was longer.
    pub truncated: bool,
    /// Header names in lower case; values where the source keeps them.
    pub headers: Vec<(String, Option<String>)>,
    /// The page's title; empty for none.
    pub title: String,
    /// The body as text, as far as the source keeps it.
    pub body: String,
}

/// What one control saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Control {
    /// Where its answer stands.
    pub at: Witness,
    /// Its lookup of the page's name.
    pub dns: Option<ControlDns>,
    /// Its connections, by `address:port`.
    pub tcp: Vec<(String, Option<Failure>)>,
    /// Its handshakes, by `address:port`, with the server name.
    pub tls: Vec<(String, String, Option<Failure>)>,
    /// Its tries of QUIC, by `address:port`.
    pub quic: Vec<(String, Option<Failure>)>,
    /// Its final response.
    pub http: Option<ControlHttp>,
}

/// The lookup of a control.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlDns {
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What it gave; empty for a name without address.
    pub addresses: Vec<Address>,
}

/// The final response of a control.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlHttp {
    /// Why there is none.
    pub failure: Option<Failure>,
    /// Status.
    pub status: i64,
    /// Bytes of the body; negative when there is none.
    pub body_bytes: i64,
    /// Header names in lower case.
    pub headers: Vec<String>,
    /// Title.
    pub title: String,
}

/// Addresses from which resolvers asked for us, by a name that answers with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whoami {
    /// Where it stands.
    pub at: Witness,
    /// Asked through the system resolver.
    pub system: Vec<String>,
    /// Asked through public resolvers: their `address:port`, and what they asked from.
    pub public: Vec<(String, Vec<String>)>,
}

impl Facts {
    /// The host of the page, as lookups name it; empty when there is no page.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.url.as_ref().and_then(Url::host_str);
        host.unwrap_or_default()
    }

    /// Whether the page itself is to be fetched over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

impl Endpoint {
    /// What the last step failed with.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        let step = match (&self.http, &self.tls) {
            (Some(http), _) => &http.step,
            (None, Some(tls)) => &tls.step,
            (None, None) => &self.tcp,
        };
        step.failure.as_ref()
    }

    /// Whether a handshake with a valid certificate for its name succeeded.
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        let tls = self.tls.as_ref();
        tls.is_some_and(|tls| tls.verified && tls.step.failure.is_none())
    }
}

impl Http {
    /// The response, when it ends the way: any status but a redirect (OONI's rule: 2xx, 4xx, 5xx).
    #[must_use]
    pub fn last_response(&self) -> Option<&Response> {
        let response = self.response.as_ref()?;
        let is_final = matches!(response.status / 100, 2 | 4 | 5);
        (self.step.failure.is_none() && is_final).then_some(response)
    }
}

impl Response {
    /// Whether a header of this name (lower case) came with it.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }

    /// The first value of a header, where the source keeps it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.headers.iter().find(|(known, _)| known == name)?;
        line.1.as_deref()
    }
}

/// A failure by its name, as it stands in a source.
fn failure(name: Option<&String>) -> Option<Failure> {
    name.map(|name| Failure::from_name(name))
}
