//! One accepted connection until its test begins: TLS or not, one HTTP request, a place in the
//! server.
use super::admission::{NoRoom, Permit};
use super::handshake::{self, Refusal, Wanted};
use super::probe::Probe;
use super::session::Session;
use super::{Ndt7Counters, Shared};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonle_wire::ndt7::spec::MESSAGE_TIMEOUT_US;

/// Longest wait for TLS, and again for the HTTP request.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_micros(MESSAGE_TIMEOUT_US.unsigned_abs());
/// First byte of a TLS connection (record type `handshake`); no HTTP method begins with it.
const TLS_FIRST_BYTE: u8 = 0x16;
/// Room for one request head: the longest allowed query and its headers.
const HEAD_MAX_BYTES: usize = 16 << 10;

/// What a granted request leaves behind for the test.
struct Granted {
    wanted: Wanted,
    permit: Permit,
    upgrade: OnUpgrade,
}

/// Serves one connection to its end. Whatever goes wrong is the client's affair and is counted.
pub(super) async fn serve(
    shared: &Shared,
    stream: TcpStream,
    peer: SocketAddr,
    cancel: &CancellationToken,
) {
    let Ok(probe) = Probe::new(&stream, peer) else {
        return;
    };
    let Some(tls) = &shared.config.tls else {
        return speak(shared, stream, probe, peer, cancel).await;
    };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, begins_tls(&stream)).await {
        Ok(true) => {}
        Ok(false) => return speak(shared, stream, probe, peer, cancel).await,
        Err(_) => return,
    }
    let accepting = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, accepting).await {
        speak(shared, stream, probe, peer, cancel).await;
    } else {
        Ndt7Counters::add(&shared.counters.refused_requests, 1);
    }
}

async fn begins_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first == [TLS_FIRST_BYTE]
}

/// HTTP on an open stream, then the test if the request is granted.
async fn speak<S>(
    shared: &Shared,
    stream: S,
    probe: Probe,
    peer: SocketAddr,
    cancel: &CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answering = answer_one_request(shared, stream, peer);
    let Ok(Some(granted)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, answering).await else {
        return;
    };
    let Ok(upgraded) = granted.upgrade.await else {
        return;
    };
    let parts = upgraded
        .downcast::<TokioIo<S>>()
        .expect("this connection was made from such a stream");
    let session = Session {
        shared,
        probe,
        direction: granted.wanted.direction,
        query: granted.wanted.query,
        cancel,
    };
    Box::pin(session.run(parts.io.into_inner(), parts.read_buf)).await;
    drop(granted.permit);
}

/// Answers the connection's request; `None` unless it was granted.
async fn answer_one_request<S>(shared: &Shared, stream: S, peer: SocketAddr) -> Option<Granted>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let granted = Mutex::new(None);
    let service = service_fn(|mut request: Request<Incoming>| {
        let response = match grant(shared, &mut request, peer) {
            Ok(grant) => {
                let response = grant.wanted.response();
                *granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(grant);
                response
            }
            Err(refusal) => refuse(shared, &refusal),
        };
        async move { Ok::<_, Infallible>(response) }
    });
    let serving = http1::Builder::new()
        .max_buf_size(HEAD_MAX_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = serving {
        Ndt7Counters::add(&shared.counters.refused_requests, 1);
        tracing::debug!(%error, "ndt7: a connection ended before its test: {error}");
        return None;
    }
    granted.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn grant(
    shared: &Shared,
    request: &mut Request<Incoming>,
    peer: SocketAddr,
) -> Result<Granted, Refusal> {
    let wanted = handshake::check(request)?;
    let permit = shared
        .admission
        .admit(wanted.direction, peer.ip())
        .map_err(|no_room| match no_room {
            NoRoom::Overload => Refusal::Overload,
            NoRoom::Source => Refusal::Source,
        })?;
    Ok(Granted {
        wanted,
        permit,
        upgrade: hyper::upgrade::on(request),
    })
}

fn refuse(shared: &Shared, refusal: &Refusal) -> Response<String> {
    let counters = &shared.counters;
    let counter = match refusal {
        Refusal::Overload => &counters.refused_overload,
        Refusal::Source => &counters.refused_source,
        _ => &counters.refused_requests,
    };
    Ndt7Counters::add(counter, 1);
    refusal.response()
}
