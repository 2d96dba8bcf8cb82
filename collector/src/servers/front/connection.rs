//! One accepted connection: TLS or not, and the version of HTTP that it speaks.
//!
//! Limits, so that a slow or idle client holds a place only for a while:
//! 1. TLS, and each request head of HTTP/1.1, within the protocol's wait for a handshake; a
//!    connection of HTTP/2 without a request is closed after twice that.
//! 2. All requests together within [`REQUESTS_MAX_TIME`], and no more of them than each version of
//!    HTTP allows.
//! 3. Heads of at most [`HEAD_MAX_BYTES`]. A door that takes bodies bounds them itself.
use super::listener::Shared;
use super::{Answer, Caller, FrontCounters, Probe, body, http1, http2, plain_text};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonle_wire::ndt7::spec::MESSAGE_TIMEOUT_US;

/// Longest wait for TLS, and again for each request head.
pub(super) const HANDSHAKE_TIMEOUT: Duration =
    Duration::from_micros(MESSAGE_TIMEOUT_US.unsigned_abs());
/// Longest time that a connection may spend on requests: a direction of a responsiveness test takes
/// 40 s and more with the interval of its draft.
pub(super) const REQUESTS_MAX_TIME: Duration = Duration::from_mins(2);
/// Room for one request head: the longest allowed query and its headers.
pub(super) const HEAD_MAX_BYTES: usize = 16 << 10;
/// First byte of a TLS connection (record type `handshake`); no HTTP method begins with it.
const TLS_FIRST_BYTE: u8 = 0x16;

/// Serves one connection to its end. Whatever goes wrong is the client's affair and is counted.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    cancel: &CancellationToken,
) {
    let Ok(kernel) = Probe::new(&stream, peer, shared.uuids.as_ref()) else {
        return;
    };
    let caller = |tls| Caller {
        peer,
        tls,
        kernel: Arc::new(kernel),
    };
    let Some(tls) = &shared.tls else {
        return in_clear(shared, stream, caller(false), cancel).await;
    };
    match timeout(HANDSHAKE_TIMEOUT, begins_tls(&stream)).await {
        Ok(true) => {}
        Ok(false) => return in_clear(shared, stream, caller(false), cancel).await,
        Err(_) => return FrontCounters::count(&shared.counters.broken_requests),
    }
    let accepting = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
    let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, accepting).await else {
        return FrontCounters::count(&shared.counters.broken_requests);
    };
    if stream.get_ref().1.alpn_protocol() == Some(http2::ALPN) {
        http2::speak(shared, stream, caller(true), cancel).await;
    } else {
        http1::speak(shared, stream, caller(true), cancel).await;
    }
}

/// A connection without TLS: for the echo, or of HTTP/1.1.
async fn in_clear(shared: &Shared, stream: TcpStream, caller: Caller, cancel: &CancellationToken) {
    let Some(echo) = &shared.echo else {
        return http1::speak(shared, stream, caller, cancel).await;
    };
    match timeout(HANDSHAKE_TIMEOUT, echo.asked(&stream, caller.peer)).await {
        Ok(Some(kind)) => echo.serve(stream, caller.peer, kind).await,
        Ok(None) => http1::speak(shared, stream, caller, cancel).await,
        Err(_) => FrontCounters::count(&shared.counters.broken_requests),
    }
}

async fn begins_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first == [TLS_FIRST_BYTE]
}

/// What the door of this path says.
pub(super) async fn answer(shared: &Shared, request: Request<Incoming>, caller: &Caller) -> Answer {
    let path = request.uri().path();
    if let Some(door) = shared.doors.iter().find(|door| door.is_for(path)) {
        return door.answer(request, caller).await;
    }
    FrontCounters::count(&shared.counters.unknown_paths);
    let mut nothing = plain_text(StatusCode::NOT_FOUND, "nothing is served here");
    nothing.headers_mut().remove(hyper::header::CONNECTION);
    Answer::Respond(nothing.map(body::whole))
}
