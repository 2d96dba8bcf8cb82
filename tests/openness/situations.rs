//! Every situation of the lab that openness is held to: what is visited, and what the network did.
//!
//! The first part are the scenarios of OONI's suite; the second those that it lacks.
use lab::scenario::BadScenario;
use lab::scenario::model::Scenario;
use std::path::Path;

/// What a network did with a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Did {
    /// Nothing, whatever else went wrong.
    Nothing(&'static str),
    /// It kept the page from the visitor, in this way.
    Blocked(&'static str),
    /// It did so to some visits by chance, and to others not.
    ByChance(&'static str),
    /// It made the page slow.
    Slowed(&'static str),
    /// It interfered in a way that one visit cannot tell from something innocent.
    Untold(&'static str),
}

use Did::{Blocked, ByChance, Nothing, Slowed, Untold};

/// One situation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation {
    /// The scenario's file below the lab's scenarios, without its ending.
    pub(crate) file: &'static str,
    pub(crate) url: &'static str,
    pub(crate) did: Did,
}

impl Did {
    /// The row of the matrix.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Nothing(label) | Blocked(label) | ByChance(label) | Slowed(label) | Untold(label) => {
                label
            }
        }
    }

    /// Whether a verdict with this state is right, as far as interference goes.
    pub(crate) fn fits(self, state: &str) -> bool {
        let accuses = matches!(state, "blocked" | "likely_blocked");
        match self {
            Nothing(_) => !accuses,
            Blocked(_) => accuses,
            ByChance(_) | Untold(_) => true,
            Slowed(_) => state == "impaired",
        }
    }
}

impl Situation {
    /// The name that tests and tables know it by.
    pub(crate) fn name(&self) -> &'static str {
        self.file.rsplit('/').next().unwrap_or(self.file)
    }

    pub(crate) fn read(&self) -> Result<Scenario, BadScenario> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/scenarios");
        Scenario::read(&folder.join(format!("{}.toml", self.file)))
    }

    /// The agent's configuration beyond the usual. OONI's probe connects to private addresses that a
    /// name leads to; ours does so in laboratories only: at a volunteer's that is his own network.
    pub(crate) fn agent(&self) -> &'static str {
        match self.name() {
            "dnsBlockingBOGON" => "allow_loopback = true",
            _ => "",
        }
    }

    /// Whether nothing can be said of any site in it, so that a visit must end without a verdict.
    pub(crate) fn spoils_the_run(&self) -> bool {
        let spoilt = [
            "captive-portal",
            "captive-portal-diverting",
            "vpn",
            "wrong-clock",
        ];
        spoilt.contains(&self.name())
    }

    /// What the device's clock shows when the visit begins, if not the time.
    pub(crate) fn clock(&self) -> Option<&'static str> {
        (self.name() == "wrong-clock").then_some("@2019-06-01 00:00:00")
    }
}

/// The name that a URL is for.
pub(crate) fn host_of(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, rest)| rest);
    behind.split(['/', ':']).next().unwrap_or(behind)
}

/// All situations.
pub(crate) fn all() -> impl Iterator<Item = Situation> {
    let of = |(file, url, did)| Situation { file, url, did };
    OONI.iter().chain(OURS).copied().map(of)
}

type Line = (&'static str, &'static str, Did);

const HTTP: &str = "http://www.example.com/";
const HTTPS: &str = "https://www.example.com/";
const REDIRECT_HTTP: &str = "https://bit.ly/32447";
const REDIRECT_HTTPS: &str = "https://bit.ly/21645";

const FORGED: Did = Blocked("DNS: a false address");
const DENIED: Did = Blocked("DNS: the name denied");
const TCP: Did = Blocked("TCP: connections refused or dropped");
const TLS: Did = Blocked("TLS: the name reset, closed or dropped");
const CLEAR: Did = Blocked("HTTP: the request reset or dropped");
const PAGE: Did = Blocked("HTTP: a block page");
const SLOW: Did = Slowed("packets late and lost");
const CLEAN: Did = Nothing("nothing");
const DOWN: Did = Nothing("nothing; the site is down");
const OWN: Did = Nothing("nothing; the site refuses visitors itself");
const NO_CONTROL: Did = Nothing("nothing to the page; controls reset");

