//! One accepted connection: TLS or not, requests one after the other, and what follows an upgrade.
//!
//! Limits, so that a slow or idle client holds a place only for a while:
//! 1. TLS, and each request head, within the protocol's wait for a handshake.
//! 2. All requests together within [`REQUESTS_MAX`]; the last answer tells the client to close.
//! 3. Heads of at most [`HEAD_MAX_BYTES`]; bodies are never read.
use super::listener::Shared;
use super::{Answer, Conversation, FrontCounters, Probe, Upgraded, plain_text};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonle_wire::ndt7::spec::MESSAGE_TIMEOUT_US;

/// Longest wait for TLS, and again for each request head.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_micros(MESSAGE_TIMEOUT_US.unsigned_abs());
/// Longest time that a connection may spend on requests (stock servers: 60 s).
const REQUESTS_MAX_TIME: Duration = Duration::from_mins(1);
/// Most requests on one connection.
const REQUESTS_MAX: usize = 100;
/// First byte of a TLS connection (record type `handshake`); no HTTP method begins with it.
const TLS_FIRST_BYTE: u8 = 0x16;
/// Room for one request head: the longest allowed query and its headers.
const HEAD_MAX_BYTES: usize = 16 << 10;

/// What a request that was granted an upgrade leaves behind.
struct Granted {
    upgrade: OnUpgrade,
    conversation: Conversation,
}

/// Serves one connection to its end. Whatever goes wrong is the client's affair and is counted.
pub(super) async fn serve(
    shared: &Shared,
    stream: TcpStream,
    peer: SocketAddr,
    cancel: &CancellationToken,
) {
    let Ok(kernel) = Probe::new(&stream, peer, shared.uuids.as_ref()) else {
        return;
    };
    let Some(tls) = &shared.tls else {
        return speak(shared, stream, kernel, peer, cancel).await;
    };
    match timeout(HANDSHAKE_TIMEOUT, begins_tls(&stream)).await {
        Ok(true) => {}
        Ok(false) => return speak(shared, stream, kernel, peer, cancel).await,
        Err(_) => return FrontCounters::count(&shared.counters.broken_requests),
    }
    let accepting = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
    if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, accepting).await {
        speak(shared, stream, kernel, peer, cancel).await;
    } else {
        FrontCounters::count(&shared.counters.broken_requests);
    }
}

async fn begins_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first == [TLS_FIRST_BYTE]
}

/// HTTP on an open stream, then the conversation if one is granted.
async fn speak<S>(
    shared: &Shared,
    stream: S,
    kernel: Probe,
    peer: SocketAddr,
    cancel: &CancellationToken,
) where
    S: super::Stream + 'static,
{
    let answering = timeout(
        REQUESTS_MAX_TIME,
        answer_requests(shared, stream, peer, cancel),
    );
    let Ok(Some(granted)) = answering.await else {
        return;
    };
    let Ok(upgraded) = granted.upgrade.await else {
        return;
    };
    let parts = upgraded
        .downcast::<TokioIo<S>>()
        .expect("this connection was made from such a stream");
    let upgraded = Upgraded {
        stream: Box::new(parts.io.into_inner()),
        already_read: parts.read_buf,
        kernel,
        cancel: cancel.clone(),
    };
    (granted.conversation)(upgraded).await;
}

/// Answers the connection's requests until it ends or one is granted an upgrade.
async fn answer_requests<S>(
    shared: &Shared,
    stream: S,
    peer: SocketAddr,
    cancel: &CancellationToken,
) -> Option<Granted>
where
    S: super::Stream + 'static,
{
    let granted = Mutex::new(None);
    let answered = AtomicUsize::new(0);
    let service = service_fn(|mut request: Request<Incoming>| {
        let mut response = match answer(shared, &mut request, peer) {
            Answer::Respond(response) => response,
            Answer::Upgrade(response, conversation) => {
                let upgrade = hyper::upgrade::on(&mut request);
                *granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Granted {
                    upgrade,
                    conversation,
                });
                response
            }
        };
        let is_last = answered.fetch_add(1, Ordering::Relaxed) + 1 >= REQUESTS_MAX;
        if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        async move { Ok::<_, Infallible>(response) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_TIMEOUT)
        .max_buf_size(HEAD_MAX_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let served = tokio::select! {
        served = serving => served,
        // Who waits between requests has nothing to lose.
        () = cancel.cancelled() => return None,
    };
    if let Err(error) = served {
        FrontCounters::count(&shared.counters.broken_requests);
        tracing::debug!(%error, "servers: a connection ended before its request: {error}");
        return None;
    }
    granted.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn answer(shared: &Shared, request: &mut Request<Incoming>, peer: SocketAddr) -> Answer {
    let path = request.uri().path();
    if let Some(door) = shared.doors.iter().find(|door| door.is_for(path)) {
        return door.answer(request, peer);
    }
    FrontCounters::count(&shared.counters.unknown_paths);
    let mut nothing = plain_text(StatusCode::NOT_FOUND, "nothing is served here");
    nothing.headers_mut().remove(header::CONNECTION);
    Answer::Respond(nothing)
}
