//! The running service: what it answers, what stops it from starting, and that it ends.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tonle_collector::admin::InviteOptions;
use tonle_collector::config::Config;
use tonle_collector::servers::ServersConfig;
use tonle_collector::service::{Only, ServersAlone, Service, StartError};
use tonle_evidence::SigningKey;
use tonle_evidence::document::SignedDocument;
use tonle_evidence::dsse::types;
use tonle_evidence::enrolment::{Enrolled, EnrolmentRequest};

fn config(dir: &Path) -> Config {
    let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
    Config {
        data_dir: dir.join("collector"),
        listen: anywhere,
        metrics_listen: anywhere,
        servers: ServersConfig {
            listen: anywhere,
            ..ServersConfig::default()
        },
        ..Config::default()
    }
}

async fn start(config: Config) -> (Service, CancellationToken) {
    let cancel = CancellationToken::new();
    let service = Service::start(config, cancel.clone()).await.unwrap();
    (service, cancel)
}

/// Sends a request and reads until the server closes; returns the status line and the body.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> (String, String) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let stream = TcpStream::connect(address).await.unwrap();
    ask(stream, &get_request(path)).await
}

fn get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: collector\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop_also_with_clients_connected() {
    let dir = tempfile::tempdir().unwrap();
    let (service, cancel) = start(config(dir.path())).await;
    assert_eq!(get(service.web_addr, "/healthz").await.0, "HTTP/1.1 200 OK");
    assert_eq!(
        get(service.metrics_addr, "/metrics").await.0,
        "HTTP/1.1 200 OK"
    );
    assert!(service.servers_addr.is_some());
    let _idle = TcpStream::connect(service.web_addr).await.unwrap();
    cancel.cancel();
    service.wait().await;
    let (again, cancel) = start(config(dir.path())).await;
    cancel.cancel();
    again.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_slow_with_its_request_loses_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (service, cancel) = start(config(dir.path())).await;
    for slow in ["", "GET /healthz HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(service.web_addr).await.unwrap();
        stream.write_all(slow.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // The clock of this test stands still until everybody waits: this ends at the server's time.
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{slow:?}");
    }
    cancel.cancel();
    service.wait().await;
}

#[tokio::test]
async fn a_port_in_use_is_told_by_its_address_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let (service, _cancel) = start(config(dir.path())).await;
    let taken = Config {
        listen: service.web_addr,
        data_dir: dir.path().join("other"),
        ..config(dir.path())
    };
    let error = Service::start(taken, CancellationToken::new())
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::Listen { key: "listen", .. }));
    assert!(error.to_string().contains(&service.web_addr.to_string()));
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_service, _cancel) = start(config(dir.path())).await;
    let error = Service::start(config(dir.path()), CancellationToken::new())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn an_invitation_leads_to_a_signed_answer_with_the_servers_places() {
    let dir = tempfile::tempdir().unwrap();
    let (service, _cancel) = start(config(dir.path())).await;
    let invitation = service.invite(&InviteOptions::default()).unwrap();
    assert_eq!(invitation.collector.port(), Some(service.web_addr.port()));
    let agent = SigningKey::from_bytes(&[5; 32]);
    let request = EnrolmentRequest::new(&invitation.token, &agent, "1");
    let body = serde_json::to_string(&request).unwrap();
    let post = format!(
        "POST /api/v1/enrolments HTTP/1.1\r\nhost: collector\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let stream = TcpStream::connect(service.web_addr).await.unwrap();
    let (status, answer) = ask(stream, &post).await;
    assert_eq!(status, "HTTP/1.1 200 OK", "{answer}");
    let document: SignedDocument = serde_json::from_str(&answer).unwrap();
    let key = service.admin.signing_key().verifying_key();
    let enrolled: Enrolled = document.open(&key, types::ENROLLED).unwrap();
    let servers = service.servers_addr.unwrap();
    assert_eq!(enrolled.ndt7_url, Some(format!("ws://{servers}/")));
    assert_eq!(*service.journal.committed().borrow(), 1);
}

#[tokio::test]
async fn a_part_that_is_left_out_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let only = Only {
        web: true,
        ingest: false,
        servers: false,
    };
    let cancel = CancellationToken::new();
    let service = Service::start_only(config(dir.path()), only, cancel)
        .await
        .unwrap();
    assert_eq!(service.servers_addr, None);
    let stream = TcpStream::connect(service.web_addr).await.unwrap();
    let post = "POST /api/v1/enrolments HTTP/1.1\r\nhost: c\r\nconnection: close\r\n\
                content-length: 0\r\n\r\n";
    assert_eq!(ask(stream, post).await.0, "HTTP/1.1 404 Not Found");
}

#[tokio::test]
async fn measurement_servers_alone_keep_nothing_and_show_only_their_own_counters() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let config = config(dir.path());
    let servers = ServersAlone::start(&config, cancel.clone()).await.unwrap();
    let (status, _) = get(servers.servers_addr, "/nothing/here").await;
    assert_eq!(status, "HTTP/1.1 404 Not Found");
    let (status, body) = get(servers.metrics_addr, "/metrics").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(
        body.contains("tonle_collector_front_refused_total{reason=\"path\"} 1"),
        "{body}"
    );
    assert!(!body.contains("tonle_collector_records_total"), "{body}");
    let (status, _) = get(servers.metrics_addr, "/healthz").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    cancel.cancel();
    servers.wait().await;
    assert!(!config.data_dir.exists());
}

#[tokio::test]
async fn agents_are_sent_to_servers_on_another_machine() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.servers.public_url = Some("wss://measure.example.org/".into());
    let only = Only {
        servers: false,
        ..Only::default()
    };
    let service = Service::start_only(config, only, CancellationToken::new())
        .await
        .unwrap();
    let told = service.admin.settings().ndt7_url.as_deref();
    assert_eq!(told, Some("wss://measure.example.org/"));
}

#[tokio::test]
async fn certificates_by_path_give_tls() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["collector.example".to_owned()]).unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let config = Config {
        tls_cert: Some(cert),
        tls_key: Some(key),
        ..config(dir.path())
    };
    let (service, _cancel) = start(config).await;
    assert_eq!(service.public_url().scheme(), "https");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "collector.example".try_into().unwrap();
    let stream = TcpStream::connect(service.web_addr).await.unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    let stream = connector.connect(name, stream).await.unwrap();
    let (status, _) = ask(stream, &get_request("/healthz")).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
}
