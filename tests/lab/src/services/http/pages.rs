//! Which page answers a request, and how.
use super::body::Reply;
use super::flushes::Flushes;
use crate::scenario::model::Page;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Longest body of a request that is read (and forgotten), bytes.
const REQUEST_BYTES_MAX: usize = 1 << 30;

pub(super) async fn answer(
    pages: Arc<Vec<Page>>,
    client: Option<IpAddr>,
    request: Request<Incoming>,
    flushes: Flushes,
) -> Response<Reply> {
    let is_head = request.method() == Method::HEAD;
    let mut response = match choose(&pages, client, &request) {
        Choice::Page(page) => {
            let page = page.clone();
            if read_to_end(request.into_body()).await.is_err() {
                plain(StatusCode::PAYLOAD_TOO_LARGE, "")
            } else {
                tokio::time::sleep(Duration::from_millis(page.delay_ms)).await;
                of_page(page, flushes)
            }
        }
        Choice::Default => plain(StatusCode::OK, "the lab\n"),
        Choice::Nothing => plain(StatusCode::NOT_FOUND, "no such page\n"),
    };
    if is_head {
        let length = response.body().size_hint().exact().unwrap_or_default();
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
        *response.body_mut() = Reply::given(Bytes::new());
    }
    response
}

enum Choice<'a> {
    Page(&'a Page),
    /// The service has no pages at all.
    Default,
    /// None of its pages fits.
    Nothing,
}

fn choose<'a, B>(pages: &'a [Page], client: Option<IpAddr>, request: &Request<B>) -> Choice<'a> {
    let host = host_of(request);
    let fits = |page: &&Page| {
        let host_fits = match (&page.host, &host) {
            (None, _) => true,
            (Some(wanted), Some(host)) => wanted.eq_ignore_ascii_case(host),
            (Some(_), None) => false,
        };
        let client_fits =
            page.clients.is_empty() || client.is_some_and(|client| page.clients.contains(&client));
        let path = page.path.as_deref();
        host_fits && client_fits && path.is_none_or(|path| path == request.uri().path())
    };
    match pages.iter().find(fits) {
        Some(page) => Choice::Page(page),
        None if pages.is_empty() => Choice::Default,
        None => Choice::Nothing,
    }
}

/// The host that a request is for, without the port.
fn host_of<B>(request: &Request<B>) -> Option<String> {
    if let Some(host) = request.uri().host() {
        return Some(host.to_owned());
    }
    let value = request.headers().get(HOST)?.to_str().ok()?;
    let authority: hyper::http::uri::Authority = value.parse().ok()?;
    Some(authority.host().to_owned())
}

async fn read_to_end(body: Incoming) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut body = Limited::new(body, REQUEST_BYTES_MAX);
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}

fn of_page(page: Page, flushes: Flushes) -> Response<Reply> {
    let body = match page.body_bytes {
        Some(length) if page.body.is_empty() => Reply::made(length),
        Some(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            Reply::given(format!("{:length$}", page.body).into())
        }
        None => Reply::given(page.body.into()),
    };
    let body = match page.cut_after_bytes {
        Some(after_bytes) => body.cut(after_bytes, flushes),
        None => body,
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::OK);
    for (name, value) in &page.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Reply> {
    let mut response = Response::new(Reply::given(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}
