//! Situations in which somebody interferes with lookups of the page's name.
use super::Situation;
use super::build::{Build, DEFAULT, Helper, NAME, SITE, Via};

pub(super) const ALL: &[Situation] = &[
    ("dnsBlockingNXDOMAIN", || denied("dns_nxdomain_error")),
    ("dnsBlockingAndroidDNSCacheNoData", || {
        denied("android_dns_cache_no_data")
    }),
    ("dnsBlockingBOGON", bogon),
    ("dnsHijackingToLocalhostWithHTTP", to_localhost),
    ("dnsHijackingToProxyWithHTTPURL", to_proxy),
    ("ghostDNSBlockingWithHTTPS", ghost),
];

/// The operator's resolver denies the name; the page is reached at what others say.
fn denied(failure: &str) -> Build {
    let url = "https://www.example.com/";
    Build::new(url)
        .dns(0, Via::System, NAME, Err(failure))
        .dns(0, Via::Udp, NAME, Ok(&[SITE]))
        .dns(0, Via::Doh, NAME, Ok(&[SITE]))
        .tcp(0, "93.184.216.34:443", None)
        .tls(NAME, None)
        .get(url, &DEFAULT)
        .control(Helper::of_site())
}

fn bogon() -> Build {
    let url = "https://www.example.com/";
    Build::new(url)
        .dns(0, Via::System, NAME, Ok(&["10.10.34.35"]))
        .dns(0, Via::Udp, NAME, Ok(&[SITE]))
        .dns(0, Via::Doh, NAME, Ok(&[SITE]))
        .tcp(0, "10.10.34.35:443", Some("generic_timeout_error"))
        .tcp(0, "93.184.216.34:443", None)
        .tls(NAME, None)
        .get(url, &DEFAULT)
        .control(Helper::of_site())
}

/// Nobody connects to the device itself.
fn to_localhost() -> Build {
    let url = "http://www.example.com/";
    Build::new(url)
        .dns(0, Via::System, NAME, Ok(&["127.0.0.1"]))
        .dns(0, Via::Udp, NAME, Ok(&["127.0.0.1"]))
        .late(&[SITE])
        .dns(0, Via::Doh, NAME, Ok(&[SITE]))
        .tcp(0, "93.184.216.34:80", None)
        .get(url, &DEFAULT)
        .check(0, "93.184.216.34:443", None)
        .tls(NAME, None)
        .control(Helper::of_site())
}

/// The proxy relays the page and the site's own handshake. The true answer comes after the false one.
fn to_proxy() -> Build {
    let (url, proxy) = ("http://www.example.com/", "130.192.182.17");
    Build::new(url)
        .dns(0, Via::System, NAME, Ok(&[proxy]))
        .dns(0, Via::Udp, NAME, Ok(&[proxy]))
        .late(&[SITE])
        .dns(0, Via::Doh, NAME, Ok(&[SITE]))
        .tcp(0, "130.192.182.17:80", None)
        .get(url, &DEFAULT)
        .check(0, "130.192.182.17:443", None)
        .tls(NAME, None)
        .control(
            Helper::of_site()
                .tcp("130.192.182.17:80", None)
                .tcp("130.192.182.17:443", None)
                .tls("130.192.182.17:443", NAME, None),
        )
}

/// The domain is gone, the block list is not.
fn ghost() -> Build {
    let (name, address) = ("itsat.info", "83.224.65.41");
    Build::new("https://itsat.info/")
        .dns(0, Via::System, name, Ok(&[address]))
        .dns(0, Via::Udp, name, Ok(&[address]))
        .dns(0, Via::Doh, name, Err("dns_nxdomain_error"))
        .tcp(0, "83.224.65.41:443", Some("connection_refused"))
        .control(
            Helper::unresolved("dns_name_error")
                .tcp("83.224.65.41:443", Some("connection_refused_error"))
                .no_page("dns_name_error"),
        )
}
