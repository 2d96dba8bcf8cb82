//! A request that can be served: a page of the web, how to ask for it, and the addresses that the
//! probe found.
use std::net::{IpAddr, SocketAddr};
use tonle_net::http;
use tonle_net::http::channel::{HeaderMap, HeaderName, HeaderValue};
use tonle_wire::ooni::{BadMeasurement, ControlRequest};
use url::Url;

/// Longest URL, bytes: what browsers and servers agree on, twice.
const URL_MAX_BYTES: usize = 4_096;
/// Longest value of a header, bytes.
const VALUE_MAX_BYTES: usize = 1_024;
/// Most values of one header.
const VALUES_MAX: usize = 4;
/// The only headers that are sent on, and what is sent where the probe says nothing.
const HEADERS: [(HeaderName, &str); 3] = [
    (hyper::header::ACCEPT, http::ACCEPT),
    (hyper::header::ACCEPT_LANGUAGE, http::ACCEPT_LANGUAGE),
    (hyper::header::USER_AGENT, http::USER_AGENT),
];

/// Why a request is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRequest {
    /// Not the JSON of one.
    #[error(transparent)]
    Json(#[from] BadMeasurement),
    /// No page, or none of the web.
    #[error("http_request must be an http or https URL of at most {URL_MAX_BYTES} bytes")]
    Url,
}

/// See the top of this file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The page.
    pub(super) url: Url,
    /// The port that stands in its URL, if one does.
    pub(super) port: Option<u16>,
    /// What to ask with.
    pub(super) headers: HeaderMap,
    /// Addresses of the probe's endpoints, in its order. Their ports are its affair.
    pub(super) addresses: Vec<IpAddr>,
    /// Whether QUIC is to be tried as well.
    pub(super) wants_quic: bool,
}

impl Asked {
    /// Reads a request.
    pub(super) fn parse(json: &[u8]) -> Result<Self, BadRequest> {
        let request = ControlRequest::parse(json)?;
        let text = request.http_request.as_deref().unwrap_or_default().trim();
        let url = Url::parse(text).map_err(|_| BadRequest::Url)?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if text.len() > URL_MAX_BYTES || !is_web {
            return Err(BadRequest::Url);
        }
        let endpoints = request.tcp_connect.iter();
        Ok(Self {
            wants_quic: request.x_quic_enabled == Some(true),
            port: port_of(text, &url),
            headers: headers_of(&request),
            addresses: endpoints
                .filter_map(|text| Some(text.parse::<SocketAddr>().ok()?.ip()))
                .collect(),
            url,
        })
    }

    /// The page's host.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// The port that stands in a URL. A parsed one does not tell its scheme's own.
fn port_of(text: &str, url: &Url) -> Option<u16> {
    let own = url.port_or_known_default()?;
    let (_, rest) = text.split_once("//")?;
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let has_own = authority.ends_with(&format!(":{own}"));
    url.port().or(has_own.then_some(own))
}

/// The headers to ask with; one that cannot be sent counts as absent.
fn headers_of(request: &ControlRequest) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, usual) in HEADERS {
        let given = request.http_request_headers.iter();
        let given = given.filter(|(key, _)| key.eq_ignore_ascii_case(name.as_str()));
        let values = given.flat_map(|(_, values)| values).take(VALUES_MAX);
        for value in values.filter(|value| value.len() <= VALUE_MAX_BYTES) {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(&name, value);
            }
        }
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(usual));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn asked(value: &Value) -> Result<Asked, BadRequest> {
        Asked::parse(value.to_string().as_bytes())
    }

    #[test]
    fn only_three_headers_are_sent_on() {
        let headers = json!({
            "ACCEPT": ["a/b"], "user-agent": ["one", "two"], "Cookie": ["c=1"], "Host": ["inside"],
            "Authorization": ["x"], "Accept-Language": ["bad\r\nHost: inside"],
        });
        let asked =
            asked(&json!({ "http_request": "http://a.example/", "http_request_headers": headers }));
        let headers = asked.unwrap().headers;
        assert_eq!(headers["accept"], "a/b");
        assert_eq!(headers.get_all("user-agent").iter().count(), 2);
        assert_eq!(headers["accept-language"], http::ACCEPT_LANGUAGE);
        assert_eq!(headers.keys_len(), 3);
    }

    #[test]
    fn a_port_counts_when_it_was_written() {
        for (text, port) in [
            ("http://a.example/", None),
            ("http://a.example:80/", Some(80)),
            ("https://a.example:443", Some(443)),
            ("https://a.example:8443/x:443", Some(8_443)),
            ("https://[2001:db8::443]/", None),
            ("https://[2001:db8::443]:443/", Some(443)),
            ("http://user:80@a.example/?:80", None),
        ] {
            assert_eq!(
                asked(&json!({ "http_request": text })).unwrap().port,
                port,
                "{text}"
            );
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for text in [
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://user@127.0.0.1:80/",
        ] {
            let asked = asked(&json!({ "http_request": text })).unwrap();
            assert_eq!(asked.host(), "127.0.0.1", "{text}");
        }
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let long = format!("http://a.example/{}", "x".repeat(URL_MAX_BYTES));
        for text in [
            "",
            "a.example",
            "ftp://a.example/",
            "file:///etc/passwd",
            "http://",
            "gopher://a/",
            &long,
        ] {
            assert_eq!(
                asked(&json!({ "http_request": text })),
                Err(BadRequest::Url),
                "{text}"
            );
        }
        assert!(matches!(Asked::parse(b"[]"), Err(BadRequest::Json(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Asked::parse(&bytes);
        }

        #[test]
        fn any_page_and_endpoints_are_read(page in "(http|https)://\\PC{0,60}", endpoints in proptest::collection::vec("\\PC{0,40}", 0..40)) {
            let count = endpoints.len();
            if let Ok(asked) = asked(&json!({ "http_request": page, "tcp_connect": endpoints })) {
                prop_assert!(!asked.host().is_empty() && asked.addresses.len() <= count);
            }
        }
    }
}
