//! A scripted ndt7 server for the tests, on an independent WebSocket implementation's server side.
#![expect(
    clippy::result_large_err,
    reason = "the type that tungstenite's callback has"
)]
use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::spec::SUBPROTOCOL;
use tonle_wire::ndt7::{AppInfo, Direction, Measurement, TcpInfo};

pub(super) type PeerSocket = WebSocketStream<TcpStream>;

/// What a peer says of every test, so that results can be compared to the digit.
pub(super) const RECEIVED_BYTES: i64 = 62_500;
pub(super) const ELAPSED_US: i64 = 1_000_000;

/// Serves connections one after the other with `script`, for as long as the test runs.
pub(super) async fn start<S, F>(script: S) -> SocketAddr
where
    S: Fn(Direction, PeerSocket) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok((direction, socket)) = accept(stream).await {
                script(direction, socket).await;
            }
        }
    });
    addr
}

/// Answers every request with `status` in place of the upgrade, or upgrades without choosing the
/// subprotocol when there is none.
pub(super) async fn start_refusing(status: Option<StatusCode>) -> SocketAddr {
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

async fn accept(stream: TcpStream) -> Result<(Direction, PeerSocket), Error> {
    let mut direction = None;
    let socket = accept_hdr_async(stream, |request: &Request, mut response: Response| {
        assert_eq!(request.headers()["sec-websocket-protocol"], SUBPROTOCOL);
        assert!(request.headers().contains_key("user-agent"));
        direction = Direction::from_path(request.uri().path());
        let chosen = HeaderValue::from_static(SUBPROTOCOL);
        response
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", chosen);
        Ok(response)
    })
    .await?;
    Ok((direction.expect("a path of ndt7"), socket))
}

/// What a peer sends as its counters.
pub(super) fn measurement() -> Message {
    let measurement = Measurement {
        app_info: Some(AppInfo {
            elapsed_us: Some(ELAPSED_US),
            num_bytes: Some(7),
        }),
        tcp_info: Some(TcpInfo {
            bytes_received: Some(RECEIVED_BYTES),
            elapsed_us: Some(ELAPSED_US),
            bytes_sent: Some(1_000_000),
            bytes_retrans: Some(2_000),
            min_rtt_us: Some(4_000),
            ..TcpInfo::default()
        }),
        ..Measurement::default()
    };
    Message::text(measurement.to_json())
}

/// A well-behaved server whose tests take `length_us`: load and measurements on a download,
/// measurements on an upload that is read slowly, then Close 1000.
pub(super) async fn behave(
    direction: Direction,
    mut socket: PeerSocket,
    length_us: i64,
) -> Result<(), Error> {
    let clock = Stopwatch::start();
    while clock.elapsed_us() < length_us {
        socket.send(measurement()).await?;
        socket.send(Message::Ping(b"17".to_vec().into())).await?;
        match direction {
            Direction::Download => {
                socket.send(Message::binary(vec![1; 1 << 13])).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Direction::Upload => {
                tokio::time::sleep(Duration::from_millis(5)).await;
                match socket.next().await {
                    Some(Ok(Message::Pong(payload))) => assert_eq!(&payload[..], b"17"),
                    Some(Ok(_)) => {}
                    _ => return Ok(()),
                }
            }
        }
    }
    let frame = CloseFrame {
        code: 1000.into(),
        reason: "done".into(),
    };
    socket.send(Message::Close(Some(frame))).await?;
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}
