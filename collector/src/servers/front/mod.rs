//! The one TCP port of the measurement servers: with and without TLS, HTTP/1.1 and (over TLS, where
//! the client offers it) HTTP/2, and behind each path the protocol that answers there.
//!
//! A connection takes the files in this order: `listener` (is there room?), `connection` (TLS or
//! not), `http1` or `http2`, a [`Door`] (whose path is it, what is the answer), and after an upgrade
//! the door's [`Conversation`] with the connection, whose `probe` reads the kernel.
//!
//! Nothing here keeps or logs an address: a door is told the peer's to admit it, and no more.
pub(super) mod body;
mod connection;
mod counters;
mod http1;
mod http2;
mod listener;
mod probe;

pub use counters::FrontCounters;
pub(super) use listener::{Front, FrontSettings};
pub(super) use probe::Probe;

use body::Body;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;

/// One protocol behind the front.
pub(super) trait Door: Send + Sync {
    /// True for a request path that is this door's.
    fn is_for(&self, path: &str) -> bool;
    /// Answers a request. A door that reads its body bounds it, in bytes and in time.
    fn answer<'a>(&'a self, request: Request<Incoming>, caller: &'a Caller) -> Answering<'a>;
}

/// An answer on its way.
pub(super) type Answering<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// Who asks, and on which connection.
pub(super) struct Caller {
    /// The client's end; told to admit it, and no more.
    pub(super) peer: SocketAddr,
    /// Whether the connection speaks TLS.
    pub(super) tls: bool,
    /// The kernel's view of the connection.
    pub(super) kernel: Arc<Probe>,
}

/// What a door says to a request.
pub(super) enum Answer {
    /// This response, and the connection ends or goes on, as its version of HTTP and the response
    /// say.
    Respond(Response<Body>),
    /// This response (a 101), then a conversation on the connection. HTTP/1.1 only.
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
    pub(super) kernel: Arc<Probe>,
    /// Fires when the server stops.
    pub(super) cancel: CancellationToken,
}

/// An answer in one line of plain text, after which a connection of HTTP/1.1 closes.
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
