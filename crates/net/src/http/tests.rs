//! The request step against servers that answer, dawdle, break off or talk too much.
use super::exchange::HEADERS_MAX;
use super::*;
use crate::meter::{Meter, Metered};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonle_evidence::observation::Observation;

const QUICK: Limits = Limits {
    head: Duration::from_millis(300),
    whole: Duration::from_millis(300),
    body_max_bytes: 100,
    notes_progress: false,
};

/// Connects to a server that reads a request, writes `response` and then does `end`.
async fn server<F>(
    response: Vec<u8>,
    end: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (TcpStream, IpAddr)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        assert!(request[..length].ends_with(b"\r\n\r\n"));
        stream.write_all(&response).await.unwrap();
        end(stream).await;
    });
    (TcpStream::connect(address).await.unwrap(), address.ip())
}

async fn fetch(response: impl Into<Vec<u8>>, limits: &Limits) -> (Observation, Option<Fetched>) {
    let (stream, peer) = server(response.into(), |_| async {}).await;
    let url = Url::parse("http://site.example/page?q=1").unwrap();
    let to = Get::to(&url, peer);
    get(&Stopwatch::start(), stream, to, limits).await
}

#[tokio::test]
async fn a_page_is_described() {
    let body = "<title>Hello</title>";
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: nginx\r\nSet-Cookie: id=secret; Path=/; HttpOnly\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (seen, fetched) = fetch(response, &Limits::default()).await;
    assert_eq!(seen.failure, None);
    assert_eq!(
        seen.subject.as_deref(),
        Some("http://site.example/page?q=1")
    );
    assert_eq!(seen.detail["status"], 200);
    assert_eq!(seen.detail["title"], "Hello");
    assert_eq!(seen.detail["content_type"], "text/html");
    assert_eq!(seen.detail["server"], "nginx");
    assert_eq!(
        seen.detail["header_names"],
        json!(["content-type", "server", "set-cookie", "content-length"])
    );
    assert_eq!(seen.detail["body_bytes"], body.len());
    assert_eq!(
        seen.detail["body_sha256"],
        hex::encode(Sha256::digest(body))
    );
    assert!(!format!("{seen:?}").contains("secret"));
    let fetched = fetched.unwrap();
    assert_eq!(fetched.body_prefix, body.as_bytes());
    assert_eq!(fetched.cookies, ["id=secret"]);
    assert!(fetched.first_byte_us <= seen.duration_us());
}

#[tokio::test]
async fn the_volunteers_address_in_a_page_is_scrubbed_before_it_is_hashed() {
    let (seen, fetched) = fetch(
        "HTTP/1.1 403 Forbidden\r\n\r\nblocked for 36.37.1.2!",
        &Limits::default(),
    )
    .await;
    assert_eq!(seen.detail["scrubbed"], true);
    assert_eq!(fetched.unwrap().body_prefix, b"blocked for [scrubbed]!");
    assert_eq!(
        seen.detail["body_sha256"],
        hex::encode(Sha256::digest("blocked for [scrubbed]!"))
    );
}

#[tokio::test]
async fn a_redirect_is_read_and_written_without_its_query() {
    let (seen, fetched) = fetch(
        "HTTP/1.1 302 Found\r\nLocation: //portal.example/login?mac=aabbccddeeff\r\nContent-Length: 0\r\n\r\n",
        &Limits::default(),
    )
    .await;
    assert_eq!(seen.failure, None);
    assert_eq!(
        seen.detail["location"],
        "http://portal.example/login?[scrubbed]"
    );
    assert_eq!(
        fetched.unwrap().redirect.unwrap().as_str(),
        "http://portal.example/login?mac=aabbccddeeff"
    );
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_a_failure() {
    let (seen, fetched) = fetch(
        "HTTP/1.1 301 Moved\r\nLocation: https://\r\nContent-Length: 0\r\n\r\n",
        &Limits::default(),
    )
    .await;
    assert_eq!(seen.failure, Some(Failure::HttpInvalidRedirectLocationHost));
    assert_eq!(fetched.unwrap().status, 301);
}

#[tokio::test]
async fn a_body_is_read_up_to_its_cap() {
    let response = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(500));
    let (seen, fetched) = fetch(response, &QUICK).await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.detail["body_bytes"], 100);
    assert_eq!(seen.detail["body_truncated"], true);
    assert_eq!(fetched.unwrap().body_prefix.len(), 100);
}

#[tokio::test]
async fn a_body_that_breaks_off_keeps_what_arrived() {
    let (seen, fetched) = fetch(
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        &Limits::default(),
    )
    .await;
    assert_eq!(seen.failure, Some(Failure::Eof));
    assert_eq!(fetched.unwrap().body_prefix, b"half");
}

#[tokio::test]
async fn a_server_that_closes_before_the_head_is_an_eof() {
    let (seen, fetched) = fetch("", &Limits::default()).await;
    assert_eq!(seen.failure, Some(Failure::Eof));
    assert!(fetched.is_none());
}

