//! What every visit does alike with one page once it is connected: handshake, request, and where the
//! response leads.

use super::{End, Manner, PAGE_OVERHEAD_BYTES};
use crate::experiments::Run;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_net::http::{self, Cookies, Fetched, Get, Limits};
use tonle_net::meter::Metered;
use tonle_net::scrub;
use tonle_net::step::{Seen, Step};
use tonle_net::tls::{self, Handshake, TlsStream};
use url::Url;

/// A visit in progress.
pub(super) struct Visitor<'a> {
    pub(super) run: &'a Run,
    pub(super) manner: Manner,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    cookies: Cookies,
    path: Vec<Observation>,
}

/// A stream that a request can be made on.
pub(super) enum Opened {
    Clear(Metered<TcpStream>),
    Secure(Box<TlsStream<Metered<TcpStream>>>),
}

/// A page and how the visit came there.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) url: Url,
    /// How many redirects led here.
    pub(super) depth: u32,
    /// The page before.
    pub(super) from: Option<Url>,
    /// Whether a port was written out, be it the one that its scheme has anyway.
    pub(super) names_its_port: bool,
}

/// Whether the text of a URL writes its port out. A parsed one no longer tells.
pub(super) fn names_its_port(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    let port = place.rsplit_once(':').map_or("", |(_, port)| port);
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

impl Page {
    pub(super) fn new(url: Url) -> Self {
        Self {
            names_its_port: url.port().is_some(),
            url,
            depth: 0,
            from: None,
        }
    }

    /// The page that this one leads to.
    pub(super) fn next(&self, url: Url) -> Self {
        Self {
            depth: self.depth + 1,
            from: Some(self.url.clone()),
            ..Self::new(url)
        }
    }

    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// As browsers do: without credentials and fragment, and not from https to http.
    fn referer(&self) -> String {
        let Some(mut from) = self.from.clone() else {
            return String::new();
        };
        if from.scheme() == "https" && self.url.scheme() == "http" {
            return String::new();
        }
        from.set_fragment(None);
        // Only a URL without a host cannot lose its credentials, and a page has one.
        let _ = from.set_username("");
        let _ = from.set_password(None);
        from.into()
    }
}

impl<'a> Visitor<'a> {
    pub(super) fn new(run: &'a Run, manner: Manner) -> Self {
        Self {
            run,
            manner,
            kept: Mutex::default(),
        }
    }

    pub(super) fn into_path(self) -> Vec<Observation> {
        let kept = self.kept.into_inner();
        kept.unwrap_or_else(PoisonError::into_inner).path
    }

    /// Adds steps to those that led to the end of the visit.
    pub(super) fn went(&self, steps: impl IntoIterator<Item = Observation>) {
        self.kept().path.extend(steps);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that the next body may have; none when the run has no room for another page.
    pub(super) fn room_for_body(&self) -> Option<usize> {
        let left = self.run.max_bytes.saturating_sub(self.run.bytes_used());
        let room = left
            .checked_sub(PAGE_OVERHEAD_BYTES + http::READ_AHEAD_BYTES as u64)
            .filter(|room| *room > 0)?;
        usize::try_from(room.min(self.manner.body_max_bytes)).ok()
    }

    /// Shakes hands under the name of the page's host.
    pub(super) async fn secure(
        &self,
        host: &str,
        peer: SocketAddr,
        stream: TcpStream,
        alpn: &[&[u8]],
    ) -> Seen<Opened> {
        let stream = Metered::new(stream, self.run.meter.clone());
        let wanted = Handshake {
            peer,
            server_name: host,
            alpn,
            timeout: tls::HANDSHAKE_TIMEOUT,
        };
        let run = self.run;
        let (seen, stream) = tls::handshake(&run.net, &run.clock, stream, wanted).await;
        (seen, stream.map(|stream| Opened::Secure(Box::new(stream))))
    }

    /// A stream without TLS.
    pub(super) fn clear(&self, stream: TcpStream) -> Opened {
        Opened::Clear(Metered::new(stream, self.run.meter.clone()))
    }

    /// Requests the page.
    pub(super) async fn request(
        &self,
        page: &Page,
        peer: IpAddr,
        opened: Opened,
        limits: Limits,
    ) -> Seen<Fetched> {
        let cookies = self.kept().cookies.header(&page.url);
        let referer = page.referer();
        let get = Get {
            foreign: page.from.is_some(),
            cookies: &cookies,
            referer: &referer,
            ..Get::to(&page.url, peer)
        };
        let clock = &self.run.clock;
        match opened {
            Opened::Clear(stream) => http::get(clock, stream, get, &limits).await,
            Opened::Secure(stream) => {
                let http2 = tls::speaks_http2(&stream);
                http::get(clock, *stream, Get { http2, ..get }, &limits).await
            }
        }
    }

    /// Keeps what arrived and says where it leads: to another page, or to how the visit ends.
    pub(super) fn arrived(
        &self,
        page: &Page,
        (seen, fetched): Seen<Fetched>,
    ) -> Result<Fetched, End> {
        let failed = seen.failure.is_some();
        self.went([seen.clone()]);
        let index = self.run.observe(seen);
        let mut fetched = fetched.ok_or(End::Failed)?;
        let has_content = !fetched.body_prefix.is_empty();
        if has_content && self.manner.keeps_bodies {
            let prefix = std::mem::take(&mut fetched.body_prefix);
            self.run.keep_body(index, prefix);
        }
        let cookies = std::mem::take(&mut fetched.cookies);
        self.kept().cookies.set(&page.url, cookies);
        if fetched.redirect.is_none() && failed && !has_content {
            return Err(End::Failed);
        }
        Ok(fetched)
    }

    /// Why a redirect is not followed: it is one too many, or leads into the volunteer's own network.
    pub(super) fn refusal(&self, page: &Page, to: &Url) -> Option<Observation> {
        let mut step = Step::start(&self.run.clock, "redirect", scrub::foreign_url(to));
        if page.depth >= super::REDIRECTS_MAX {
            let failure = Failure::unknown("stopped after too many redirects");
            return Some(step.fail(failure));
        }
        let host = to.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address: IpAddr = bare.parse().ok()?;
        if self.run.net.may_contact(address) {
            return None;
        }
        step.fact("contacted", false);
        Some(step.fail(Failure::DnsBogon))
    }

    /// Records that a redirect is not followed, which is how the visit ends.
    pub(super) fn refuse(&self, refusal: Observation) -> End {
        self.went([refusal.clone()]);
        self.run.observe(refusal);
        End::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_port_that_is_written_out_is_seen() {
        for (text, names_it) in [
            ("http://a.example:80/", true),
            ("https://u:p@a.example:443", true),
            ("http://[2001:db8::1]:80/", true),
            ("http://a.example/", false),
            ("http://u:80@a.example/x:80", false),
            ("http://a.example?x:80", false),
            ("http://[2001:db8::1]/", false),
            ("http://a.example:/", false),
        ] {
            assert_eq!(names_its_port(text), names_it, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at_without_panic(text in "\\PC{0,40}", port in 1_u16..) {
            let _ = names_its_port(&text);
            let url = format!("http://a.example:{port}/{text}");
            prop_assert!(names_its_port(&url));
        }
    }

    fn referer(from: &str, to: &str) -> String {
        let from = Page::new(Url::parse(from).unwrap());
        from.next(Url::parse(to).unwrap()).referer()
    }

    #[test]
    fn the_page_before_is_named_as_browsers_name_it() {
        assert_eq!(
            referer("http://u:p@a.example/x?y#z", "https://b.example/"),
            "http://a.example/x?y"
        );
        assert_eq!(referer("https://a.example/", "http://b.example/"), "");
        assert_eq!(
            Page::new(Url::parse("http://a.example/").unwrap()).referer(),
            ""
        );
    }
}
