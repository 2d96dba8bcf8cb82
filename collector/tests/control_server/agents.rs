//! The control server beside its collector: who is enrolled has more than strangers, and is told of it.
use crate::support::question;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonle_collector::admin::InviteOptions;
use tonle_collector::config::Config;
use tonle_collector::servers::{ControlConfig, ServersConfig};
use tonle_collector::service::Service;
use tonle_evidence::SigningKey;
use tonle_evidence::document::SignedDocument;
use tonle_evidence::dsse::types;
use tonle_evidence::enrolment::EnrolmentRequest;
use tonle_evidence::hash::Hex;
use tonle_evidence::pass::{self, PASS_HEADER};
use tonle_evidence::targets::TargetList;
use tonle_net::clock::wall_us;

async fn start(dir: &Path, servers: ServersConfig) -> Service {
    let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let config = Config {
        data_dir: dir.join("collector"),
        listen: anywhere,
        metrics_listen: anywhere,
        controls: vec!["https://other.example/".to_owned()],
        servers: ServersConfig {
            listen: anywhere,
            ..servers
        },
        ..Config::default()
    };
    Service::start(config, CancellationToken::new())
        .await
        .unwrap()
}

/// Status and body of the answer to a request.
async fn exchange(address: SocketAddr, line: &str, headers: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: c\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (crate::support::status_of(head), body.to_owned())
}

async fn enrol(service: &Service, agent: &SigningKey) {
    let invitation = service.invite(&InviteOptions::default()).unwrap();
    let request = EnrolmentRequest::new(&invitation.token, agent, "1");
    let body = serde_json::to_string(&request).unwrap();
    let json = "Content-Type: application/json\r\n";
    let line = "POST /api/v1/enrolments";
    let (status, answer) = exchange(service.web_addr, line, json, &body).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn an_enrolled_agent_has_a_share_of_its_own_until_it_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let control = ControlConfig {
        requests_per_source_per_min: 1,
        requests_per_agent_per_min: 2,
        ..ControlConfig::default()
    };
    let servers = ServersConfig {
        control,
        ..ServersConfig::default()
    };
    let service = start(dir.path(), servers).await;
    let (agent, stranger) = (
        SigningKey::from_bytes(&[5; 32]),
        SigningKey::from_bytes(&[6; 32]),
    );
    enrol(&service, &agent).await;
    let address = service.servers_addr.unwrap();
    let body = question("http://10.0.0.1/", &[]);
    let ask = async |pass: String| {
        let headers = format!("{PASS_HEADER}: {pass}\r\n");
        exchange(address, "POST /control", &headers, &body).await.0
    };
    let now_s = wall_us() / 1_000_000;
    let of = |key: &SigningKey, content: &str| pass::show(key, now_s, content.as_bytes());
    // A stranger's one request is used up; a pass for something else makes nobody an agent.
    assert_eq!(ask(of(&stranger, &body)).await, 200);
    assert_eq!(ask(of(&stranger, &body)).await, 429);
    assert_eq!(ask(of(&agent, "something else")).await, 429);
    assert_eq!(
        ask(pass::show(&agent, now_s - 3_600, body.as_bytes())).await,
        429
    );
    assert_eq!(ask("no pass".to_owned()).await, 429);
    assert_eq!(ask(of(&agent, &body)).await, 200);
    assert_eq!(ask(of(&agent, &body)).await, 200);
    assert_eq!(ask(of(&agent, &body)).await, 429);

    let key = Hex(agent.verifying_key().to_bytes());
    let key_id = service.admin.agent_by_key(&key).unwrap().key_id.clone();
    service.admin.revoke(&key_id, 0, wall_us()).unwrap();
    assert_eq!(ask(of(&agent, &body)).await, 429);
}

#[tokio::test]
async fn the_openness_list_alone_names_the_controls() {
    let dir = tempfile::tempdir().unwrap();
    let servers = ServersConfig {
        public_url: Some("wss://measure.example.org/".to_owned()),
        ..ServersConfig::default()
    };
    let service = start(dir.path(), servers).await;
    let key = service.admin.signing_key().verifying_key();
    let list = async |stream: &str| -> TargetList {
        let line = format!("GET /api/v1/targets/{stream}");
        let (status, body) = exchange(service.web_addr, &line, "", "").await;
        assert_eq!(status, 200, "{body}");
        let document: SignedDocument = serde_json::from_str(&body).unwrap();
        document.open(&key, types::TARGETS).unwrap()
    };
    let told = list("openness").await.controls;
    assert_eq!(
        told,
        [
            "https://measure.example.org/control",
            "https://other.example/"
        ]
    );
    assert!(list("quality").await.controls.is_empty());
}

#[tokio::test]
async fn what_it_does_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path(), ServersConfig::default()).await;
    let address = service.servers_addr.unwrap();
    let body = question("http://10.0.0.1/", &[]);
    let (status, answer) = exchange(address, "POST /control", "", &body).await;
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["ip_info"]["10.0.0.1"]["flags"], 6);
    let (_, metrics) = exchange(service.metrics_addr, "GET /metrics", "", "").await;
    for line in [
        r#"tonle_collector_control_requests_total{result="answered"} 1"#,
        r#"tonle_collector_control_contacts_total{kind="endpoint"} 0"#,
        "tonle_collector_control_running_requests 0",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    assert!(!metrics.contains("10.0.0.1"));
}
