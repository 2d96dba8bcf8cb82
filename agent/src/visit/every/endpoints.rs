//! The addresses of a page: which are connected to, on which ports, and what comes of it.
use super::winner::Ready;
use super::{Every, Kind, Label};
use crate::steps::left_device;
use crate::visit::page::{Opened, Page};
use std::net::{IpAddr, SocketAddr};
use tokio::sync::mpsc;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Outcome;
use tonle_net::meter::TCP_OPEN_CLOSE_BYTES;
use tonle_net::tcp;
use tonle_net::tls::ALPN_HTTP2;

/// Most connections for one page: sixteen addresses in clear and with TLS.
pub const ENDPOINTS_MAX: usize = 32;
/// What a connection with its handshake costs on the line, at most.
const ENDPOINT_BYTES: u64 = 12 << 10;
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// Who gave an address, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    System,
    Udp,
    Doh,
    Control,
}

impl Origin {
    fn as_str(self) -> &'static str {
        match self {
            Self::System => "getaddrinfo",
            Self::Udp => "udp",
            Self::Doh => "doh",
            Self::Control => "control",
        }
    }
}

/// An address of the page's host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) address: IpAddr,
    /// Whoever is best of those that gave it; none for a literal.
    pub(super) origin: Option<Origin>,
}

/// What is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) peer: SocketAddr,
    pub(super) origin: Option<Origin>,
    pub(super) is_secure: bool,
    /// Whether it may fetch the page; others only check what answers at the address.
    pub(super) fetches_body: bool,
}

impl Endpoint {
    /// 0 is best.
    pub(super) fn rank(&self) -> u8 {
        self.origin.map_or(0, |origin| origin as u8)
    }

    /// Whether the system's resolver led here: the part that OONI's classic keys speak of.
    fn is_classic(&self) -> bool {
        self.rank() == 0
    }
}

/// What came of an endpoint.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) endpoint: Endpoint,
    pub(super) steps: Vec<Observation>,
}

impl Tried {
    /// Whether the run's bytes would not have been enough.
    pub(super) fn was_left_out(&self) -> bool {
        self.steps.is_empty()
    }
}

/// The endpoints of a page, and how many were left out. An explicit port is the only one; an http
/// page is fetched from port 80, and port 443 tells whether the address is the host's; an https page
/// has port 443.
pub(super) fn plan(page: &Page, candidates: &[Candidate]) -> (Vec<Endpoint>, usize) {
    let url = &page.url;
    let is_secure = url.scheme() == "https";
    let fetching_port = match url.port() {
        Some(port) => port,
        None if is_secure => HTTPS_PORT,
        None => HTTP_PORT,
    };
    let checks = !is_secure && !page.names_its_port;
    let endpoint = |candidate: &Candidate, port, is_secure, fetches_body| Endpoint {
        peer: SocketAddr::new(candidate.address, port),
        origin: candidate.origin,
        is_secure,
        fetches_body,
    };
    let fetching = candidates
        .iter()
        .map(|candidate| endpoint(candidate, fetching_port, is_secure, true));
    let checking = candidates
        .iter()
        .filter(|_| checks)
        .map(|candidate| endpoint(candidate, HTTPS_PORT, true, false));
    let all = fetching.chain(checking);
    let count = if checks {
        2 * candidates.len()
    } else {
        candidates.len()
    };
    (
        all.take(ENDPOINTS_MAX).collect(),
        count.saturating_sub(ENDPOINTS_MAX),
    )
}

