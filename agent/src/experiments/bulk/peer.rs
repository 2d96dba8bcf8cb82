//! A scripted server for the tests of both protocols, on an independent WebSocket implementation's
//! server side.
#![expect(
    clippy::result_large_err,
    reason = "the type that tungstenite's callback has"
)]
use futures_util::StreamExt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Error;
pub(in crate::experiments) use tokio_tungstenite::tungstenite::handshake::server::Request;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

pub(in crate::experiments) type PeerSocket = WebSocketStream<TcpStream>;

/// Serves connections side by side with `script`, for as long as the test runs. `read` takes from
/// each request what the script needs to know of it.
pub(in crate::experiments) async fn start<A, S, F>(
    subprotocol: &'static str,
    read: fn(&Request) -> A,
    script: S,
) -> SocketAddr
where
    A: Send + 'static,
    S: Fn(A, PeerSocket) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let script = Arc::new(script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = Arc::clone(&script);
            tokio::spawn(async move {
                if let Ok((asked, socket)) = accept(stream, subprotocol, read).await {
                    script(asked, socket).await;
                }
            });
        }
    });
    addr
}

/// Answers every request with `status` in place of the upgrade, or upgrades without choosing the
/// subprotocol when there is none.
pub(in crate::experiments) async fn start_refusing(status: Option<StatusCode>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ =
                accept_hdr_async(stream, |_: &Request, response| answer(status, response)).await;
        }
    });
    addr
}

fn answer(status: Option<StatusCode>, response: Response) -> Result<Response, ErrorResponse> {
    let Some(status) = status else {
        return Ok(response);
    };
    let mut refusal = ErrorResponse::new(None);
    *refusal.status_mut() = status;
    Err(refusal)
}

async fn accept<A>(
    stream: TcpStream,
    subprotocol: &'static str,
    read: fn(&Request) -> A,
) -> Result<(A, PeerSocket), Error> {
    let mut asked = None;
    let socket = accept_hdr_async(stream, |request: &Request, mut response: Response| {
        assert_eq!(request.headers()["sec-websocket-protocol"], subprotocol);
        assert!(request.headers().contains_key("user-agent"));
        asked = Some(read(request));
        let chosen = HeaderValue::from_static(subprotocol);
        let headers = response.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", chosen);
        Ok(response)
    })
    .await?;
    Ok((asked.expect("the request was read"), socket))
}

/// Says Close 1000 and reads until the client has closed.
pub(in crate::experiments) async fn close(mut socket: PeerSocket) -> Result<(), Error> {
    let done = CloseFrame {
        code: 1000.into(),
        reason: "Done sending".into(),
    };
    socket.close(Some(done)).await?;
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}

/// Reads what comes until the client leaves.
pub(in crate::experiments) async fn listen(mut socket: PeerSocket) {
    while let Some(Ok(_)) = socket.next().await {}
}
