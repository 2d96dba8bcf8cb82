//! A scripted ndt7 server for the tests.
use crate::experiments::bulk::peer::{self, PeerSocket};
use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Error, Message};
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::spec::SUBPROTOCOL;
use tonle_wire::ndt7::{AppInfo, Direction, Measurement, TcpInfo};

/// What a peer says of every test, so that results can be compared to the digit.
pub(super) const RECEIVED_BYTES: i64 = 62_500;
pub(super) const ELAPSED_US: i64 = 1_000_000;

/// Serves tests with `script`, for as long as the test runs.
pub(super) async fn start<S, F>(script: S) -> SocketAddr
where
    S: Fn(Direction, PeerSocket) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let read = |request: &peer::Request| {
        Direction::from_path(request.uri().path()).expect("a path of ndt7")
    };
    peer::start(SUBPROTOCOL, read, script).await
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
    peer::close(socket).await
}
