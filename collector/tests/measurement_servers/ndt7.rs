//! ndt7.
use super::support::*;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tonle_collector::servers::ServersConfig;
use tonle_wire::ndt7::{Direction, Measurement, spec};

#[tokio::test]
async fn download_brings_load_measurements_and_pings_and_closes_with_1000() {
    let server = Fixture::start(short()).await;
    let mut socket = server.ndt7(DOWNLOAD).await;
    let own_address = socket.get_ref().local_addr().unwrap().to_string();
    let seen = read_to_end(&mut socket).await;
    assert_eq!(seen.close_code, Some(1000));
    let total: usize = seen.binary_sizes.iter().sum();
    let largest = seen.binary_sizes.iter().max().unwrap();
    assert!(*largest <= 1 << 20 && largest.is_power_of_two());
    assert_eq!(seen.binary_sizes[0], 1 << 13);
    let last = seen.measurements.last().unwrap();
    let tcp = last.tcp_info.unwrap();
    assert!(tcp.bytes_acked.unwrap() > 0 && tcp.elapsed_us.unwrap() > 0);
    assert!(tcp.known_min_rtt_us().is_some());
    assert_eq!(
        last.app_info.unwrap().num_bytes,
        Some(i64::try_from(total).unwrap())
    );
    assert_eq!(last.test.as_deref(), Some("download"));
    for measurement in &seen.measurements {
        let ends = measurement.connection_info.as_ref().unwrap();
        assert_eq!(ends.client, own_address);
        assert_eq!(ends.server, server.addr.to_string());
        let uuid = ends.uuid.as_deref().unwrap();
        assert!(uuid.contains("_unsafe_"), "{uuid}");
    }
    assert_eq!(seen.pings.len(), seen.measurements.len());
    for payload in &seen.pings {
        let nanos: i64 = std::str::from_utf8(payload).unwrap().parse().unwrap();
        assert!(nanos > 1_600_000_000_000_000_000);
    }
    let counters = server.stop().await;
    assert_eq!(counters.ndt7.downloads_started.load(Ordering::Relaxed), 1);
    assert_eq!(counters.ndt7.closed.load(Ordering::Relaxed), 1);
    assert_eq!(
        counters.ndt7.sent_bytes.load(Ordering::Relaxed),
        u64::try_from(total).unwrap()
    );
}

#[tokio::test]
async fn a_server_says_how_busy_it_was() {
    let lasts = Duration::from_millis(1_500); // measurements are at most 625 ms apart
    let server = Fixture::start(lasting(lasts, Duration::from_secs(20))).await;
    let seen = read_to_end(&mut server.ndt7(DOWNLOAD).await).await;
    let last = seen.measurements.last().unwrap().tonle.unwrap();
    assert!((0..=1_000_000).contains(&last.server_busy_ppm.unwrap()));
    server.stop().await;
}

#[tokio::test]
async fn upload_is_counted_by_the_server_and_never_answered_with_load() {
    let server = Fixture::start(short()).await;
    let (mut sink, mut stream) = server.ndt7(UPLOAD).await.split();
    let sending = tokio::spawn(async move {
        let message = Message::binary(vec![7; 1 << 13]);
        let mut sent = 0_i64;
        while sink.send(message.clone()).await.is_ok() {
            sent += 1 << 13;
        }
        sent
    });
    let mut measurements = Vec::new();
    let mut close_code = None;
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Text(text) => {
                measurements.push(Measurement::parse(text.as_bytes()).unwrap());
            }
            Message::Binary(_) => panic!("load on an upload"),
            Message::Close(frame) => close_code = frame.map(|frame| u16::from(frame.code)),
            _ => {}
        }
    }
    assert_eq!(close_code, Some(1000));
    let last = measurements.last().unwrap();
    let tcp = last.tcp_info.unwrap();
    let received = last.app_info.unwrap().num_bytes.unwrap();
    let sent = sending.await.unwrap();
    assert!(0 < received && received <= sent, "{received} of {sent}");
    assert!(tcp.bytes_received.unwrap() > 0 && tcp.elapsed_us.unwrap() > 0);
    server.stop().await;
}

