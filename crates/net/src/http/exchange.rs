//! One request and its response on a stream: HTTP/1.1 or HTTP/2, bounded in time and bytes.
use super::{ACCEPT, ACCEPT_LANGUAGE, Get, Limits, USER_AGENT};
use crate::classify;
use crate::step::Step;
use crate::tasks::Tasks;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{self, HeaderMap};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_wire::ticker::Ticker;
use url::Position;

/// Most headers of a response.
pub(super) const HEADERS_MAX: usize = 100;
/// Longest head of a response, bytes.
pub const HEAD_MAX_BYTES: usize = 64 << 10;
/// What may have been read of a body beyond its limit when that ends it, bytes: one buffer on its
/// way to us and one that is being filled.
pub const READ_AHEAD_BYTES: usize = 2 * HEAD_MAX_BYTES;
/// What an HTTP/2 server may send of a body before we have read it.
const WINDOW_BYTES: u32 = 64 << 10;
/// When a transfer is looked at: memoryless, 250 ms on average (OONI Web Connectivity 0.5).
const PROGRESS: Ticker = Ticker {
    mean_us: 250_000,
    min_us: 25_000,
    max_us: 650_000,
};

/// A response as far as it came.
pub(super) struct Arrival {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) first_byte_us: i64,
    pub(super) body: Vec<u8>,
    pub(super) truncated: bool,
    pub(super) broken: Option<Failure>,
    /// (microseconds since the request, bytes of the body so far).
    pub(super) progress: Vec<(i64, u64)>,
}

/// Sends the request and receives what comes.
pub(super) async fn exchange<S>(
    step: &mut Step,
    stream: S,
    get: &Get<'_>,
    started: Instant,
    limits: &Limits,
) -> Result<Arrival, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = request(get)?;
    let io = TokioIo::new(stream);
    let failed = |error: hyper::Error| classify::http_error(&error);
    if get.http2 {
        let tasks = Tasks::default();
        let _ends_with_this = tasks.end_on_drop();
        let (mut sender, connection) = http2::Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_header_list_size(u32::try_from(HEAD_MAX_BYTES).unwrap_or(u32::MAX))
            .handshake(io)
            .await
            .map_err(failed)?;
        let sent = async move { sender.send_request(request).await };
        return until_broken(receive(step, sent, started, limits), connection).await;
    }
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_MAX_BYTES)
        .max_headers(HEADERS_MAX)
        // As browsers write them: middleboxes look for `Host: `.
        .title_case_headers(true)
        .handshake(io)
        .await
        .map_err(failed)?;
    let sent = async move { sender.send_request(request).await };
    until_broken(receive(step, sent, started, limits), connection).await
}

/// Drives the connection beside the exchange. Whatever ends the connection also ends the exchange,
/// which then says why.
async fn until_broken(
    exchanging: impl Future<Output = Result<Arrival, Failure>>,
    connection: impl Future<Output = hyper::Result<()>>,
) -> Result<Arrival, Failure> {
    let driver = async {
        let _ = connection.await;
        std::future::pending().await
    };
    tokio::select! {
        exchanged = exchanging => exchanged,
        never = driver => never,
    }
}

fn request(get: &Get<'_>) -> Result<Request<Empty<Bytes>>, Failure> {
    let url = get.url;
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let request = if get.http2 {
        let whole = format!("{}://{host}{path}", url.scheme());
        Request::get(whole).version(hyper::Version::HTTP_2)
    } else {
        Request::get(path)
            .header(header::HOST, host)
            .header(header::CONNECTION, "close")
    };
    let mut request = request
        .header(header::USER_AGENT, get.program.unwrap_or(USER_AGENT))
        .header(header::ACCEPT, ACCEPT)
        .header(header::ACCEPT_LANGUAGE, ACCEPT_LANGUAGE)
        .header(header::ACCEPT_ENCODING, "identity");
    for (name, value) in [
        (header::COOKIE, get.cookies),
        (header::REFERER, get.referer),
    ] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    request
        .body(Empty::new())
        .map_err(|_| Failure::HttpRequestFailed)
}

async fn receive(
    step: &mut Step,
    sent: impl Future<Output = hyper::Result<Response<Incoming>>>,
    started: Instant,
    limits: &Limits,
) -> Result<Arrival, Failure> {
    let response = timeout_at(started + limits.head, sent)
        .await
        .map_err(|_| Failure::GenericTimeout)?
        .map_err(|error| classify::http_error(&error))?;
    let (head, mut incoming) = response.into_parts();
    let mut arrival = Arrival {
        status: head.status.as_u16(),
        headers: head.headers,
        first_byte_us: step.elapsed_us(),
        body: Vec::new(),
        truncated: false,
        broken: None,
        progress: Vec::new(),
    };
    let deadline = started + limits.whole;
    let mut look_at = Instant::now() + wait();
    loop {
        let frame = tokio::select! {
            biased;
            () = sleep_until(look_at), if limits.notes_progress => {
                arrival.progress.push((step.elapsed_us(), arrival.body.len() as u64));
                look_at = Instant::now() + wait();
                if Instant::now() < deadline {
                    continue;
                }
                arrival.broken = Some(Failure::GenericTimeout);
                break;
            }
            frame = timeout_at(deadline, incoming.frame()) => frame,
        };
        match frame {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if !arrival.take(step, &data, limits.body_max_bytes) {
                    break;
                }
            }
            Ok(Some(Err(error))) => {
                arrival.broken = Some(classify::http_error(&error));
                break;
            }
            Err(_) => {
                arrival.broken = Some(Failure::GenericTimeout);
                break;
            }
        }
    }
    Ok(arrival)
}

fn wait() -> Duration {
    let wait_us = PROGRESS.wait_us(rand::random());
    Duration::from_micros(wait_us.unsigned_abs())
}

impl Arrival {
    /// Takes bytes of the body; false when it is as long as it may be.
    fn take(&mut self, step: &Step, data: &[u8], body_max_bytes: usize) -> bool {
        if self.body.is_empty() {
            self.first_byte_us = step.elapsed_us();
        }
        let room = body_max_bytes - self.body.len();
        self.body.extend_from_slice(&data[..data.len().min(room)]);
        self.truncated = data.len() > room;
        !self.truncated
    }
}
