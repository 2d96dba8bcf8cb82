//! Situations in which somebody interferes with connections, handshakes and requests of the page.
use super::Situation;
use super::build::{Build, DEFAULT, DENIED, Helper, NAME, Page, SITE};

pub(super) const ALL: &[Situation] = &[
    ("tcpBlockingConnectTimeout", tcp_timeout),
    ("tlsBlockingConnectionResetWithConsistentDNS", tls_reset),
    ("httpBlockingConnectionReset", http_reset),
    ("httpDiffWithConsistentDNS", http_diff),
    ("throttlingWithHTTP", || throttled("http")),
    ("throttlingWithHTTPS", || throttled("https")),
];

fn resolved(url: &str) -> Build {
    Build::new(url).resolves(0, NAME, &[SITE])
}

fn tcp_timeout() -> Build {
    resolved("https://www.example.com/")
        .tcp(0, "93.184.216.34:443", Some("generic_timeout_error"))
        .control(Helper::of_site())
}

fn tls_reset() -> Build {
    resolved("https://www.example.com/")
        .tcp(0, "93.184.216.34:443", None)
        .tls(NAME, Some("connection_reset"))
        .control(Helper::of_site())
}

fn http_reset() -> Build {
    let url = "http://www.example.com/";
    resolved(url)
        .tcp(0, "93.184.216.34:80", None)
        .get_fails(url, "connection_reset")
        .check(0, "93.184.216.34:443", None)
        .tls(NAME, None)
        .control(Helper::of_site())
}

fn http_diff() -> Build {
    let url = "http://www.example.com/";
    resolved(url)
        .tcp(0, "93.184.216.34:80", None)
        .get(url, &DENIED)
        .check(0, "93.184.216.34:443", None)
        .tls(NAME, None)
        .control(Helper::of_site())
}

/// The body comes in all the time, and not all of it in ten seconds.
fn throttled(scheme: &str) -> Build {
    let (name, address) = ("largefile.com", "52.35.36.75");
    let url = format!("{scheme}://{name}/");
    let port = if scheme == "https" { 443 } else { 80 };
    let bytes: Vec<i64> = (1..=30).map(|step| step * 9_000).collect();
    let mut build =
        Build::new(&url)
            .resolves(0, name, &[address])
            .tcp(0, &format!("{address}:{port}"), None);
    if scheme == "https" {
        build = build.tls(name, None);
    }
    build = build
        .get_fails(&url, "generic_timeout_error")
        .progress(&bytes);
    if scheme == "http" {
        build = build.check(0, "52.35.36.75:443", None).tls(name, None);
    }
    let control = Helper::resolved(&[address])
        .tcp("52.35.36.75:80", None)
        .tcp("52.35.36.75:443", None)
        .tls("52.35.36.75:443", name, None)
        .page(&Page {
            title: "",
            bytes: 16 << 20,
            ..DEFAULT
        });
    build.control(control)
}
