//! A connection of HTTP for several requests: many at once over HTTP/2, one after the other over
//! HTTP/1.1. No step of its own: the caller times and records what it asks for.
//!
//! Nothing waits in our buffers: bytes go to TLS one frame at a time ([`Prompt`]), and the windows
//! of HTTP/2 are larger than any line that is measured, so that TCP alone decides the rate.
use crate::classify;
use crate::prompt::Prompt;
use crate::tasks::Tasks;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
pub use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::DropGuard;
use tonle_evidence::failure::Failure;
use url::{Position, Url};

pub use http_body_util::BodyExt;
pub use hyper::body::{Body, Bytes, Frame};

/// What the peer may send before we have read it: 100 Mbit/s over 300 ms, on each of up to sixteen
/// connections. A device that is slow to read holds no more.
const WINDOW_BYTES: u32 = 4 << 20;
/// What waits of one request before its content is asked for more.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Longest head of a response of a measurement server, bytes.
const HEAD_MAX_BYTES: usize = 16 << 10;
/// Longest head of a page, bytes.
const PAGE_HEAD_MAX_BYTES: usize = 64 << 10;

/// The content of a request.
pub type Content = UnsyncBoxBody<Bytes, io::Error>;

/// Content that is there as a whole.
pub fn whole(content: impl Into<Bytes>) -> Content {
    let content = Full::new(content.into());
    content.map_err(|never| match never {}).boxed_unsync()
}

/// An open connection. It closes when the last clone is dropped, whatever is still on its way.
#[derive(Clone)]
pub struct Channel {
    sender: Sender,
    headers: HeaderMap,
    _ends_with_this: Arc<DropGuard>,
}

#[derive(Clone)]
enum Sender {
    OneByOne(Arc<tokio::sync::Mutex<http1::SendRequest<Content>>>),
    Many(http2::SendRequest<Content>),
}

/// A response whose head has come.
#[derive(Debug)]
pub struct Received {
    /// Status code.
    pub status: u16,
    /// Whether its content is encoded, against our wish.
    pub is_encoded: bool,
    /// Its headers.
    pub headers: HeaderMap,
    incoming: Incoming,
}

impl Channel {
    /// Begins to speak to a measurement server on `stream`: HTTP/2 where `http2` was negotiated, else
    /// HTTP/1.1. `user_agent` is who we say we are.
    pub async fn open<S>(stream: S, http2: bool, user_agent: &'static str) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let name = HeaderValue::from_static(user_agent);
        let headers = HeaderMap::from_iter([(header::USER_AGENT, name)]);
        Self::begin(stream, http2, headers, HEAD_MAX_BYTES).await
    }

    /// As [`Channel::open`], to whoever serves a page: every request carries `headers`.
    pub async fn open_for_page<S>(
        stream: S,
        http2: bool,
        headers: HeaderMap,
    ) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::begin(stream, http2, headers, PAGE_HEAD_MAX_BYTES).await
    }

    async fn begin<S>(
        stream: S,
        http2: bool,
        mut headers: HeaderMap,
        head_max_bytes: usize,
    ) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let plain = HeaderValue::from_static("identity");
        headers.insert(header::ACCEPT_ENCODING, plain);
        let tasks = Tasks::default();
        let ends_with_this = Arc::new(tasks.end_on_drop());
        let io = TokioIo::new(Prompt::new(stream));
        let failed = |error: hyper::Error| classify::http_error(&error);
        let sender = if http2 {
            let (sender, connection) = http2::Builder::new(tasks.clone())
                .timer(TokioTimer::new())
                .initial_stream_window_size(WINDOW_BYTES)
                .initial_connection_window_size(WINDOW_BYTES)
                .max_send_buf_size(SEND_BUFFER_BYTES)
                .max_header_list_size(u32::try_from(head_max_bytes).unwrap_or(u32::MAX))
                .handshake(io)
                .await
                .map_err(failed)?;
            hyper::rt::Executor::execute(&tasks, connection);
            Sender::Many(sender)
        } else {
            let (sender, connection) = http1::Builder::new()
                .max_buf_size(head_max_bytes)
                .handshake(io)
                .await
                .map_err(failed)?;
            hyper::rt::Executor::execute(&tasks, connection);
            Sender::OneByOne(Arc::new(tokio::sync::Mutex::new(sender)))
        };
        Ok(Self {
            sender,
            headers,
            _ends_with_this: ends_with_this,
        })
    }

    /// Whether a request may go out while another is on its way.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.sender, Sender::Many(_))
    }

    /// Asks for an object and waits for the head of the response.
    pub async fn get(&self, url: &Url) -> Result<Received, Failure> {
        let nothing = Empty::new().map_err(|never| match never {});
        self.request(Method::GET, url, HeaderMap::new(), nothing.boxed_unsync())
            .await
    }

    /// Sends content and waits for the head of the response, which usually comes when all of the
    /// content has gone.
    pub async fn post(&self, url: &Url, content: Content) -> Result<Received, Failure> {
        self.request(Method::POST, url, HeaderMap::new(), content)
            .await
    }

    /// [`Channel::post`] with more headers.
    pub async fn post_with(
        &self,
        url: &Url,
        headers: HeaderMap,
        content: Content,
    ) -> Result<Received, Failure> {
        self.request(Method::POST, url, headers, content).await
    }

    async fn request(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        content: Content,
    ) -> Result<Received, Failure> {
        let mut request = self.message(method, url, content)?;
        request.headers_mut().extend(headers);
        let response = match &self.sender {
            Sender::OneByOne(sender) => sender.lock().await.send_request(request).await,
            Sender::Many(sender) => {
                let mut sender = sender.clone();
                sender
                    .ready()
                    .await
                    .map_err(|error| classify::http_error(&error))?;
                sender.send_request(request).await
            }
        };
        let response = response.map_err(|error| classify::http_error(&error))?;
        let (head, incoming) = response.into_parts();
        let encoding = head.headers.get(header::CONTENT_ENCODING);
        Ok(Received {
            status: head.status.as_u16(),
            is_encoded: encoding.is_some_and(|encoding| encoding != "identity"),
            headers: head.headers,
            incoming,
        })
    }

    fn message(
        &self,
        method: Method,
        url: &Url,
        content: Content,
    ) -> Result<Request<Content>, Failure> {
        let place = &url[Position::BeforeHost..Position::AfterPort];
        let path = &url[Position::BeforePath..Position::AfterQuery];
        let builder = Request::builder().method(method);
        let builder = if self.is_shared() {
            let whole = format!("{}://{place}{path}", url.scheme());
            builder.version(Version::HTTP_2).uri(whole)
        } else {
            builder.uri(path).header(header::HOST, place)
        };
        let mut request = builder
            .body(content)
            .map_err(|_| Failure::HttpRequestFailed)?;
        request.headers_mut().extend(self.headers.clone());
        Ok(request)
    }
}

impl Received {
    /// The next bytes of the content; nothing at its end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        loop {
            match self.incoming.frame().await? {
                Ok(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
                Err(error) => return Some(Err(classify::http_error(&error))),
            }
        }
    }

    /// The whole content, of at most `max_bytes`; longer is [`Failure::HttpRequestFailed`].
    pub async fn whole(mut self, max_bytes: usize) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if content.len() + piece.len() > max_bytes {
                return Err(Failure::HttpRequestFailed);
            }
            content.extend_from_slice(&piece);
        }
        Ok(content)
    }
}
