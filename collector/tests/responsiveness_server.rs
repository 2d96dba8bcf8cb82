//! The responsiveness server, and HTTP/2 on the front, against an independent client.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tonle_collector::servers::{ResponsivenessCounters, Servers, ServersConfig, Surroundings};
use tonle_wire::responsiveness::Config;
use tonle_wire::responsiveness::spec::LARGE_BYTES;

const CONFIG: &str = "/.well-known/nq";
const SMALL: &str = "/responsiveness/small";
const LARGE: &str = "/responsiveness/large";
const UPLOAD: &str = "/responsiveness/upload";

struct Fixture {
    addr: SocketAddr,
    counters: Arc<ResponsivenessCounters>,
    cancel: CancellationToken,
    serving: JoinHandle<()>,
    client: Arc<rustls::ClientConfig>,
}

impl Fixture {
    async fn start(config: ServersConfig) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let tls = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = ServersConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..config
        };
        let server = Servers::bind(&config, Some(Arc::new(tls)), Surroundings::default())
            .await
            .unwrap();
        let cancel = CancellationToken::new();
        Self {
            addr: server.front_addr(),
            counters: Arc::clone(&server.counters().responsiveness),
            cancel: cancel.clone(),
            serving: tokio::spawn(server.serve(cancel)),
            client: Arc::new(client),
        }
    }

    async fn tls(&self, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
        let mut client = (*self.client).clone();
        client.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(self.addr).await.unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(client))
            .connect("localhost".try_into().unwrap(), stream)
            .await
            .unwrap()
    }

    async fn http2(&self) -> http2::SendRequest<Full<Bytes>> {
        let stream = self.tls(&[b"h2", b"http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        sender
    }

    fn request(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .version(Version::HTTP_2)
            .uri(format!("https://localhost:{}{path}", self.addr.port()))
            .body(Full::new(body.into()))
            .unwrap()
    }

    /// One request over HTTP/1.1 without TLS.
    async fn plain(&self, path: &str) -> Response<Incoming> {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(path)
            .header("Host", format!("localhost:{}", self.addr.port()))
            .body(Empty::<Bytes>::new())
            .unwrap();
        sender.send_request(request).await.unwrap()
    }

    /// Stops the server and checks that no load was left behind.
    async fn stop(self) -> Arc<ResponsivenessCounters> {
        self.cancel.cancel();
        self.serving.await.unwrap();
        while self.counters.in_progress.load(Ordering::Relaxed) > 0 {
            tokio::task::yield_now().await; // the tasks of a connection end right after it
        }
        self.counters
    }
}

async fn bytes_of(response: Response<Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

/// Reads at least so many bytes of a response without end.
async fn read_some(response: &mut Response<Incoming>, at_least: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < at_least {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        read.extend_from_slice(&frame.into_data().unwrap());
    }
    read
}

#[tokio::test]
async fn the_configuration_leads_to_its_objects_on_the_place_that_was_asked() {
    let server = Fixture::start(ServersConfig::default()).await;
    let place = format!("localhost:{}", server.addr.port());
    let mut client = server.http2().await;
    for path in [CONFIG, "/config", "/api/v1/config"] {
        let response = client.send_request(server.request("GET", path, "")).await;
        let response = response.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        let config = Config::parse(&bytes_of(response).await).unwrap();
        assert_eq!(config.small.as_str(), format!("https://{place}{SMALL}"));
    }
    let text = bytes_of(server.plain(CONFIG).await).await;
    let config = Config::parse(&text).unwrap();
    assert_eq!(config.large.as_str(), format!("http://{place}{LARGE}"));
    let all: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let secure = all["urls"]["https_upload_url"].as_str().unwrap();
    assert_eq!(secure, format!("https://{place}{UPLOAD}"));
    server.stop().await;
}

#[tokio::test]
async fn a_small_object_is_one_byte_over_both_versions_of_http() {
    let server = Fixture::start(ServersConfig::default()).await;
    let mut client = server.http2().await;
    let over_http2 = client.send_request(server.request("GET", SMALL, "")).await;
    for response in [over_http2.unwrap(), server.plain(SMALL).await] {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()["content-type"],
            "application/octet-stream"
        );
        assert_eq!(response.headers()["content-length"], "1");
        assert!(!response.headers().contains_key("content-encoding"));
        assert_eq!(bytes_of(response).await.len(), 1);
    }
    let counters = server.stop().await;
    assert_eq!(counters.small_objects.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_small_object_overtakes_a_large_one_on_the_same_connection() {
    let server = Fixture::start(ServersConfig::default()).await;
    let mut client = server.http2().await;
    let large = client.send_request(server.request("GET", LARGE, "")).await;
    let mut large = large.unwrap();
    let length: u64 = large.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(length, LARGE_BYTES);
    read_some(&mut large, 1 << 20).await;
    // The large one is not read any further: its window fills, and the small one still comes.
    for _ in 0..20 {
        let small = client.send_request(server.request("GET", SMALL, "")).await;
        assert_eq!(bytes_of(small.unwrap()).await.len(), 1);
    }
    read_some(&mut large, 1 << 20).await;
    assert_eq!(server.counters.in_progress.load(Ordering::Relaxed), 1);
    drop((large, client));
    server.stop().await;
}

#[tokio::test]
async fn a_large_object_cannot_be_compressed() {
    let server = Fixture::start(ServersConfig::default()).await;
    let content = read_some(&mut server.plain(LARGE).await, 1 << 18).await;
    let packed = zstd::bulk::compress(&content, 3).unwrap();
    assert!(packed.len() >= content.len(), "{} bytes", packed.len());
    server.stop().await;
}

#[tokio::test]
async fn an_upload_is_read_to_its_end_and_forgotten() {
    let server = Fixture::start(ServersConfig::default()).await;
    let mut client = server.http2().await;
    let request = server.request("POST", UPLOAD, vec![7; 3 << 20]);
    let response = client.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(bytes_of(response).await.is_empty());
    let counters = server.stop().await;
    assert_eq!(counters.received_bytes.load(Ordering::Relaxed), 3 << 20);
}

#[tokio::test]
async fn what_an_object_does_not_take_is_refused_with_its_reason() {
    let server = Fixture::start(ServersConfig::default()).await;
    let mut client = server.http2().await;
    for (method, path, allowed) in [
        ("POST", LARGE, "GET"),
        ("GET", UPLOAD, "POST"),
        ("PUT", UPLOAD, "POST"),
        ("DELETE", SMALL, "GET"),
    ] {
        let refused = client.send_request(server.request(method, path, "")).await;
        let refused = refused.unwrap();
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers()["allow"], allowed);
    }
    let unknown = client.send_request(server.request("GET", "/responsiveness", ""));
    assert_eq!(unknown.await.unwrap().status(), StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn a_busy_source_gets_429_and_when_to_come_back() {
    let config = ServersConfig {
        max_per_source: 1,
        ..ServersConfig::default()
    };
    let server = Fixture::start(config).await;
    let mut client = server.http2().await;
    let mut loads = Vec::new();
    for _ in 0..16 {
        let load = client.send_request(server.request("GET", LARGE, "")).await;
        loads.push(load.unwrap());
    }
    for path in [LARGE, CONFIG] {
        let refused = client.send_request(server.request("GET", path, "")).await;
        let refused = refused.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers().contains_key("retry-after"));
    }
    let small = client.send_request(server.request("GET", SMALL, "")).await;
    assert_eq!(small.unwrap().status(), StatusCode::OK, "probes go on");
    drop((loads, client));
    server.stop().await;
}

#[tokio::test]
async fn where_a_token_is_required_nothing_is_for_those_without() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.json");
    // RFC 8037, appendix A.2.
    let public =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    std::fs::write(&key, public).unwrap();
    let config = ServersConfig {
        token_verify_keys: vec![key],
        token_machine: Some("here".to_owned()),
        token_required: true,
        ..ServersConfig::default()
    };
    let server = Fixture::start(config).await;
    for path in [
        CONFIG,
        SMALL,
        LARGE,
        "/responsiveness/large?access_token=a.b.c",
    ] {
        let refused = server.plain(path).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let counters = server.stop().await;
    assert_eq!(counters.refused_token.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_server_that_does_not_offer_it_says_so() {
    let config = ServersConfig {
        responsiveness: false,
        ..ServersConfig::default()
    };
    let server = Fixture::start(config).await;
    assert_eq!(server.plain(CONFIG).await.status(), StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn who_offers_no_http2_gets_http1_over_tls_and_nothing_is_upgraded_over_http2() {
    let server = Fixture::start(ServersConfig::default()).await;
    let http1 = server.tls(&[b"http/1.1"]).await;
    assert_eq!(http1.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let silent = server.tls(&[]).await;
    assert_eq!(silent.get_ref().1.alpn_protocol(), None);
    let (mut sender, connection) = http1::handshake(TokioIo::new(silent)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(SMALL).header("Host", "localhost");
    let small = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap());
    assert_eq!(bytes_of(small.await.unwrap()).await.len(), 1);
    let mut client = server.http2().await;
    let ndt7 = client.send_request(server.request("GET", "/ndt/v7/download", ""));
    assert_eq!(ndt7.await.unwrap().status(), StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_vanishes_ends_its_loads() {
    let server = Fixture::start(ServersConfig::default()).await;
    let mut response = server.plain(LARGE).await;
    read_some(&mut response, 1 << 16).await;
    drop(response);
    let stream = server.tls(&[b"h2"]).await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let driving = tokio::spawn(connection);
    let large = sender.send_request(server.request("GET", LARGE, "")).await;
    read_some(&mut large.unwrap(), 1 << 16).await;
    driving.abort();
    drop(sender);
    while server.counters.in_progress.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    server.stop().await;
}
