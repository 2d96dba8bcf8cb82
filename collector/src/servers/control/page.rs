//! The page: asked for as the probe would, its redirects followed, its content counted and not kept.
//!
//! Every host on the way is looked up once, and only the addresses that were checked are connected
//! to: a name that leads elsewhere a moment later leads nowhere.
use super::Outside;
use super::alt_svc;
use super::asked::Asked;
use super::counters::ControlCounters;
use super::guard::is_web_port;
use super::lookup::{Found, look_up};
use super::names;
use super::quota::{Standing, TooMuch};
use super::response;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_net::http::channel::{Channel, HeaderMap, HeaderValue, Received};
use tonle_net::http::{self, Cookies};
use tonle_net::tcp;
use tonle_net::tls::{self, ALPN_HTTP2, Handshake};
use tonle_wire::ooni::ControlHttp;
use url::{Position, Url};

/// Longest time of a page with all its redirects (as stock helpers have it).
const PAGE_MAX: Duration = Duration::from_secs(15);
/// Most redirects followed (as our agents follow).
const REDIRECTS_MAX: usize = 10;
/// Most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 6;

/// Why a page is not to be had.
pub(super) enum NoPage {
    /// Something on the way failed: the answer says so.
    Failed { failure: Failure, in_lookup: bool },
    /// It was not asked for: the whole request is refused.
    TooMuch(TooMuch),
}

impl From<Failure> for NoPage {
    fn from(failure: Failure) -> Self {
        Self::Failed {
            failure,
            in_lookup: false,
        }
    }
}

impl From<TooMuch> for NoPage {
    fn from(too_much: TooMuch) -> Self {
        Self::TooMuch(too_much)
    }
}

/// A page on its way.
pub(super) struct Visit<'a> {
    outside: &'a Outside,
    who: Standing,
    /// What the probe wants to be asked with.
    headers: HeaderMap,
    hosts: HashMap<String, Found>,
    cookies: Cookies,
    deadline: Instant,
}

impl<'a> Visit<'a> {
    /// `found` is what was found of the page's host.
    pub(super) fn new(outside: &'a Outside, who: Standing, asked: &Asked, found: Found) -> Self {
        Self {
            outside,
            who,
            headers: asked.headers.clone(),
            hosts: HashMap::from([(asked.host().to_owned(), found)]),
            cookies: Cookies::default(),
            deadline: Instant::now() + PAGE_MAX,
        }
    }

    /// The final response, or why there is none.
    pub(super) async fn fetch(mut self, url: Url) -> Result<ControlHttp, TooMuch> {
        match self.follow(url).await {
            Ok(page) => Ok(page),
            Err(NoPage::TooMuch(too_much)) => Err(too_much),
            Err(NoPage::Failed { failure, in_lookup }) => {
                Ok(response::none(names::of_page(&failure, in_lookup)))
            }
        }
    }

    async fn follow(&mut self, first: Url) -> Result<ControlHttp, NoPage> {
        let (mut url, mut referer) = (first, None);
        for _ in 0..=REDIRECTS_MAX {
            let getting = timeout_at(self.deadline, self.get(&url, referer.as_ref()));
            // The connection is open as long as its channel lives.
            let (_channel, received) = getting.await.map_err(|_| Failure::GenericTimeout)??;
            let location = received.headers.get("location");
            let location = location.map(|value| String::from_utf8_lossy(value.as_bytes()));
            let Some(to) = http::redirect(&url, received.status, location.as_deref())? else {
                let h3 = received.headers.get("alt-svc");
                let h3 = h3.map(|value| String::from_utf8_lossy(value.as_bytes()));
                let host = url.host_str().unwrap_or_default();
                let h3 = alt_svc::h3_endpoint(&h3.unwrap_or_default(), host);
                return Ok(response::of(received, h3, self.deadline).await);
            };
            self.cookies.set(&url, http::cookies_of(&received.headers));
            referer = referer_from(&url, &to);
            url = to;
        }
        Err(Failure::HttpRequestFailed.into())
    }

