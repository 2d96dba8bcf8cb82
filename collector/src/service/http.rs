//! Serves a router over HTTP/1.1 on a listener, TLS or not.
//!
//! Nobody can keep others out by being slow: a TLS handshake, and each request head with the wait
//! before it, has its time, after which the connection ends and its place is free. Whoever comes
//! while every place is taken waits in the kernel's queue.
use crate::ingest::source::Peer;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Longest TLS handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a whole request head, from the end of the request before it.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// Connections at the same time on one listener.
const CONNECTIONS_MAX: usize = 512;
/// Pause after a failed accept: out of descriptors passes, and a busy loop would not help it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long requests may go on after the end was asked for.
const DRAIN_MAX: Duration = Duration::from_secs(3);

/// Serves until `cancel`, then lets running requests end for a while.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    cancel: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let acceptor = tls.map(TlsAcceptor::from);
    let connections = TaskTracker::new();
    loop {
        let accepting = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (
                place.expect("the semaphore is never closed"),
                listener.accept().await,
            )
        };
        let (place, accepted) = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = accepting => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (acceptor, router, cancel) = (acceptor.clone(), router.clone(), cancel.clone());
        connections.spawn(async move {
            let _place = place;
            converse(stream, address, acceptor, router, cancel).await;
        });
    }
    drop(listener);
    connections.close();
    // What does not end in time is broken off by whoever waits for the service.
    let _ = timeout(DRAIN_MAX, connections.wait()).await;
}

/// One connection to its end. Whatever goes wrong is the client's matter; it sees the alert.
async fn converse(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    cancel: CancellationToken,
) {
    let tls = acceptor.is_some();
    let peer = Peer { address, tls };
    let Some(acceptor) = acceptor else {
        return answer(stream, peer, router, cancel).await;
    };
    if let Ok(Ok(stream)) = timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
        answer(stream, peer, router, cancel).await;
    }
}

/// Answers a connection's requests, one after the other.
async fn answer<S>(stream: S, peer: Peer, router: Router, cancel: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early: {error}");
    }
}
