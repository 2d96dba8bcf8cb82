//! Situations without interference: sites that work, that are down, and that are misconfigured.
use super::Situation;
use super::build::{Build, DEFAULT, Helper, NAME, Page, SITE, Via};

pub(super) const ALL: &[Situation] = &[
    ("successWithHTTP", || reached("http://www.example.com/")),
    ("successWithHTTPS", || reached("https://www.example.com/")),
    ("controlFailureWithSuccessfulHTTPWebsite", || {
        without_control("http://www.example.org/")
    }),
    ("controlFailureWithSuccessfulHTTPSWebsite", || {
        without_control("https://www.example.org/")
    }),
    ("badSSLWithUnknownAuthorityWithConsistentDNS", || {
        bad_tls("untrusted-root.badssl.com", "ssl_unknown_authority")
    }),
    ("badSSLWithExpiredCertificate", || {
        bad_tls("expired.badssl.com", "ssl_invalid_certificate")
    }),
    ("badSSLWithWrongServerName", || {
        bad_tls("wrong.host.badssl.com", "ssl_invalid_hostname")
    }),
    ("websiteDownNXDOMAIN", down_nxdomain),
    ("websiteDownTCPConnect", down_tcp),
    ("localhostWithHTTP", localhost),
    ("largeFileWithHTTP", large_file),
    ("cloudflareCAPTCHAWithHTTP", || captcha("http")),
    ("cloudflareCAPTCHAWithHTTPS", || captcha("https")),
];

/// A visit that reaches the page of `url`, whatever the control.
fn visit(url: &str, name: &str, page: &Page) -> Build {
    let build = Build::new(url).resolves(0, name, &[SITE]);
    fetch(build, 0, url, name, SITE, page)
}

/// The page of `url` at an address, with the check of the other port.
pub(super) fn fetch(
    build: Build,
    depth: u32,
    url: &str,
    name: &str,
    address: &str,
    page: &Page,
) -> Build {
    let secure = format!("{address}:443");
    if url.starts_with("https:") {
        return build
            .tcp(depth, &secure, None)
            .tls(name, None)
            .get(url, page);
    }
    build
        .tcp(depth, &format!("{address}:80"), None)
        .get(url, page)
        .check(depth, &secure, None)
        .tls(name, None)
}

fn reached(url: &str) -> Build {
    visit(url, NAME, &DEFAULT).control(Helper::of_site())
}

fn without_control(url: &str) -> Build {
    visit(url, "www.example.org", &DEFAULT).no_control("connection_reset")
}

fn bad_tls(name: &str, failure: &str) -> Build {
    let (address, peer) = ("104.154.89.105", "104.154.89.105:443");
    let control = Helper::resolved(&[address])
        .tcp(peer, None)
        .tls(peer, name, Some(failure))
        .no_page(failure);
    Build::new(&format!("https://{name}/"))
        .resolves(0, name, &[address])
        .tcp(0, peer, None)
        .tls(name, Some(failure))
        .control(control)
}

fn down_nxdomain() -> Build {
    let (name, failure) = ("www.example.xyz", Err("dns_nxdomain_error"));
    Build::new("http://www.example.xyz/")
        .dns(0, Via::System, name, failure)
        .dns(0, Via::Udp, name, failure)
        .dns(0, Via::Doh, name, failure)
        .control(Helper::unresolved("dns_name_error").no_page("dns_name_error"))
}

fn down_tcp() -> Build {
    let peer = "93.184.216.34:444";
    let control = Helper::resolved(&[SITE])
        .tcp(peer, Some("connection_refused_error"))
        .no_page("connection_refused_error");
    Build::new("http://www.example.com:444/")
        .resolves(0, NAME, &[SITE])
        .tcp(0, peer, Some("connection_refused"))
        .control(control)
}

fn localhost() -> Build {
    Build::new("http://www.example.com/")
        .resolves(0, NAME, &["127.0.0.1"])
        .control(Helper::resolved(&["127.0.0.1"]).no_page("unknown_error"))
}

fn large_file() -> Build {
    let (name, address) = ("largefile.com", "52.35.36.75");
    let page = Page {
        title: "",
        bytes: 1 << 19,
        truncated: true,
        ..DEFAULT
    };
    let control = Helper::resolved(&[address])
        .tcp("52.35.36.75:80", None)
        .tcp("52.35.36.75:443", None)
        .tls("52.35.36.75:443", name, None)
        .page(&Page {
            bytes: 16 << 20,
            ..page.clone()
        });
    let build = Build::new("http://largefile.com/").resolves(0, name, &[address]);
    fetch(build, 0, "http://largefile.com/", name, address, &page).control(control)
}

fn captcha(scheme: &str) -> Build {
    let (name, address) = ("www.cloudflare-cache.com", "104.16.132.229");
    let url = format!("{scheme}://{name}/");
    let page = Page {
        status: 503,
        title: "Attention Required! | Cloudflare",
        bytes: 8_432,
        ..DEFAULT
    };
    let control = Helper::resolved(&[address])
        .tcp("104.16.132.229:80", None)
        .tcp("104.16.132.229:443", None)
        .tls("104.16.132.229:443", name, None)
        .page(&DEFAULT);
    let build = Build::new(&url).resolves(0, name, &[address]);
    fetch(build, 0, &url, name, address, &page).control(control)
}
