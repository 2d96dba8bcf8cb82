//! HTTP and HTTPS: pages, redirects, cut bodies, certificates.
use super::{Bench, bench};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SERVICES: &str = r#"
[[service]]
host = "server"
kind = "http"
port = 5080
[[service.page]]
path = "/moved"
status = 301
headers = { location = "https://server.test/" }
[[service.page]]
path = "/cut"
body_bytes = 300000
cut_after_bytes = 123456
[[service.page]]
host = "other.test"
body = "another host"
[[service.page]]
path = "/"
body = "home"
delay_ms = 5

[[service]]
host = "server"
kind = "https"
port = 5443
[[service.page]]
body_bytes = 200000
[[service]]
host = "server"
kind = "https"
port = 5444
certificate = { flaw = "expired" }
[[service]]
host = "server"
kind = "https"
port = 5445
certificate = { flaw = "self_signed" }
[[service]]
host = "server"
kind = "https"
port = 5446
certificate = { flaw = "unknown_authority" }
[[service]]
host = "server"
kind = "https"
port = 5447
certificate = { flaw = "wrong_name" }
[[service]]
host = "server"
kind = "https"
port = 5448
certificate = { names = ["*.chosen.test"] }
sni = [
    { name = "old.test", certificate = { flaw = "expired" } },
    { name = "new.test" },
]
[[service]]
host = "server"
kind = "http"
port = 5081
[[service.page]]
clients = ["203.0.113.7"]
body = "for another"
[[service.page]]
path = "/filled"
body = "few"
body_bytes = 10
[[service.page]]
body = "for all"
"#;

/// What a server sends to one request, until it closes; lines end with CR LF.
async fn raw(bench: &Bench, request: &str) -> Vec<u8> {
    raw_from(bench, 5080, request).await
}

async fn raw_from(bench: &Bench, port: u16, request: &str) -> Vec<u8> {
    let mut stream = bench.connect(port).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

async fn get(bench: &Bench, target: &str, host: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    String::from_utf8_lossy(&raw(bench, &request).await).into_owned()
}

#[tokio::test]
async fn the_first_page_that_fits_answers() {
    let bench = bench(20, SERVICES).await;
    let home = get(&bench, "/", "server.test:5080").await;
    assert!(
        home.starts_with("HTTP/1.1 200 OK") && home.ends_with("\r\n\r\nhome"),
        "{home}"
    );
    let moved = get(&bench, "/moved", "server.test").await;
    assert!(moved.starts_with("HTTP/1.1 301 "), "{moved}");
    assert!(
        moved.contains("location: https://server.test/\r\n"),
        "{moved}"
    );
    let other = get(&bench, "/", "OTHER.test").await;
    assert!(other.ends_with("another host"), "{other}");
    let missing = get(&bench, "/missing", "server.test").await;
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let bench = bench(21, SERVICES).await;
    let request = "HEAD / HTTP/1.1\r\nHost: server.test\r\nConnection: close\r\n\r\n";
    let answer = String::from_utf8(raw(&bench, request).await).unwrap();
    assert!(answer.contains("content-length: 4\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_cut_body_ends_after_exactly_its_bytes() {
    let bench = bench(22, SERVICES).await;
    let answer = raw(&bench, "GET /cut HTTP/1.1\r\nHost: server.test\r\n\r\n").await;
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    assert!(head.contains("content-length: 300000"), "{head}");
    assert_eq!(answer.len() - end - 4, 123_456);
}

async fn body_over_tls(bench: &Bench, http2: bool) -> Response<Bytes> {
    let request = Request::get("https://server.test/")
        .header("host", "server.test")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let protocol: &[u8] = if http2 { b"h2" } else { b"http/1.1" };
    let stream = TokioIo::new(bench.tls(5443, "server.test", protocol).await.unwrap());
    let response = if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
                .await
                .unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn a_made_up_body_is_the_same_in_both_versions() {
    let bench = bench(23, SERVICES).await;
    let one = body_over_tls(&bench, false).await;
    let two = body_over_tls(&bench, true).await;
    assert_eq!(one.body().len(), 200_000);
    assert!(one.body() == two.body());
    assert_eq!(one.headers()["content-length"], "200000");
}

#[tokio::test]
async fn certificates_are_for_the_names_and_addresses_or_have_their_flaw() {
    let bench = bench(24, SERVICES).await;
    let address = bench.address.to_string();
    for name in ["server.test", &address] {
        bench.tls(5443, name, b"h2").await.unwrap();
    }
    bench.tls(5448, "a.chosen.test", b"h2").await.unwrap();
    for (port, said) in [
        (5444, "xpired"),
        (5445, "UnknownIssuer"),
        (5446, "UnknownIssuer"),
        (5447, "not valid for name"),
        (5448, "not valid for name"),
    ] {
        let error = bench.tls(port, "server.test", b"h2").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(said), "{port}: {error}");
    }
}

#[tokio::test]
async fn a_page_for_some_clients_is_not_shown_to_others() {
    let bench = bench(25, SERVICES).await;
    let request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    let answer = String::from_utf8(raw_from(&bench, 5081, request).await).unwrap();
    assert!(answer.ends_with("for all"), "{answer}");
    let own = SERVICES.replace("203.0.113.7", "127.0.0.1");
    let bench = super::bench(31, &own).await;
    let answer = String::from_utf8(raw_from(&bench, 5081, request).await).unwrap();
    assert!(answer.ends_with("for another"), "{answer}");
}

#[tokio::test]
async fn a_body_is_filled_up_to_its_length() {
    let bench = bench(32, SERVICES).await;
    let request = "GET /filled HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    let answer = String::from_utf8(raw_from(&bench, 5081, request).await).unwrap();
    assert!(answer.ends_with("\r\n\r\nfew       "), "{answer}");
}

#[tokio::test]
async fn the_name_asked_for_chooses_the_certificate() {
    let bench = bench(26, SERVICES).await;
    bench.tls(5448, "new.test", b"h2").await.unwrap();
    bench.tls(5448, "NEW.test", b"h2").await.unwrap();
    bench.tls(5448, "a.chosen.test", b"h2").await.unwrap();
    let error = bench.tls(5448, "old.test", b"h2").await.unwrap_err();
    assert!(error.to_string().contains("xpired"), "{error}");
}
