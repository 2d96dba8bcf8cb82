//! Nobody gets more than his share, and nobody is asked more than his.
use crate::support::*;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonle_collector::servers::{ControlConfig, ServersConfig};

/// A site that takes connections and says nothing; it ends with the test.
async fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    port
}

/// Leaves a question open at a control; it stays so while what this returns lives.
async fn occupy(control: &Fixture, url: &str) -> TcpStream {
    let body = question(url, &[]);
    let length = body.len();
    let request =
        format!("POST /control HTTP/1.1\r\nHost: c\r\nContent-Length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(control.addr).await.unwrap();
    let before = control.counters.in_progress.load(Ordering::Relaxed);
    stream.write_all(request.as_bytes()).await.unwrap();
    while control.counters.in_progress.load(Ordering::Relaxed) == before {
        tokio::task::yield_now().await;
    }
    stream
}

#[tokio::test]
async fn a_full_control_says_503_and_a_greedy_source_hears_429() {
    let url = format!("http://127.0.0.1:{}/", silent().await);
    let full = Fixture::start(ControlConfig {
        max_in_flight: 1,
        ..config(&["127.0.0.1"], None)
    })
    .await;
    let running = occupy(&full, &url).await;
    assert_eq!(full.status(&url).await, 503);
    assert_eq!(full.counters.refused_overload.load(Ordering::Relaxed), 1);
    drop(running);
    while full.counters.in_progress.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    let greedy = Fixture::start(ControlConfig {
        max_per_source: 1,
        ..config(&["127.0.0.1"], None)
    })
    .await;
    let _running = occupy(&greedy, &url).await;
    assert_eq!(greedy.status(&url).await, 429);
    assert_eq!(greedy.counters.refused_source.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_source_that_asks_too_often_hears_when_to_come_again() {
    let control = Fixture::start(ControlConfig {
        requests_per_source_per_min: 2,
        ..config(&[], None)
    })
    .await;
    assert_eq!(control.status("http://10.0.0.1/").await, 200);
    assert_eq!(status_of(&control.post("no question").await.0), 400);
    let (head, body) = control.post("").await;
    assert_eq!(status_of(&head), 429, "{body}");
    assert!(head.contains("retry-after: 30"), "{head}");
}

#[tokio::test]
async fn a_destination_is_not_asked_more_often_than_it_should() {
    let site = site("127.0.0.1", |_| page("", "x")).await;
    let control = Fixture::start(ControlConfig {
        contacts_per_destination_per_min: 4,
        ..config(&["127.0.0.0/24"], None)
    })
    .await;
    let url = format!("http://127.0.0.1:{}/", site.port);
    assert_eq!(control.status(&url).await, 200);
    assert_eq!(control.status(&url).await, 200);
    assert_eq!(control.status(&url).await, 429);
    assert_eq!(site.requests().len(), 2);
    assert_eq!(control.status("http://127.0.0.3:81/").await, 200);
    assert_eq!(
        control.counters.refused_destination.load(Ordering::Relaxed),
        1
    );
}

#[tokio::test]
async fn no_request_makes_more_connections_than_it_should() {
    let control = Fixture::start(config(&["127.0.0.0/8"], None)).await;
    let probes: Vec<String> = (0..200).map(|n| format!("127.1.1.{n}:80")).collect();
    let probes: Vec<&str> = probes.iter().map(String::as_str).collect();
    let answer = control.ask("http://127.0.0.1:81/", &probes).await;
    assert_eq!(answer["tcp_connect"].as_object().unwrap().len(), 32);
    assert_eq!(answer["ip_info"].as_object().unwrap().len(), 32);
    assert_eq!(answer["ip_info"]["127.0.0.1"]["flags"], 2);
    assert_eq!(control.counters.endpoints.load(Ordering::Relaxed), 32);
}

#[tokio::test]
async fn a_request_that_is_too_long_is_refused_also_when_it_does_not_say_so() {
    let control = Fixture::start(config(&[], None)).await;
    let long = "x".repeat((64 << 10) + 1);
    assert_eq!(status_of(&control.post(&long).await.0), 413);
    let head =
        "POST /control HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\nConnection: close";
    let (head, _) = control
        .raw(&format!("{head}\r\n\r\n10001\r\n{long}\r\n0\r\n\r\n"))
        .await;
    assert_eq!(status_of(&head), 413);
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_with_a_request_loses_its_place() {
    let control = Fixture::start(config(&[], None)).await;
    let mut stream = TcpStream::connect(control.addr).await.unwrap();
    let head = "POST /control HTTP/1.1\r\nHost: c\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status_of(&answer), 408, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_site_that_says_nothing_is_waited_for_15_seconds() {
    let control = Fixture::start(config(&["127.0.0.1"], None)).await;
    let url = format!("http://127.0.0.1:{}/", silent().await);
    let begun = tokio::time::Instant::now();
    let answer = control.ask(&url, &[]).await;
    assert_eq!(answer["http_request"]["failure"], "generic_timeout_error");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn where_tokens_are_required_nobody_comes_in_without() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.json");
    std::fs::write(&path, key).unwrap();
    let control = Fixture::start_with(ServersConfig {
        token_verify_keys: vec![path],
        token_machine: Some("here".to_owned()),
        token_required: true,
        control: config(&[], None),
        ..ServersConfig::default()
    })
    .await;
    assert_eq!(control.status("http://10.0.0.1/").await, 401);
    assert_eq!(control.counters.refused_token.load(Ordering::Relaxed), 1);
}
