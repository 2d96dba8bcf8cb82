//! The WebSocket handshake step: one upgrade on a stream that the caller opened. After it the
//! caller holds the plain stream of messages; nothing is retried, hidden or buffered behind it.
//!
//! Operation `websocket_handshake`, subject the URL. Detail: `status`, the HTTP status when it was
//! not 101. Extensions are never offered. Pings are answered with their own payload while the
//! caller reads, as RFC 6455 asks.
use crate::classify;
use crate::clock::Stopwatch;
use crate::scrub;
use crate::step::{Seen, Step};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tonle_evidence::failure::Failure;
use url::Url;

pub use tokio_tungstenite::WebSocketStream;
pub use tokio_tungstenite::tungstenite::protocol::CloseFrame;
pub use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// What the caller wants of a handshake.
#[derive(Debug, Clone, Copy)]
pub struct Upgrade<'a> {
    /// Where to, `ws` or `wss`; the stream already speaks TLS in the second case.
    pub url: &'a Url,
    /// The one subprotocol offered; the server must choose it.
    pub subprotocol: &'a str,
    /// Who we say we are.
    pub user_agent: &'a str,
    /// Largest message accepted later, bytes.
    pub message_max_bytes: usize,
    /// Longest wait.
    pub timeout: Duration,
    /// Whether a server sent us there, so that the query may not be written.
    pub is_foreign: bool,
}

/// Turns `stream` into a WebSocket.
pub async fn upgrade<S>(
    clock: &Stopwatch,
    stream: S,
    wanted: Upgrade<'_>,
) -> Seen<WebSocketStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let subject = if wanted.is_foreign {
        scrub::foreign_url(wanted.url)
    } else {
        scrub::url(wanted.url)
    };
    let mut step = Step::start(clock, "websocket_handshake", subject);
    let request = match request(&wanted) {
        Ok(request) => request,
        Err(error) => return (step.fail(failure(&error)), None),
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(wanted.message_max_bytes))
        .max_frame_size(Some(wanted.message_max_bytes));
    let handshake = client_async_with_config(request, stream, Some(config));
    let shaken = tokio::time::timeout(wanted.timeout, handshake).await;
    step.result_known();
    match shaken {
        Ok(Ok((socket, _))) => (step.succeed(), Some(socket)),
        Ok(Err(error)) => {
            if let Error::Http(response) = &error {
                step.fact("status", response.status().as_u16());
            }
            (step.fail(failure(&error)), None)
        }
        Err(_) => (step.fail(Failure::GenericTimeout), None),
    }
}

fn request(wanted: &Upgrade<'_>) -> Result<Request, Error> {
    let mut request = wanted.url.as_str().into_client_request()?;
    let text =
        |value: &str| HeaderValue::from_str(value).map_err(|error| Error::HttpFormat(error.into()));
    let headers = request.headers_mut();
    headers.insert("Sec-WebSocket-Protocol", text(wanted.subprotocol)?);
    headers.insert("User-Agent", text(wanted.user_agent)?);
    Ok(request)
}

/// The failure behind an error of a WebSocket.
#[must_use]
pub fn failure(error: &Error) -> Failure {
    match error {
        Error::Io(error) => classify::io_error(error),
        Error::ConnectionClosed | Error::AlreadyClosed => Failure::ConnectionAlreadyClosed,
        Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete,
        ) => Failure::Eof,
        Error::Http(_) => Failure::HttpUnexpectedStatusCode,
        _ => Failure::HttpRequestFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const KEY_OF_NO_REQUEST: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    /// A server that answers every request head with `answer` and closes.
    async fn answer(mut far: DuplexStream, answer: String) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(far.read_u8().await.unwrap());
        }
        far.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(head).unwrap()
    }

    async fn shake(response: &str) -> (Seen<WebSocketStream<DuplexStream>>, String) {
        let (near, far) = duplex(4096);
        let url = Url::parse("ws://ndt.example.org/ndt/v7/download?a=b").unwrap();
        let wanted = Upgrade {
            url: &url,
            subprotocol: "net.example.v1",
            user_agent: "tonle/0",
            message_max_bytes: 1 << 20,
            timeout: Duration::from_secs(30),
            is_foreign: false,
        };
        let clock = Stopwatch::start();
        tokio::join!(
            upgrade(&clock, near, wanted),
            answer(far, response.to_owned())
        )
    }

    #[tokio::test]
    async fn the_request_offers_one_subprotocol_and_no_extension() {
        let (_, head) = shake("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert!(head.starts_with("GET /ndt/v7/download?a=b HTTP/1.1\r\n"));
        let lower = head.to_lowercase();
        assert!(lower.contains("sec-websocket-protocol: net.example.v1\r\n"));
        assert!(lower.contains("user-agent: tonle/0\r\n"));
        assert!(!lower.contains("extensions"));
    }

    #[tokio::test]
    async fn another_status_is_a_failure_with_its_number() {
        let ((seen, socket), _) = shake("HTTP/1.1 503 Service Unavailable\r\n\r\n").await;
        assert!(socket.is_none());
        assert_eq!(seen.failure, Some(Failure::HttpUnexpectedStatusCode));
        assert_eq!(seen.detail["status"], 503);
    }

    #[tokio::test]
    async fn a_server_that_proves_nothing_is_refused() {
        let forged = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {KEY_OF_NO_REQUEST}\r\n\r\n"
        );
        let ((seen, socket), _) = shake(&forged).await;
        assert!(socket.is_none());
        assert_eq!(seen.failure, Some(Failure::HttpRequestFailed));
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_is_eof() {
        let ((seen, _), _) = shake("").await;
        assert_eq!(seen.failure, Some(Failure::Eof));
    }
}
