//! The one TCP port of the measurement servers: `ws` and `wss`, HTTP/1.1, and behind each path the
//! protocol that answers there.
//!
//! A connection takes the files in this order: `listener` (is there room?), `connection` (TLS or
//! not, one request after the other), a [`Door`] (whose path is it, what is the answer), and after
//! an upgrade the door's [`Conversation`] with the connection, whose `probe` reads the kernel.
//!
//! Nothing here keeps or logs an address: a door is told the peer's to admit it, and no more.
mod connection;
mod counters;
mod listener;
mod probe;

pub use counters::FrontCounters;
pub(super) use listener::{Front, FrontSettings};
pub(super) use probe::Probe;

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use std::net::SocketAddr;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;

/// One protocol behind the front.
pub(super) trait Door: Send + Sync {
    /// True for a request path that is this door's.
    fn is_for(&self, path: &str) -> bool;
    /// Answers a request (head only; doors never read request bodies).
    fn answer(&self, request: &mut Request<Incoming>, peer: SocketAddr) -> Answer;
}

/// What a door says to a request.
pub(super) enum Answer {
    /// This response, and the connection ends (or goes on, HTTP/1.1 keep-alive, as the response
    /// says).
    Respond(Response<String>),
    /// This response (a 101), then a conversation on the connection.
    Upgrade(Response<String>, Conversation),
}

/// What happens on an upgraded connection; owns what it needs.
pub(super) type Conversation =
    Box<dyn FnOnce(Upgraded) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// A byte stream, TLS or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// An upgraded connection.
pub(super) struct Upgraded {
    /// What is said from now on.
    pub(super) stream: Box<dyn Stream>,
    /// Bytes that came with the request.
    pub(super) already_read: Bytes,
    /// The kernel's view of the connection.
    pub(super) kernel: Probe,
    /// Fires when the server stops.
    pub(super) cancel: CancellationToken,
}

/// An answer in one line of plain text, after which the connection closes.
pub(super) fn plain_text(status: StatusCode, text: impl std::fmt::Display) -> Response<String> {
    let mut response = Response::new(format!("{text}\n"));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
