//! HTTP servers: HTTP/1.1 plain, HTTP/1.1 and HTTP/2 over TLS, with the pages of a scenario.
mod body;
mod flushes;
mod pages;

pub(super) use body::Reply;

use super::{Running, listen, tls};
use crate::scenario::model::Page;
use flushes::{Counted, Flushes};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Time for the head of a request, and between requests.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// An HTTP/2 connection must answer a ping this often.
const PING_INTERVAL: Duration = Duration::from_mins(1);
/// Longest head of a request, bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Requests at a time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;

/// Serves pages, over TLS where there is an acceptor.
pub(super) fn start(
    running: &Running,
    listener: TcpListener,
    acceptor: Option<&TlsAcceptor>,
    pages: &Arc<Vec<Page>>,
) {
    let (acceptor, pages) = (acceptor.cloned(), Arc::clone(pages));
    listen::accept(running, listener, move |stream| {
        let (acceptor, pages) = (acceptor.clone(), Arc::clone(&pages));
        async move {
            let client = stream.peer_addr().ok().map(|peer| peer.ip());
            let answer =
                move |request, flushes| pages::answer(Arc::clone(&pages), client, request, flushes);
            let Some(acceptor) = acceptor else {
                return serve(stream, false, answer).await;
            };
            if let Some(stream) = tls::handshake(&acceptor, stream).await {
                let http2 = tls::chose_http2(&stream);
                serve(stream, http2, answer).await;
            }
        }
    });
}

/// Serves one connection until it ends. How it ends is for the client to find out.
pub(super) async fn serve<S, A, F>(stream: S, http2: bool, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>, Flushes) -> F,
    F: Future<Output = Response<Reply>> + Send + 'static,
{
    let flushes = Flushes::default();
    let stream = TokioIo::new(Counted::new(stream, flushes.clone()));
    let service = service_fn(|request| {
        let answer = answer(request, flushes.clone());
        async move { Ok::<_, Infallible>(answer.await) }
    });
    if http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .max_concurrent_streams(STREAMS_MAX);
        let _ = builder.serve_connection(stream, service).await;
        return;
    }
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX);
    let _ = builder.serve_connection(stream, service).await;
}
