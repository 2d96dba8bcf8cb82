//! Situations on the way of redirects: the control speaks of the first page and of the last only.
use super::Situation;
use super::build::{Build, DEFAULT, Helper, NAME, Page, REDIRECT, SITE, Via};
use super::plain::fetch;

pub(super) const ALL: &[Situation] = &[
    ("redirectWithBrokenLocationForHTTP", broken_location),
    ("redirectWithMoreThanTenRedirectsAndHTTP", too_many),
    ("idnaWithoutCensorshipLowercase", idna),
    (
        "redirectWithConsistentDNSAndThenConnectionRefusedForHTTP",
        || {
            shortened("https://bit.ly/32447")
                .resolves(1, NAME, &[SITE])
                .tcp(1, "93.184.216.34:80", Some("connection_refused"))
                .check(1, "93.184.216.34:443", Some("connection_refused"))
        },
    ),
    (
        "redirectWithConsistentDNSAndThenConnectionResetForHTTP",
        || to_http("connection_reset"),
    ),
    ("redirectWithConsistentDNSAndThenTimeoutForHTTP", || {
        to_http("generic_timeout_error")
    }),
    (
        "redirectWithConsistentDNSAndThenConnectionResetForHTTPS",
        || to_https("connection_reset"),
    ),
    ("redirectWithConsistentDNSAndThenEOFForHTTPS", || {
        to_https("eof_error")
    }),
    ("redirectWithConsistentDNSAndThenNXDOMAIN", || {
        shortened("https://bit.ly/21645")
            .dns(1, Via::System, NAME, Err("dns_nxdomain_error"))
            .dns(1, Via::Udp, NAME, Err("dns_nxdomain_error"))
    }),
];

/// The shortener is reached, and its control reached the page behind it.
fn shortened(url: &str) -> Build {
    let (name, address, peer) = ("bit.ly", "67.199.248.11", "67.199.248.11:443");
    let control = Helper::resolved(&[address])
        .tcp(peer, None)
        .tls(peer, name, None)
        .page(&DEFAULT);
    let build = Build::new(url).resolves(0, name, &[address]);
    fetch(build, 0, url, name, address, &REDIRECT).control(control)
}

fn to_http(failure: &str) -> Build {
    shortened("https://bit.ly/32447")
        .resolves(1, NAME, &[SITE])
        .tcp(1, "93.184.216.34:80", None)
        .get_fails("http://www.example.com/", failure)
        .check(1, "93.184.216.34:443", None)
        .tls(NAME, Some(failure))
}

fn to_https(failure: &str) -> Build {
    shortened("https://bit.ly/21645")
        .resolves(1, NAME, &[SITE])
        .tcp(1, "93.184.216.34:443", None)
        .tls(NAME, Some(failure))
}

const BIN: &str = "httpbin.com";
const BIN_ADDRESS: &str = "172.67.144.64";

fn of_bin() -> Helper {
    Helper::resolved(&[BIN_ADDRESS])
        .tcp("172.67.144.64:80", None)
        .tcp("172.67.144.64:443", None)
        .tls("172.67.144.64:443", BIN, None)
}

fn broken_location() -> Build {
    let url = "http://httpbin.com/broken-redirect-http";
    let page = Page {
        status: 302,
        ..REDIRECT
    };
    Build::new(url)
        .resolves(0, BIN, &[BIN_ADDRESS])
        .tcp(0, "172.67.144.64:80", None)
        .get_breaks(url, &page, "http_invalid_redirect_location_host")
        .check(0, "172.67.144.64:443", None)
        .tls(BIN, None)
        .control(of_bin().page(&DEFAULT))
}

fn too_many() -> Build {
    let page = Page {
        status: 302,
        ..REDIRECT
    };
    let failure = "unknown_failure: stopped after too many redirects";
    let mut build = Build::new("http://httpbin.com/redirect/15");
    for depth in 0..=10_u32 {
        let url = format!("http://httpbin.com/redirect/{}", 15 - depth);
        build = build
            .resolves(depth, BIN, &[BIN_ADDRESS])
            .tcp(depth, "172.67.144.64:80", None);
        build = if depth == 10 {
            build.get_breaks(&url, &page, failure)
        } else {
            build.get(&url, &page)
        };
        build = build.check(depth, "172.67.144.64:443", None).tls(BIN, None);
    }
    build.control(of_bin().no_page(failure))
}

/// яндекс.рф leads to yandex.com and on to ya.ru, all at one address.
fn idna() -> Build {
    let address = "5.255.255.80";
    let first = "xn--d1acpjx3f.xn--p1ai";
    let mut build = Build::new("http://яндекс.рф/").resolves(0, first, &[address]);
    build = fetch(
        build,
        0,
        "http://xn--d1acpjx3f.xn--p1ai/",
        first,
        address,
        &REDIRECT,
    );
    build = build.resolves(1, "yandex.com", &[address]);
    build = fetch(
        build,
        1,
        "https://yandex.com/",
        "yandex.com",
        address,
        &REDIRECT,
    );
    build = build.resolves(2, "ya.ru", &[address]);
    build = fetch(build, 2, "https://ya.ru/", "ya.ru", address, &DEFAULT);
    build.control(
        Helper::resolved(&[address])
            .tcp("5.255.255.80:80", None)
            .tcp("5.255.255.80:443", None)
            .tls("5.255.255.80:443", first, None)
            .page(&DEFAULT),
    )
}