#[rustfmt::skip]
const OONI: &[Line] = &[
    ("web-connectivity/badSSLWithUnknownAuthorityWithConsistentDNS", "https://untrusted-root.badssl.com/", DOWN),
    ("web-connectivity/badSSLWithExpiredCertificate", "https://expired.badssl.com/", DOWN),
    ("web-connectivity/badSSLWithWrongServerName", "https://wrong.host.badssl.com/", DOWN),
    ("web-connectivity/cloudflareCAPTCHAWithHTTP", "http://www.cloudflare-cache.com/", OWN),
    ("web-connectivity/cloudflareCAPTCHAWithHTTPS", "https://www.cloudflare-cache.com/", OWN),
    ("web-connectivity/controlFailureWithSuccessfulHTTPWebsite", "http://www.example.org/", NO_CONTROL),
    ("web-connectivity/controlFailureWithSuccessfulHTTPSWebsite", "https://www.example.org/", NO_CONTROL),
    ("web-connectivity/dnsBlockingAndroidDNSCacheNoData", HTTPS, DENIED),
    ("web-connectivity/dnsBlockingBOGON", HTTPS, FORGED),
    ("web-connectivity/dnsBlockingNXDOMAIN", HTTPS, DENIED),
    ("web-connectivity/dnsHijackingToLocalhostWithHTTP", HTTP, FORGED),
    ("web-connectivity/dnsHijackingToProxyWithHTTPURL", HTTP, FORGED),
    ("web-connectivity/ghostDNSBlockingWithHTTPS", "https://itsat.info/", FORGED),
    ("web-connectivity/httpBlockingConnectionReset", HTTP, CLEAR),
    ("web-connectivity/httpDiffWithConsistentDNS", HTTP, PAGE),
    ("web-connectivity/idnaWithoutCensorshipLowercase", "http://яндекс.рф/", CLEAN),
    ("web-connectivity/largeFileWithHTTP", "http://largefile.com/", CLEAN),
    ("web-connectivity/localhostWithHTTP", HTTP, DOWN),
    ("web-connectivity/redirectWithBrokenLocationForHTTP", "http://httpbin.com/broken-redirect-http", OWN),
    ("web-connectivity/redirectWithConsistentDNSAndThenConnectionRefusedForHTTP", REDIRECT_HTTP, TCP),
    ("web-connectivity/redirectWithConsistentDNSAndThenConnectionResetForHTTP", REDIRECT_HTTP, CLEAR),
    ("web-connectivity/redirectWithConsistentDNSAndThenConnectionResetForHTTPS", REDIRECT_HTTPS, TLS),
    ("web-connectivity/redirectWithConsistentDNSAndThenNXDOMAIN", REDIRECT_HTTPS, DENIED),
    ("web-connectivity/redirectWithConsistentDNSAndThenEOFForHTTPS", REDIRECT_HTTPS, TLS),
    ("web-connectivity/redirectWithConsistentDNSAndThenTimeoutForHTTP", REDIRECT_HTTP, CLEAR),
    ("web-connectivity/redirectWithMoreThanTenRedirectsAndHTTP", "http://httpbin.com/redirect/15", DOWN),
    ("web-connectivity/successWithHTTP", HTTP, CLEAN),
    ("web-connectivity/successWithHTTPS", HTTPS, CLEAN),
    ("web-connectivity/tcpBlockingConnectTimeout", HTTPS, TCP),
    ("web-connectivity/throttlingWithHTTP", "http://largefile.com/", SLOW),
    ("web-connectivity/throttlingWithHTTPS", "https://largefile.com/", SLOW),
    ("web-connectivity/tlsBlockingConnectionResetWithConsistentDNS", HTTPS, TLS),
    ("web-connectivity/websiteDownNXDOMAIN", "http://www.example.xyz/", DOWN),
    ("web-connectivity/websiteDownTCPConnect", "http://www.example.com:444/", DOWN),
];

#[rustfmt::skip]
const OURS: &[Line] = &[
    ("openness/dns-race", HTTPS, FORGED),
    ("openness/dns-forged", HTTPS, FORGED),
    ("openness/dns-proxy-lying", HTTPS, FORGED),
    ("openness/dns-nodata", HTTPS, DENIED),
    // The C library gives one code for a resolver that refuses and one that fails, and a public resolver
    // may refuse by a policy of its own.
    ("openness/dns-refused", HTTPS, Untold("DNS: questions refused")),
    ("openness/dns-refused-by-the-resolver", HTTPS, Untold("DNS: questions refused")),
    ("openness/dns-nodata-by-chance", HTTPS, ByChance("DNS: the name denied by chance")),
    ("openness/dns-dropped-everywhere", HTTPS, Untold("DNS: questions dropped")),
    ("openness/dns-proxy-honest", HTTPS, Nothing("DNS: a transparent proxy that tells the truth")),
    ("openness/dns-servfail", HTTPS, Nothing("nothing; a resolver that fails")),
    ("openness/dns-servfail-everywhere", HTTPS, DOWN),
    ("openness/content-network", "https://cdn.example.net/", Nothing("nothing; a content network with servers by country")),
    ("openness/captive-portal", HTTP, Nothing("a captive portal")),
    ("openness/captive-portal-diverting", HTTP, Nothing("a captive portal")),
    ("openness/geo-blocked", "https://geo.example.net/", OWN),
    ("openness/controls-geo-blocked", "https://geo.example.net/", OWN),
    ("openness/ipv6-gone", "https://dual.example.net/", Nothing("nothing; IPv6 is gone")),
    ("openness/quic-dropped", HTTPS, Nothing("QUIC dropped, which a visit over TCP does not use")),
    ("openness/sni-cut-later", "https://largefile.com/", TLS),
    ("openness/sni-frozen-later", "https://largefile.com/", Slowed("packets of the name vanish after some bytes")),
    ("openness/sni-dropped", HTTPS, TLS),
    ("openness/server-resets", "https://broken.example.net/", DOWN),
    ("openness/altering-proxy", HTTP, Nothing("header lines altered, and the site's page")),
    ("openness/intercepted", HTTPS, Blocked("TLS: intercepted")),
    // A refusal in clear may be the site's own, for the visitor's country.
    ("openness/block-page-refusing", HTTP, Untold("HTTP: a refusal that no fingerprint knows")),
    ("openness/block-page-with-length", HTTP, PAGE),
    ("openness/redirected-in-clear", HTTP, PAGE),
    ("openness/tcp-rejected", HTTPS, TCP),
    ("openness/slow-line", HTTPS, Nothing("nothing; a slow line that loses packets")),
    ("openness/wrong-clock", HTTPS, Nothing("nothing; the device's clock shows 2019")),
    ("openness/vpn", HTTPS, Nothing("a VPN between the line and the visit")),
];
