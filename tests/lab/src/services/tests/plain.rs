//! Plain TCP and UDP servers.
use super::bench;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

const SERVICES: &str = r#"
[[service]]
host = "server"
kind = "tcp"
port = 5001
does = "echo"
[[service]]
host = "server"
kind = "tcp"
port = 5002
does = "discard"
[[service]]
host = "server"
kind = "tcp"
port = 5003
does = "silent"
[[service]]
host = "server"
kind = "tcp"
port = 5004
does = "reset"
[[service]]
host = "server"
kind = "udp_echo"
port = 5001
"#;

#[tokio::test]
async fn echo_sends_everything_back_and_then_ends() {
    let bench = bench(1, SERVICES).await;
    let mut stream = bench.connect(5001).await;
    stream.write_all(b"to and fro").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, b"to and fro");
}

#[tokio::test]
async fn reset_resets_and_discard_ends_in_order() {
    let bench = bench(2, SERVICES).await;
    let mut stream = bench.connect(5004).await;
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let mut stream = bench.connect(5002).await;
    stream.write_all(&vec![7; 100_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn silent_accepts_and_ends_only_with_the_services() {
    let bench = bench(3, SERVICES).await;
    let mut stream = bench.connect(5003).await;
    bench.running.stop().await;
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn udp_comes_back_as_it_went() {
    let bench = bench(4, SERVICES).await;
    let socket = UdpSocket::bind((bench.address, 0)).await.unwrap();
    socket.send_to(b"there", bench.at(5001)).await.unwrap();
    let mut buffer = [0; 64];
    let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
    assert_eq!((&buffer[..length], from), (&b"there"[..], bench.at(5001)));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_service() {
    let taken = bench(5, SERVICES).await;
    let error = super::try_bench(5, SERVICES).await.err().unwrap();
    let text = error.to_string();
    let expected = format!(
        "service[0] (tcp on server): cannot listen on {}",
        taken.at(5001)
    );
    assert!(text.starts_with(&expected), "{text}");
}
