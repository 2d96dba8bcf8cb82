//! Three thousand visits that nobody interferes with: slow and lossy lines, content networks, country
//! rules of sites, broken servers, lines without IPv6, controls that are missing or turned away.
use super::verdict;
use crate::analysis::web::fingerprints::tests::shipped;
use crate::analysis::web::ooni::tests::facts;
use crate::analysis::web::scenarios::{Build, Helper, Page, Via};
use proptest::prelude::*;
use serde_json::Value;

const NAME: &str = "www.example.com";
const SITE: &str = "93.184.216.34";
const CACHE: &str = "36.37.1.1";
const V6: &str = "[2606:2800:220:1::1]";

/// What is the matter with a visit, none of it interference.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a circumstance of its own"
)]
#[derive(Debug, Clone)]
struct Innocent {
    https: bool,
    /// The system resolver gives the address of a cache in the operator's network.
    from_cache: bool,
    system: Option<&'static str>,
    udp: Option<&'static str>,
    /// A second answer: a copy, or another cache of the same network.
    late: Option<&'static str>,
    has_v6: bool,
    server: Server,
    status: i64,
    other_edition: bool,
    control: Control,
}

/// How the site behaves, to everybody alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Works,
    RefusesAll,
    BadCertificate,
    /// Too slow for the line, which is slow itself.
    TooSlow,
    /// The line loses what is sent to the site and to the resolver.
    LostWithTheLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Works,
    Missing,
    /// The site turns it away for its country.
    TurnedAway,
}

fn innocent() -> impl Strategy<Value = Innocent> {
    let lookup = prop_oneof![
        4 => Just(None),
        1 => Just(Some("generic_timeout_error")),
        1 => Just(Some("dns_servfail_error")),
        1 => Just(Some("dns_temporary_failure")),
    ];
    let server = prop_oneof![
        4 => Just(Server::Works),
        1 => Just(Server::RefusesAll),
        1 => Just(Server::BadCertificate),
        1 => Just(Server::TooSlow),
        1 => Just(Server::LostWithTheLine),
    ];
    let control = prop_oneof![
        4 => Just(Control::Works),
        1 => Just(Control::Missing),
        1 => Just(Control::TurnedAway),
    ];
    let late = prop_oneof![Just(None), Just(Some(SITE)), Just(Some("93.184.216.35"))];
    let status = prop_oneof![4 => Just(200_i64), 1 => Just(403), 1 => Just(404), 1 => Just(451),
        1 => Just(500), 1 => Just(503)];
    (
        (any::<bool>(), any::<bool>(), lookup.clone(), lookup, late),
        (any::<bool>(), server, status, any::<bool>(), control),
    )
        .prop_map(|(dns, rest)| {
            let (https, from_cache, system, udp, late) = dns;
            let (has_v6, server, status, other_edition, control) = rest;
            Innocent {
                https,
                from_cache,
                system,
                udp,
                late,
                has_v6,
                server,
                status,
                other_edition,
                control,
            }
        })
}

impl Innocent {
    fn address(&self) -> &'static str {
        let known = self.from_cache && self.system.is_none();
        if known { CACHE } else { SITE }
    }

    fn port(&self) -> u16 {
        if self.https { 443 } else { 80 }
    }

    fn measurement(&self) -> Value {
        let url = format!("{}://{NAME}/", if self.https { "https" } else { "http" });
        let lost = self.server == Server::LostWithTheLine;
        let system = if lost {
            Some("generic_timeout_error")
        } else {
            self.system
        };
        let answer = [self.address()];
        let mut build = Build::new(&url)
            .dns(0, Via::System, NAME, system.map_or(Ok(&answer[..]), Err))
            .dns(0, Via::Udp, NAME, self.udp.map_or(Ok(&[SITE][..]), Err));
        if let (None, Some(late)) = (self.udp, self.late) {
            build = build.late(&[late]);
        }
        if self.has_v6 {
            let peer = format!("{V6}:{}", self.port());
            build = build.tcp(0, &peer, Some("network_unreachable"));
        }
        build = self.visit(build, &url);
        match self.control {
            Control::Missing => build.no_control("generic_timeout_error").json(),
            _ => build.control(self.control()).json(),
        }
    }

    fn visit(&self, build: Build, url: &str) -> Build {
        let address = if self.server == Server::LostWithTheLine {
            SITE
        } else {
            self.address()
        };
        let peer = format!("{address}:{}", self.port());
        let secure = format!("{address}:443");
        let build = match self.server {
            Server::RefusesAll => return build.tcp(0, &peer, Some("connection_refused")),
            Server::LostWithTheLine => {
                return build.tcp(0, &peer, Some("generic_timeout_error"));
            }
            _ => build.tcp(0, &peer, None),
        };
        let bad = (self.server == Server::BadCertificate).then_some("ssl_invalid_hostname");
        let build = if self.https {
            build.tls(NAME, bad)
        } else {
            build
        };
        if self.https && bad.is_some() {
            return build;
        }
        let build = match self.server {
            Server::TooSlow => build
                .get_fails(url, "generic_timeout_error")
                .progress(&[4_000, 9_000, 14_000, 19_000, 24_000, 29_000]),
            _ => build.get(url, &self.page()),
        };
        if self.https {
            return build;
        }
        build.check(0, &secure, None).tls(NAME, bad)
    }

    /// Error pages and other editions of a site come from its own servers.
    fn page(&self) -> Page {
        Page {
            status: self.status,
            title: if self.other_edition {
                "ទំព័រដើម Khmer Edition"
            } else {
                "Default Web Page"
            },
            bytes: if self.other_edition { 9_000 } else { 1_533 },
            headers: &["Alt-Svc", "Date"],
            truncated: false,
        }
    }

    fn control(&self) -> Helper {
        let (peer, secure) = (format!("{SITE}:{}", self.port()), format!("{SITE}:443"));
        let cached = format!("{CACHE}:{}", self.port());
        let refused = (self.server == Server::RefusesAll).then_some("connection_refused_error");
        let bad = (self.server == Server::BadCertificate).then_some("ssl_invalid_hostname");
        let helper = Helper::resolved(&[SITE])
            .tcp(&peer, refused)
            .tcp(&cached, refused)
            .tcp(&secure, refused)
            .tls(&secure, NAME, bad)
            .tls(&format!("{CACHE}:443"), NAME, bad);
        let fails = refused.or(bad.filter(|_| self.https));
        match (fails, self.control) {
            (Some(failure), _) => helper.no_page(failure),
            (None, Control::TurnedAway) => helper.page(&Page {
                status: 403,
                title: "Not available",
                bytes: 120,
                headers: &["Date"],
                truncated: false,
            }),
            _ => helper.page(&Page {
                status: 200,
                title: "Default Web Page",
                bytes: 1_533,
                headers: &["Alt-Svc", "Date"],
                truncated: false,
            }),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_visit_that_nobody_interferes_with_is_never_called_blocked(visit in innocent()) {
        let verdict = verdict(&facts(&visit.measurement()), &shipped());
        let layers = [&verdict.dns, &verdict.tcp, &verdict.tls, &verdict.http];
        for one in layers.into_iter().flatten().chain([&verdict.overall]) {
            prop_assert!(!one.state.is_blocking(), "{:?}: {:?}", visit, one);
        }
    }
}
