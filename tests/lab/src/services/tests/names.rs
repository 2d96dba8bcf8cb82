//! DNS over UDP, TCP, TLS and HTTPS, as a client sees it.
use super::{Bench, bench};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UdpSocket;

const SERVICES: &str = r#"
[[service]]
host = "server"
kind = "dns"
port = 5053
[[service]]
host = "server"
kind = "dot"
port = 5853
[[service]]
host = "server"
kind = "doh"
port = 5443
[[name]]
name = "silent.test"
failure = "silence"
"#;

fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = 77;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    assert_eq!(message.metadata.op_code, OpCode::Query);
    message.to_vec().unwrap()
}

fn addresses(bytes: &[u8]) -> Vec<String> {
    let message = Message::from_vec(bytes).unwrap();
    assert_eq!(message.metadata.id, 77);
    let records = message.answers.iter();
    records.map(|record| record.data.to_string()).collect()
}

async fn over_udp(bench: &Bench, question: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind((bench.address, 0)).await.unwrap();
    socket.send_to(question, bench.at(5053)).await.unwrap();
    let mut buffer = vec![0; 2000];
    let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
    buffer.truncate(length);
    buffer
}

async fn over_stream(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    question: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(question.len()).unwrap();
    stream.write_u16(length).await.unwrap();
    stream.write_all(question).await.unwrap();
    stream.flush().await.unwrap();
    let length = stream.read_u16().await.unwrap();
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn udp_tcp_and_tls_answer_alike() {
    let bench = bench(10, SERVICES).await;
    let question = question("server.test.", RecordType::A);
    assert_eq!(
        addresses(&over_udp(&bench, &question).await),
        ["198.51.100.1"]
    );
    let mut tcp = bench.connect(5053).await;
    for _ in 0..2 {
        let answer = over_stream(&mut tcp, &question).await;
        assert_eq!(addresses(&answer), ["198.51.100.1"]);
    }
    let mut tls = bench.tls(5853, "server.test", b"dot").await.unwrap();
    let answer = over_stream(&mut tls, &question).await;
    assert_eq!(addresses(&answer), ["198.51.100.1"]);
}

#[tokio::test]
async fn silence_is_kept_and_the_next_question_is_answered() {
    let bench = bench(11, SERVICES).await;
    let mut tcp = bench.connect(5053).await;
    let silent = question("silent.test.", RecordType::A);
    let length = u16::try_from(silent.len()).unwrap();
    tcp.write_u16(length).await.unwrap();
    tcp.write_all(&silent).await.unwrap();
    let known = question("server.test.", RecordType::AAAA);
    let answer = over_stream(&mut tcp, &known).await;
    assert_eq!(addresses(&answer), ["2001:db8::1"]);
}

#[tokio::test]
async fn an_answer_too_long_for_udp_is_marked_and_whole_over_tcp() {
    let many: Vec<String> = (1..=60).map(|n| format!("\"203.0.113.{n}\"")).collect();
    let more = format!(
        "{SERVICES}[[name]]\nname = \"many.test\"\naddresses = [{}]\n",
        many.join(", ")
    );
    let bench = bench(12, &more).await;
    let question = question("many.test.", RecordType::A);
    let short = over_udp(&bench, &question).await;
    let short = Message::from_vec(&short).unwrap();
    assert!(short.metadata.truncation && short.answers.is_empty());
    let mut tcp = bench.connect(5053).await;
    assert_eq!(addresses(&over_stream(&mut tcp, &question).await).len(), 60);
}

async fn over_https(
    bench: &Bench,
    http2: bool,
    request: Request<Full<Bytes>>,
) -> Response<Vec<u8>> {
    let protocol: &[u8] = if http2 { b"h2" } else { b"http/1.1" };
    let stream = bench.tls(5443, "server.test", protocol).await.unwrap();
    let stream = TokioIo::new(stream);
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
    Response::from_parts(head, body.collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn https_answers_get_and_post_in_both_versions() {
    let bench = bench(13, SERVICES).await;
    let question = question("server.test.", RecordType::A);
    for http2 in [false, true] {
        let encoded = URL_SAFE_NO_PAD.encode(&question);
        let get = Request::get(format!("https://server.test/dns-query?dns={encoded}"))
            .header("host", "server.test")
            .body(Full::default())
            .unwrap();
        let post = Request::post("https://server.test/dns-query")
            .header("host", "server.test")
            .header("content-type", "application/dns-message")
            .body(Full::from(question.clone()))
            .unwrap();
        for request in [get, post] {
            let response = over_https(&bench, http2, request).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(
                response.headers()["content-type"],
                "application/dns-message"
            );
            assert_eq!(addresses(response.body()), ["198.51.100.1"]);
        }
    }
}

#[tokio::test]
async fn https_says_what_is_wrong_with_a_request() {
    let bench = bench(14, SERVICES).await;
    let request = |method: &str, target: &str, body: Vec<u8>| {
        Request::builder()
            .method(method)
            .uri(format!("https://server.test{target}"))
            .header("host", "server.test")
            .header("content-type", "application/dns-message")
            .body(Full::from(body))
            .unwrap()
    };
    for (request, status) in [
        (request("GET", "/elsewhere", Vec::new()), 404),
        (request("GET", "/dns-query", Vec::new()), 400),
        (request("PUT", "/dns-query", Vec::new()), 405),
        (request("POST", "/dns-query", vec![0; 70_000]), 413),
    ] {
        let response = over_https(&bench, true, request).await;
        assert_eq!(response.status().as_u16(), status);
    }
    let response = over_https(&bench, false, request("POST", "/dns-query", vec![0; 20])).await;
    let answer = Message::from_vec(response.body()).unwrap();
    assert_eq!(answer.metadata.response_code, ResponseCode::FormErr);
}
