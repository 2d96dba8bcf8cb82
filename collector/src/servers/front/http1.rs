//! HTTP/1.1 on a connection: requests one after the other, and what follows an upgrade.
use super::body::{self, Body};
use super::connection::{self, HANDSHAKE_TIMEOUT, HEAD_MAX_BYTES, REQUESTS_MAX_TIME};
use super::listener::Shared;
use super::{Answer, Caller, Conversation, FrontCounters, Stream, Upgraded};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Most requests on one connection; the last answer tells the client to close.
const REQUESTS_MAX: usize = 100;

/// What a request that was granted an upgrade leaves behind.
struct Granted {
    upgrade: OnUpgrade,
    conversation: Conversation,
}

/// HTTP on an open stream, then the conversation if one is granted.
pub(super) async fn speak<S>(shared: &Shared, stream: S, caller: Caller, cancel: &CancellationToken)
where
    S: Stream + 'static,
{
    let answering = timeout(
        REQUESTS_MAX_TIME,
        answer_requests(shared, stream, &caller, cancel),
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
        kernel: caller.kernel,
        cancel: cancel.clone(),
    };
    (granted.conversation)(upgraded).await;
}

/// Answers the connection's requests until it ends or one is granted an upgrade.
async fn answer_requests<S>(
    shared: &Shared,
    stream: S,
    caller: &Caller,
    cancel: &CancellationToken,
) -> Option<Granted>
where
    S: Stream + 'static,
{
    let granted = Mutex::new(None);
    let answered = AtomicUsize::new(0);
    let service = service_fn(async |request| {
        let mut response = respond(shared, request, caller, &granted).await;
        let is_last = answered.fetch_add(1, Ordering::Relaxed) + 1 >= REQUESTS_MAX;
        if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok::<_, Infallible>(response)
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

/// The answer to one request; an upgrade that it grants is left in `granted`.
async fn respond(
    shared: &Shared,
    mut request: Request<Incoming>,
    caller: &Caller,
    granted: &Mutex<Option<Granted>>,
) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    match connection::answer(shared, request, caller).await {
        Answer::Respond(response) => response,
        Answer::Upgrade(response, conversation) => {
            *granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Granted {
                upgrade,
                conversation,
            });
            response.map(body::whole)
        }
    }
}