#[tokio::test]
async fn what_is_not_http_fails_the_request() {
    let (seen, _) = fetch("SSH-2.0-OpenSSH_9.2\r\n", &Limits::default()).await;
    assert_eq!(seen.failure, Some(Failure::HttpRequestFailed));
}

#[tokio::test]
async fn too_many_headers_fail_the_request() {
    let headers = "X-Y: z\r\n".repeat(HEADERS_MAX + 1);
    let (seen, _) = fetch(
        format!("HTTP/1.1 200 OK\r\n{headers}\r\n"),
        &Limits::default(),
    )
    .await;
    assert_eq!(seen.failure, Some(Failure::HttpRequestFailed));
}

#[tokio::test]
async fn silence_before_and_within_the_body_times_out() {
    for response in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"] {
        let silent = |stream: TcpStream| async move {
            std::future::pending::<()>().await;
            drop(stream);
        };
        let (stream, peer) = server(response.into(), silent).await;
        let url = Url::parse("http://site.example/").unwrap();
        let to = Get::to(&url, peer);
        let (seen, _) = get(&Stopwatch::start(), stream, to, &QUICK).await;
        assert_eq!(seen.failure, Some(Failure::GenericTimeout));
    }
}

#[tokio::test]
async fn a_reset_has_its_name() {
    let reset = |stream: TcpStream| async move {
        socket2::SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    };
    let (stream, peer) = server(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".into(),
        reset,
    )
    .await;
    let url = Url::parse("http://site.example/").unwrap();
    let to = Get::to(&url, peer);
    let (seen, _) = get(&Stopwatch::start(), stream, to, &Limits::default()).await;
    assert_eq!(seen.failure, Some(Failure::ConnectionReset));
}

#[tokio::test]
async fn a_reset_within_a_body_of_http2_has_its_name() {
    // Empty SETTINGS, and HEADERS of stream 1: status 200, and more to come (RFC 9113 section 6, RFC
    // 7541 appendix A).
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let headers = [0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&settings).await.unwrap();
        let mut heard = Vec::new();
        // The client acknowledges the settings, and asks: then it only reads.
        let says = |heard: &[u8], kind, flags| {
            let mut heads = heard.windows(9);
            heads.any(|head| head[3..5] == [kind, flags] && head[5..8] == [0; 3])
        };
        while !(says(&heard, 4, 1) && says(&heard, 1, 5)) {
            stream.read_buf(&mut heard).await.unwrap();
        }
        stream.write_all(&headers).await.unwrap();
        socket2::SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let url = Url::parse("http://site.example/").unwrap();
    let to = Get {
        http2: true,
        ..Get::to(&url, address.ip())
    };
    let (seen, _) = get(&Stopwatch::start(), stream, to, &Limits::default()).await;
    assert_eq!(seen.failure, Some(Failure::ConnectionReset));
}

#[tokio::test]
async fn the_request_names_host_and_port_and_its_bytes_are_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    });
    let meter = Meter::default();
    let stream = Metered::new(TcpStream::connect(address).await.unwrap(), meter.clone());
    let url = Url::parse("http://site.example:8080/a%20b?c=d#e").unwrap();
    let to = Get {
        cookies: "a=1; b=2",
        referer: "http://before.example/",
        ..Get::to(&url, address.ip())
    };
    let (seen, _) = get(&Stopwatch::start(), stream, to, &Limits::default()).await;
    let request = server.await.unwrap();
    assert!(
        request.starts_with("GET /a%20b?c=d HTTP/1.1\r\nHost: site.example:8080\r\n"),
        "{request}"
    );
    assert!(request.contains("\r\nCookie: a=1; b=2\r\n"), "{request}");
    assert!(
        request.contains("\r\nReferer: http://before.example/\r\n"),
        "{request}"
    );
    assert_eq!(meter.bytes(), request.len() as u64 + 27);
    assert_eq!(seen.failure, None);
}

#[tokio::test]
async fn how_a_body_came_is_noted_at_moments_on_the_way_where_it_is_asked_for() {
    let slowly = |mut stream: TcpStream| async move {
        tokio::time::sleep(Duration::from_millis(800)).await;
        stream.write_all(b"second").await.unwrap();
    };
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nfirst";
    let (stream, peer) = server(head.into(), slowly).await;
    let url = Url::parse("http://site.example/").unwrap();
    let limits = Limits {
        notes_progress: true,
        ..Limits::default()
    };
    let to = Get::to(&url, peer);
    let (seen, _) = get(&Stopwatch::start(), stream, to, &limits).await;
    assert_eq!(seen.detail["body_bytes"], 11);
    let list = |key: &str| seen.detail[key].as_array().unwrap().clone();
    assert_eq!(list("progress_us").len(), list("progress_bytes").len());
    assert_eq!(list("progress_bytes")[0], 5);
}