    /// Asks for one page.
    async fn get(
        &mut self,
        url: &Url,
        referer: Option<&HeaderValue>,
    ) -> Result<(Channel, Received), NoPage> {
        let (peer, stream) = self.connect(url).await?;
        let mut headers = self.headers.clone();
        if let Some(referer) = referer {
            headers.insert("referer", referer.clone());
        }
        let cookies = self.cookies.header(url);
        if let Some(cookies) = HeaderValue::from_str(&cookies)
            .ok()
            .filter(|_| !cookies.is_empty())
        {
            headers.insert("cookie", cookies);
        }
        ControlCounters::count(&self.outside.counters.pages);
        let channel = if url.scheme() == "https" {
            let stream = self.shake_hands(url, peer, stream).await?;
            let http2 = tls::speaks_http2(&stream);
            Channel::open_for_page(stream, http2, headers).await?
        } else {
            Channel::open_for_page(stream, false, headers).await?
        };
        let received = channel.get(url).await?;
        Ok((channel, received))
    }

    /// Connects to the first address that lets us, of those that may be contacted.
    async fn connect(&mut self, url: &Url) -> Result<(SocketAddr, TcpStream), NoPage> {
        let outside = self.outside;
        let port = url.port_or_known_default().unwrap_or(0);
        let mut addresses = self.addresses(url.host_str().unwrap_or_default()).await?;
        addresses.retain(|address| is_web_port(port) && outside.guard.may_contact(*address));
        addresses.truncate(ADDRESSES_MAX);
        let mut failure = None;
        while !addresses.is_empty() {
            let address = addresses.remove(0);
            outside.quota.note_contact(self.who, address)?;
            let left = self.deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() + 1).unwrap_or(1);
            let peer = SocketAddr::new(address, port);
            let (seen, stream) = tcp::connect(&outside.settings, &outside.clock, peer, share).await;
            if let Some(stream) = stream {
                return Ok((peer, stream));
            }
            failure = failure.or(seen.failure);
        }
        if failure.is_none() {
            ControlCounters::count(&outside.counters.forbidden);
        }
        Err(failure.unwrap_or(Failure::DnsBogon).into())
    }

    /// The addresses of a host, looked up once.
    async fn addresses(&mut self, host: &str) -> Result<Vec<IpAddr>, NoPage> {
        if !self.hosts.contains_key(host) {
            let found = look_up(self.outside, host).await;
            self.hosts.insert(host.to_owned(), found);
        }
        let found = &self.hosts[host];
        match &found.failure {
            Some(failure) => Err(NoPage::Failed {
                failure: failure.clone(),
                in_lookup: true,
            }),
            None => Ok(found.addresses.clone()),
        }
    }

    async fn shake_hands(
        &self,
        url: &Url,
        peer: SocketAddr,
        stream: TcpStream,
    ) -> Result<tls::TlsStream<TcpStream>, NoPage> {
        let wanted = Handshake {
            peer,
            server_name: url.host_str().unwrap_or_default(),
            alpn: ALPN_HTTP2,
            timeout: PAGE_MAX,
        };
        let outside = self.outside;
        let (seen, stream) =
            tls::handshake(&outside.settings, &outside.clock, stream, wanted).await;
        stream.ok_or_else(|| seen.failure.unwrap_or(Failure::SslFailedHandshake).into())
    }
}

/// Where a browser would say that it comes from; nothing on the way from `https` to `http`.
fn referer_from(from: &Url, to: &Url) -> Option<HeaderValue> {
    if from.scheme() == "https" && to.scheme() == "http" {
        return None;
    }
    let place = &from[Position::BeforeHost..Position::AfterQuery];
    HeaderValue::from_str(&format!("{}://{place}", from.scheme())).ok()
}
