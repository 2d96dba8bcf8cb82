//! throughput1.
use super::support::{Fixture, as_the_kernel_likes};
use futures_util::{SinkExt, StreamExt};
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tonle_wire::throughput1::WireMeasurement;

/// What a stock client saw of a stream.
#[derive(Default)]
struct Seen {
    measurements: Vec<WireMeasurement>,
    texts: Vec<String>,
    binary_sizes: Vec<usize>,
    close: Option<(u16, String)>,
}

impl Seen {
    fn text_bytes(&self) -> usize {
        self.texts.iter().map(String::len).sum()
    }

    fn load_bytes(&self) -> usize {
        self.binary_sizes.iter().sum()
    }
}

async fn read_to_end(socket: &mut WebSocketStream<TcpStream>) -> Seen {
    let mut seen = Seen::default();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => {
                seen.measurements
                    .push(WireMeasurement::parse(text.as_bytes()).unwrap());
                seen.texts.push(text.to_string());
            }
            Message::Binary(bytes) => seen.binary_sizes.push(bytes.len()),
            Message::Close(frame) => {
                seen.close = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
            }
            other => panic!("stock servers send no {other:?}"),
        }
    }
    seen
}

#[tokio::test]
async fn a_download_lasts_as_asked_and_ends_with_a_measurement_and_close_1000() {
    let server = Fixture::start(as_the_kernel_likes()).await;
    let mut socket = server
        .throughput1("download?streams=1&mid=a&duration=700")
        .await
        .unwrap();
    let own_address = socket.get_ref().local_addr().unwrap().to_string();
    let seen = read_to_end(&mut socket).await;
    assert_eq!(seen.close, Some((1000, "Done sending".to_owned())));
    assert_eq!(seen.binary_sizes[0], 1 << 10);
    let largest = *seen.binary_sizes.iter().max().unwrap();
    assert!(largest <= 1 << 20 && largest.is_power_of_two());
    let (first, last) = (&seen.measurements[0], seen.measurements.last().unwrap());
    assert_eq!(first.remote_addr, own_address);
    assert!(!first.congestion_control.is_empty());
    assert!(last.congestion_control.is_empty() && last.remote_addr.is_empty());
    let before_last = seen.load_bytes() + seen.text_bytes() - seen.texts.last().unwrap().len();
    assert_eq!(
        last.application.sent(),
        before_last as u64,
        "text counts too"
    );
    assert!(last.network.sent() >= before_last as u64);
    assert!(last.elapsed_us >= 700_000);
    assert!(last.tcp_info.is_some() && last.bbr_info.is_some());
    server.stop().await;
}

#[tokio::test]
async fn a_byte_limit_ends_a_download_exactly_there_but_for_the_last_measurement() {
    let server = Fixture::start(as_the_kernel_likes()).await;
    let path = "download?streams=1&mid=a&duration=20000&bytes=150000";
    let seen = read_to_end(&mut server.throughput1(path).await.unwrap()).await;
    assert_eq!(seen.close.as_ref().map(|(code, _)| *code), Some(1000));
    let last_text = seen.texts.last().unwrap().len();
    assert_eq!(seen.load_bytes() + seen.text_bytes() - last_text, 150_000);
    server.stop().await;
}

#[tokio::test]
async fn an_upload_is_counted_and_ended_at_its_limit() {
    let server = Fixture::start(as_the_kernel_likes()).await;
    let path = "upload?streams=1&mid=a&duration=20000&bytes=500000";
    let mut socket = server.throughput1(path).await.unwrap();
    for _ in 0..500 {
        socket.send(Message::binary(vec![7; 1000])).await.unwrap();
    }
    let seen = read_to_end(&mut socket).await;
    assert_eq!(seen.close.as_ref().map(|(code, _)| *code), Some(1000));
    assert!(seen.binary_sizes.is_empty());
    let last = seen.measurements.last().unwrap();
    assert_eq!(last.application.received(), 500_000);
    assert!(last.network.received() >= 500_000);
    let counters = server.stop().await;
    assert_eq!(
        counters.throughput1.received_bytes.load(Ordering::Relaxed),
        500_000
    );
    assert_eq!(counters.throughput1.closed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn binary_in_the_wrong_direction_is_counted_and_not_fatal() {
    let server = Fixture::start(as_the_kernel_likes()).await;
    let mut socket = server
        .throughput1("download?streams=1&mid=a&duration=700")
        .await
        .unwrap();
    socket.send(Message::binary(vec![7; 1000])).await.unwrap();
    socket.send(Message::text("no measurement")).await.unwrap();
    let seen = read_to_end(&mut socket).await;
    assert_eq!(seen.close.as_ref().map(|(code, _)| *code), Some(1000));
    assert_eq!(
        seen.measurements.last().unwrap().application.received(),
        1014
    );
    server.stop().await;
}

#[tokio::test]
async fn four_streams_of_one_measurement_run_at_once() {
    let server = Fixture::start(as_the_kernel_likes()).await;
    let path = "download?streams=4&mid=abc&duration=600";
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(server.throughput1(path).await.unwrap());
    }
    for socket in &mut sockets {
        let seen = read_to_end(socket).await;
        assert_eq!(seen.close.as_ref().map(|(code, _)| *code), Some(1000));
        assert!(seen.load_bytes() > 0);
    }
    let counters = server.stop().await;
    assert_eq!(
        counters
            .throughput1
            .downloads_started
            .load(Ordering::Relaxed),
        4
    );
}

#[tokio::test]
async fn bad_requests_get_400_before_the_upgrade() {
    let server = Fixture::start(as_the_kernel_likes()).await;
    for bad in [
        "download?mid=a",
        "upload?streams=2",
        "download?streams=1&mid=a&bytes=x",
    ] {
        let Err(Error::Http(response)) = server.throughput1(bad).await else {
            panic!("{bad} was upgraded");
        };
        assert_eq!(response.status(), 400, "{bad}");
    }
    let counters = server.stop().await;
    assert_eq!(
        counters
            .throughput1
            .refused_requests
            .load(Ordering::Relaxed),
        3
    );
}

#[tokio::test]
async fn a_client_that_vanishes_or_breaks_the_framing_ends_its_stream_only() {
    let server = Fixture::start(as_the_kernel_likes()).await;
    let path = "upload?streams=1&mid=a&duration=20000";
    drop(server.throughput1(path).await.unwrap());
    let mut rude = server.throughput1(path).await.unwrap().into_inner();
    // An unmasked frame of more than any message may have.
    rude.write_all(&[0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0])
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = rude.read_to_end(&mut answer).await;
    let close_1002 = [0x88, 2, 0x03, 0xea];
    assert!(answer.windows(4).any(|bytes| bytes == close_1002));
    let good = read_to_end(
        &mut server
            .throughput1("download?streams=1&mid=a&duration=300")
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(good.close.as_ref().map(|(code, _)| *code), Some(1000));
    let counters = server.stop().await;
    assert_eq!(counters.throughput1.broken_off.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_server_that_stops_says_so_to_its_streams() {
    let server = Fixture::start(as_the_kernel_likes()).await;
    let mut socket = server
        .throughput1("upload?streams=1&mid=a&duration=20000")
        .await
        .unwrap();
    server.cancel.cancel();
    let seen = read_to_end(&mut socket).await;
    assert_eq!(seen.close.as_ref().map(|(code, _)| *code), Some(1001));
    server.stop().await;
}