#[tokio::test]
async fn messages_of_sixteen_mebibytes_are_accepted() {
    let server = Fixture::start(long()).await;
    let mut socket = server.ndt7(UPLOAD).await;
    let message = Message::binary(vec![0; spec::MESSAGE_ACCEPTED_MAX_BYTES]);
    socket.send(message).await.unwrap();
    let accepted = i64::try_from(spec::MESSAGE_ACCEPTED_MAX_BYTES).unwrap();
    loop {
        let message = socket.next().await.unwrap().unwrap();
        let Message::Text(text) = message else {
            continue;
        };
        let app = Measurement::parse(text.as_bytes())
            .unwrap()
            .app_info
            .unwrap();
        if app.num_bytes == Some(accepted) {
            break;
        }
    }
    socket.close(None).await.unwrap();
    let seen = read_to_end(&mut socket).await;
    assert!(seen.binary_sizes.is_empty());
    let counters = server.stop().await;
    assert_eq!(counters.ndt7.closed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn messages_above_sixteen_mebibytes_are_closed_with_1009() {
    let server = Fixture::start(long()).await;
    let mut stream = server.ndt7(UPLOAD).await.into_inner();
    let header = masked_header(spec::MESSAGE_ACCEPTED_MAX_BYTES as u64 + 1);
    stream.write_all(&header).await.unwrap();
    stream.write_all(&[0; 4096]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(close_code_of(&mut stream).await, Some(1009));
    let counters = server.stop().await;
    assert_eq!(counters.ndt7.broken_off.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn garbage_is_closed_with_1002_and_the_server_goes_on() {
    let server = Fixture::start(long()).await;
    for garbage in [&[0xff; 16][..], b"GET / HTTP/1.1\r\n\r\n", &[0x82, 1, 7]] {
        let mut stream = server.ndt7(UPLOAD).await.into_inner();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(close_code_of(&mut stream).await, Some(1002), "{garbage:?}");
    }
    server.ndt7(DOWNLOAD).await;
    server.stop().await;
}

#[tokio::test]
async fn load_from_the_client_of_a_download_is_closed_with_1003() {
    let server = Fixture::start(long()).await;
    let mut socket = server.ndt7(DOWNLOAD).await;
    socket.send(Message::binary(vec![1; 10])).await.unwrap();
    assert_eq!(read_to_end(&mut socket).await.close_code, Some(1003));
    server.stop().await;
}

#[tokio::test]
async fn a_ping_is_answered_between_load_messages() {
    let server = Fixture::start(short()).await;
    let mut socket = server.ndt7(DOWNLOAD).await;
    socket
        .send(Message::Ping(b"12".to_vec().into()))
        .await
        .unwrap();
    let seen = read_to_end(&mut socket).await;
    assert_eq!(seen.pongs, [b"12".to_vec()]);
    assert_eq!(seen.close_code, Some(1000));
    server.stop().await;
}

#[tokio::test]
async fn other_subprotocols_get_400_and_the_connection_closes() {
    let server = Fixture::start(long()).await;
    for protocol in [
        "",
        "Sec-WebSocket-Protocol: chat\r\n",
        "Sec-WebSocket-Protocol: net.measurementlab.ndt.v7, chat\r\n",
    ] {
        let answer = server.raw(&head(DOWNLOAD, protocol)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.to_lowercase().contains("connection: close"),
            "{answer}"
        );
    }
    let counters = server.stop().await;
    assert_eq!(counters.ndt7.refused_requests.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn bad_queries_get_400_in_both_directions() {
    let server = Fixture::start(long()).await;
    let long_query = format!("a={}", "x".repeat(4095));
    for direction in Direction::ALL {
        for query in ["early_exit=100", "early_exit", "a=%ff", &long_query] {
            let path = format!("{}?{query}", direction.path());
            let answer = server.raw(&head(&path, GOOD_PROTOCOL)).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        }
    }
    let unknown = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = server.raw(unknown).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let answer = server.raw("\x01\x02 nonsense\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let front = &server.counters.front;
    assert_eq!(front.unknown_paths.load(Ordering::Relaxed), 1);
    assert_eq!(front.broken_requests.load(Ordering::Relaxed), 1);
    server.stop().await;
}

#[tokio::test]
async fn early_exit_ends_a_download_that_has_its_bytes() {
    let server = Fixture::start(long()).await;
    let mut socket = server.ndt7(&format!("{DOWNLOAD}?early_exit=250")).await;
    let seen = read_to_end(&mut socket).await;
    assert_eq!(seen.close_code, Some(1000));
    let acked = seen.measurements.last().unwrap().tcp_info.unwrap();
    assert!(acked.bytes_acked.unwrap() >= 250_000_000);
    server.stop().await;
}

#[tokio::test]
async fn a_full_server_answers_503_and_a_greedy_source_429() {
    let server = Fixture::start(ServersConfig {
        max_downloads: 1,
        max_per_source: 2,
        ..long()
    })
    .await;
    let _download = server.ndt7(DOWNLOAD).await;
    let answer = server.raw(&head(DOWNLOAD, GOOD_PROTOCOL)).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let _upload = server.ndt7(UPLOAD).await;
    let answer = server.raw(&head(UPLOAD, GOOD_PROTOCOL)).await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    let counters = server.stop().await;
    assert_eq!(counters.ndt7.refused_overload.load(Ordering::Relaxed), 1);
    assert_eq!(counters.ndt7.refused_source.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_client_that_vanishes_ends_only_its_own_test() {
    let server = Fixture::start(long()).await;
    let mut socket = server.ndt7(DOWNLOAD).await;
    assert!(socket.next().await.unwrap().is_ok());
    drop(socket);
    let mut other = server.ndt7(UPLOAD).await;
    while !matches!(other.next().await, Some(Ok(Message::Text(_)))) {}
    drop(other);
    let counters = server.stop().await;
    assert_eq!(counters.ndt7.downloads_started.load(Ordering::Relaxed), 1);
    assert_eq!(counters.ndt7.uploads_started.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off() {
    let (nominal, hard_limit) = (Duration::from_millis(100), Duration::from_millis(400));
    let server = Fixture::start(lasting(nominal, hard_limit)).await;
    let socket = server.ndt7(DOWNLOAD).await;
    while server.counters.ndt7.broken_off.load(Ordering::Relaxed) == 0
        && server.counters.ndt7.closed.load(Ordering::Relaxed) == 0
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(socket);
    server.stop().await;
}

#[tokio::test]
async fn a_stopping_server_closes_running_tests_with_1001() {
    let server = Fixture::start(long()).await;
    let mut download = server.ndt7(DOWNLOAD).await;
    let mut upload = server.ndt7(UPLOAD).await;
    server.cancel.cancel();
    assert_eq!(read_to_end(&mut download).await.close_code, Some(1001));
    assert_eq!(read_to_end(&mut upload).await.close_code, Some(1001));
    server.stop().await;
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection_until_one_ends_it() {
    let server = Fixture::start(long()).await;
    let unknown = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
    let both = format!("{unknown}{}", head(DOWNLOAD, ""));
    let answer = server.raw(&both).await;
    assert_eq!(answer.matches("HTTP/1.1 404 ").count(), 1, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400 ").count(), 1, "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn one_port_speaks_ws_and_wss() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der());
    let tls = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.unwrap())
        .unwrap();
    let server = Fixture::start_with(short(), Some(Arc::new(tls))).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(client))
        .connect("localhost".try_into().unwrap(), server.tcp().await)
        .await
        .unwrap();
    let (mut secure, _) = client_async(request(DOWNLOAD, spec::SUBPROTOCOL), stream)
        .await
        .unwrap();
    let seen = read_to_end(&mut secure).await;
    assert_eq!(seen.close_code, Some(1000));
    assert!(!seen.binary_sizes.is_empty());
    let mut plain = server.ndt7(DOWNLOAD).await;
    assert_eq!(read_to_end(&mut plain).await.close_code, Some(1000));
    server.stop().await;
}
