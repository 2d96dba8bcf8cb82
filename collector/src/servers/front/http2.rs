//! HTTP/2 on a connection: many requests at once. Nothing can be upgraded here.
//!
//! Small answers must not wait behind large ones on the same connection: TLS is given one frame at a
//! time ([`Prompt`]), and a door that sends much keeps the kernel's queue short.
use super::body::{self, Body};
use super::connection::{self, HANDSHAKE_TIMEOUT, HEAD_MAX_BYTES, REQUESTS_MAX_TIME};
use super::listener::Shared;
use super::{Answer, Caller, FrontCounters, Stream, plain_text};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;
use tonle_net::prompt::Prompt;
use tonle_net::tasks::Tasks;

/// The name of HTTP/2 over TLS (RFC 9113, section 3.2).
pub(super) const ALPN: &[u8] = b"h2";
/// Most requests on one connection: a responsiveness test asks a hundred times a second.
const REQUESTS_MAX: usize = 10_000;
/// Most requests at once.
const CONCURRENT_MAX: u32 = 128;
/// What a client may send before we have read it: lines of 1 Gbit/s over 100 ms. What arrives is
/// read at once, so that it is never held.
const WINDOW_BYTES: u32 = 16 << 20;
/// What waits of one response before its body is asked for more.
const SEND_BUFFER_BYTES: usize = 64 << 10;

/// Answers the connection's requests until it ends.
pub(super) async fn speak<S>(
    shared: &Arc<Shared>,
    stream: S,
    caller: Caller,
    cancel: &CancellationToken,
) where
    S: Stream + 'static,
{
    let tasks = Tasks::default();
    let _ends_with_this = tasks.end_on_drop();
    let service = {
        let (shared, caller) = (Arc::clone(shared), Arc::new(caller));
        service_fn(move |request| {
            let (shared, caller) = (Arc::clone(&shared), Arc::clone(&caller));
            async move { Ok::<_, Infallible>(respond(&shared, request, &caller).await) }
        })
    };
    let serving = http2::Builder::new(tasks.clone())
        .timer(TokioTimer::new())
        .max_concurrent_streams(CONCURRENT_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_header_list_size(u32::try_from(HEAD_MAX_BYTES).expect("16 KiB fits"))
        .serve_connection(TokioIo::new(Prompt::new(stream)), service);
    let (mut serving, mut deadline) = (pin!(serving), pin!(sleep(REQUESTS_MAX_TIME)));
    let mut watch = interval(HANDSHAKE_TIMEOUT);
    watch.tick().await;
    let (mut begun_before, mut is_ending) = (0, false);
    loop {
        let served = tokio::select! {
            served = serving.as_mut() => Some(served),
            () = cancel.cancelled() => return,
            () = deadline.as_mut() => return,
            _ = watch.tick() => None,
        };
        if let Some(served) = served {
            if let Err(error) = served {
                FrontCounters::count(&shared.counters.broken_requests);
                tracing::debug!(%error, "servers: an HTTP/2 connection broke: {error}");
            }
            return;
        }
        let begun = tasks.begun();
        let is_idle = begun == begun_before && tasks.running() == 0;
        if is_idle && is_ending {
            return;
        }
        if is_idle || begun >= REQUESTS_MAX {
            is_ending = true;
            serving.as_mut().graceful_shutdown();
        }
        begun_before = begun;
    }
}

async fn respond(shared: &Shared, request: Request<Incoming>, caller: &Caller) -> Response<Body> {
    match connection::answer(shared, request, caller).await {
        Answer::Respond(response) => response,
        Answer::Upgrade(..) => {
            plain_text(StatusCode::BAD_REQUEST, "an upgrade needs HTTP/1.1").map(body::whole)
        }
    }
}
