//! The echo: what reached the server comes back, and no more than that.
use super::support::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonle_collector::servers::{Servers, ServersConfig, Surroundings};
use tonle_wire::echo;

#[tokio::test]
async fn a_request_comes_back_as_it_reached_the_server_with_its_spelling() {
    let server = Fixture::start(short()).await;
    let head = "GET /tonle-echo/7 HTTP/1.1\r\nhOsT: blocked.test\r\nx-tWo: 1\r\nX-Two:  2\r\n\r\n";
    let answer = server.raw(head).await;
    assert_eq!(echo::echoed(answer.as_bytes()), Some(head.as_bytes()));
    assert!(answer.len() <= head.len() + echo::EXTRA_MAX_BYTES);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_request_comes_back_as_it_is_also_in_pieces() {
    let server = Fixture::start(short()).await;
    let mut stream = server.tcp().await;
    let line = b"XYZW /tonle-echo/7 HTTP/1.1\n\r";
    for piece in line.chunks(7) {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, line);
    server.stop().await;
}

#[tokio::test]
async fn nothing_longer_than_allowed_comes_back() {
    let server = Fixture::start(short()).await;
    let filler = "x".repeat(echo::REQUEST_MAX_BYTES);
    let bytes = server.raw(&format!("a b /tonle-echo/7\r\n{filler}")).await;
    assert_eq!(bytes.len(), echo::REQUEST_MAX_BYTES);
    let head = format!("GET /tonle-echo/7 HTTP/1.1\r\nx: {filler}\r\n\r\n");
    let mut stream = server.tcp().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The rest of what is too long is not read, so the connection may end by a reset.
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");
    server.stop().await;
}

#[tokio::test]
async fn all_other_requests_go_to_http() {
    let server = Fixture::start(short()).await;
    let close = "Host: m\r\nConnection: close\r\n\r\n";
    let answer = server.raw(&format!("GET /none HTTP/1.1\r\n{close}")).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let answer = server.raw(&format!("A B C D\r\n{close}")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_source_that_asks_too_often_is_told_so() {
    let server = Fixture::start(short()).await;
    let head = "GET /tonle-echo/7 HTTP/1.1\r\n\r\n";
    let mut is_busy = false;
    for _ in 0..2_000 {
        is_busy = echo::is_busy(server.raw(head).await.as_bytes());
        if is_busy {
            break;
        }
    }
    assert!(is_busy, "two thousand echoes were given in a row");
    server.stop().await;
}

#[tokio::test]
async fn an_operators_own_proxy_and_a_server_without_echo_get_none() {
    let proxied = Surroundings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..Surroundings::default()
    };
    let off = ServersConfig {
        echo: false,
        ..short()
    };
    for (config, surroundings) in [(short(), proxied), (off, Surroundings::default())] {
        let config = ServersConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..config
        };
        let servers = Servers::bind(&config, None, surroundings).await.unwrap();
        let server = Fixture::serving(servers);
        let answer = server
            .raw("GET /tonle-echo/7 HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n")
            .await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        server.stop().await;
    }
}
