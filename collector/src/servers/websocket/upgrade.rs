//! May this HTTP request become a WebSocket?
//!
//! 1. `GET` over HTTP/1.1, with the upgrade headers of RFC 6455, section 4.2.1.
//! 2. `Sec-WebSocket-Protocol` is the protocol's as a whole string: no list, no other spelling.
//!
//! Extensions are never negotiated (compression would measure the compressor), and any origin is
//! welcome: browsers measure from other sites' pages.
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tonle_wire::ndt7::spec::WEBSOCKET_VERSION;

/// Length of a `Sec-WebSocket-Key`: 16 bytes in base64.
const KEY_CHARS: usize = 24;

/// Why a request is not upgraded; answered with 400.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub(in crate::servers) enum NoUpgrade {
    #[error("not a WebSocket upgrade: {0}")]
    Headers(&'static str),
    #[error("Sec-WebSocket-Protocol must be {0}")]
    Subprotocol(&'static str),
}

/// An upgrade that may be granted.
#[derive(Debug)]
pub(in crate::servers) struct Upgrade {
    accept_key: String,
    subprotocol: &'static str,
}

/// Checks a request against the rules of this file.
pub(in crate::servers) fn check<B>(
    request: &Request<B>,
    subprotocol: &'static str,
) -> Result<Upgrade, NoUpgrade> {
    let headers = request.headers();
    let must = |holds: bool, what| holds.then_some(()).ok_or(NoUpgrade::Headers(what));
    must(request.method() == Method::GET, "method must be GET")?;
    must(request.version() == Version::HTTP_11, "HTTP/1.1 only")?;
    must(
        has_token(headers, header::CONNECTION, "upgrade"),
        "Connection must be Upgrade",
    )?;
    must(
        has_token(headers, header::UPGRADE, "websocket"),
        "Upgrade must be websocket",
    )?;
    let version = only(headers, header::SEC_WEBSOCKET_VERSION);
    must(
        version == Some(WEBSOCKET_VERSION),
        "Sec-WebSocket-Version must be 13",
    )?;
    let key = only(headers, header::SEC_WEBSOCKET_KEY).unwrap_or_default();
    must(key.len() == KEY_CHARS, "Sec-WebSocket-Key must be 16 bytes")?;
    if only(headers, header::SEC_WEBSOCKET_PROTOCOL) != Some(subprotocol) {
        return Err(NoUpgrade::Subprotocol(subprotocol));
    }
    Ok(Upgrade {
        accept_key: derive_accept_key(key.as_bytes()),
        subprotocol,
    })
}

/// The value of a header that stands there exactly once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Whether a comma-separated header names `token`; Firefox sends `keep-alive, Upgrade`.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

impl Upgrade {
    /// The 101 that completes the handshake. The subprotocol is echoed: browsers insist.
    pub(in crate::servers) fn response(&self) -> Response<String> {
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let accept_key = HeaderValue::from_str(&self.accept_key).expect("base64 is header text");
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept_key);
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(self.subprotocol),
        );
        response
    }
}