impl Every<'_> {
    /// Connects, shakes hands where it is due, and offers the connection where it may fetch the page.
    pub(super) async fn attempt(
        &self,
        page: &Page,
        endpoint: Endpoint,
        ready: mpsc::Sender<Ready>,
    ) -> Tried {
        let run = self.visitor.run;
        let mut tried = Tried {
            endpoint,
            steps: Vec::new(),
        };
        if run.bytes_used() + ENDPOINT_BYTES > run.max_bytes {
            self.capped(page, "bytes", 1);
            run.ended(Outcome::Capped);
            return tried;
        }
        let kind = if endpoint.is_secure {
            Kind::Secure
        } else {
            Kind::Clear
        };
        let label = Label {
            transaction: self.transactions.next(kind),
            depth: page.depth,
        };
        let Some(opened) = self.open(page, endpoint, label, &mut tried.steps).await else {
            return tried;
        };
        if endpoint.fetches_body {
            let offer = Ready {
                endpoint,
                opened,
                label,
                steps: tried.steps.clone(),
            };
            // Too late: another one won.
            let _ = ready.send(offer).await;
        }
        tried
    }

    async fn open(
        &self,
        page: &Page,
        endpoint: Endpoint,
        label: Label,
        steps: &mut Vec<Observation>,
    ) -> Option<Opened> {
        let run = self.visitor.run;
        let (mut seen, stream) =
            tcp::connect(&run.net, &run.clock, endpoint.peer, tcp::CONNECT_TIMEOUT).await;
        if left_device(&seen) {
            run.count_bytes(TCP_OPEN_CLOSE_BYTES);
        }
        label.put_on(&mut seen);
        let detail = &mut seen.detail;
        detail.insert("classic".to_owned(), endpoint.is_classic().into());
        detail.insert("fetch_body".to_owned(), endpoint.fetches_body.into());
        if let Some(origin) = endpoint.origin {
            detail.insert("origin".to_owned(), origin.as_str().into());
        }
        steps.push(seen.clone());
        run.observe(seen);
        let stream = stream?;
        if !endpoint.is_secure {
            return Some(self.visitor.clear(stream));
        }
        let (host, peer) = (page.host(), endpoint.peer);
        let (mut seen, opened) = self.visitor.secure(host, peer, stream, ALPN_HTTP2).await;
        label.put_on(&mut seen);
        steps.push(seen.clone());
        run.observe(seen);
        opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::page::names_its_port;

    fn page(text: &str) -> Page {
        Page {
            names_its_port: names_its_port(text),
            ..Page::new(text.parse().unwrap())
        }
    }

    fn planned(url: &str) -> Vec<(String, bool, bool)> {
        let addresses = ["203.0.113.1", "2001:db8::1"];
        let candidates = addresses.map(|address| Candidate {
            address: address.parse().unwrap(),
            origin: Some(Origin::System),
        });
        let (endpoints, left_out) = plan(&page(url), &candidates);
        assert_eq!(left_out, 0);
        let shown = endpoints.iter();
        shown
            .map(|one| (one.peer.to_string(), one.is_secure, one.fetches_body))
            .collect()
    }

    fn one(peer: &str, is_secure: bool, fetches_body: bool) -> (String, bool, bool) {
        (peer.to_owned(), is_secure, fetches_body)
    }

    #[test]
    fn an_http_page_is_fetched_from_port_80_and_its_addresses_are_checked_on_443() {
        assert_eq!(
            planned("http://site.example/"),
            [
                one("203.0.113.1:80", false, true),
                one("[2001:db8::1]:80", false, true),
                one("203.0.113.1:443", true, false),
                one("[2001:db8::1]:443", true, false),
            ]
        );
    }

    #[test]
    fn an_https_page_has_port_443_and_an_explicit_port_is_the_only_one() {
        assert_eq!(
            planned("https://site.example/"),
            [
                one("203.0.113.1:443", true, true),
                one("[2001:db8::1]:443", true, true),
            ]
        );
        assert_eq!(
            planned("http://site.example:444/")[0],
            one("203.0.113.1:444", false, true)
        );
        assert_eq!(planned("http://site.example:444/").len(), 2);
        assert_eq!(
            planned("http://site.example:80/"),
            [
                one("203.0.113.1:80", false, true),
                one("[2001:db8::1]:80", false, true),
            ]
        );
        assert_eq!(
            planned("https://site.example:8443/")[0],
            one("203.0.113.1:8443", true, true)
        );
    }

    #[test]
    fn a_host_with_very_many_addresses_is_not_tried_on_all_of_them() {
        let candidates: Vec<Candidate> = (0..40)
            .map(|last| Candidate {
                address: IpAddr::from([203, 0, 113, last]),
                origin: None,
            })
            .collect();
        let page = page("http://site.example/");
        let (endpoints, left_out) = plan(&page, &candidates);
        assert_eq!((endpoints.len(), left_out), (ENDPOINTS_MAX, 80 - 32));
    }
}
