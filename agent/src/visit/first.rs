//! One way to a page: the device's resolvers, addresses in order, IPv4 first, until one connects.
use super::End;
use super::page::{Page, Visitor};
use crate::steps::{self, Dial};
use tokio::net::TcpStream;
use tonle_net::http::Limits;
use tonle_net::tcp;
use tonle_net::tls::ALPN_HTTP1;
use url::Url;

/// Most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 6;

/// Visits the page and where it leads.
pub(super) async fn visit(visitor: &Visitor<'_>, url: Url) -> End {
    let mut page = Page::new(url);
    loop {
        match one_page(visitor, &page).await {
            Ok(Some(to)) => page = page.next(to),
            Ok(None) => return End::Reached,
            Err(end) => return end,
        }
    }
}

/// Where the page leads.
async fn one_page(visitor: &Visitor<'_>, page: &Page) -> Result<Option<Url>, End> {
    let body_max_bytes = visitor.room_for_body().ok_or(End::Capped)?;
    let before = visitor.run.observed().len();
    let connected = connect(visitor, page).await;
    // All that was tried so far is part of the one way.
    visitor.went(visitor.run.observed().split_off(before));
    let (peer, stream) = connected?;
    let opened = if page.url.scheme() == "https" {
        let (seen, opened) = visitor.secure(page.host(), peer, stream, ALPN_HTTP1).await;
        visitor.went([seen.clone()]);
        visitor.run.observe(seen);
        opened.ok_or(End::Failed)?
    } else {
        visitor.clear(stream)
    };
    let limits = Limits {
        body_max_bytes,
        ..Limits::default()
    };
    let seen = visitor.request(page, peer.ip(), opened, limits).await;
    let Some(to) = visitor.arrived(page, seen)?.redirect else {
        return Ok(None);
    };
    match visitor.refusal(page, &to) {
        Some(refusal) => Err(visitor.refuse(refusal)),
        None => Ok(Some(to)),
    }
}

/// Resolves the host and connects to the first of its addresses that lets us.
async fn connect(
    visitor: &Visitor<'_>,
    page: &Page,
) -> Result<(std::net::SocketAddr, TcpStream), End> {
    let dial = Dial {
        net: &visitor.run.net,
        host: page.host(),
        port: page.url.port_or_known_default().unwrap_or(443),
        patience: visitor.manner.patience,
        timeout: tcp::CONNECT_TIMEOUT,
        addresses_max: ADDRESSES_MAX,
    };
    let dialled = steps::dial(visitor.run, dial).await;
    let otherwise = if dialled.left {
        End::Failed
    } else {
        End::NeverLeft
    };
    dialled.connected.ok_or(otherwise)
}
