//! The STAMP reflector as a server: sessions over HTTP, packets over UDP from a sender of our own and
//! from nobody in particular.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::future::pending;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonle_collector::servers::{Servers, ServersConfig, ServersCounters, Surroundings};
use tonle_net::clock::Stopwatch;
use tonle_net::meter::Meter;
use tonle_net::settings::NetSettings;
use tonle_net::stamp::{self, Plan, Session, TrainResult};
use tonle_wire::stamp::session::Grant;
use tonle_wire::stamp::{ErrorEstimate, Key, SenderPacket, Timestamp};

struct Fixture {
    addr: SocketAddr,
    counters: Arc<ServersCounters>,
    cancel: CancellationToken,
    serving: JoinHandle<()>,
}

impl Fixture {
    async fn start(text: &str) -> Self {
        Self::configured(toml::from_str(text).unwrap()).await
    }

    async fn configured(config: ServersConfig) -> Self {
        assert_eq!(config.problems(), Vec::<String>::new());
        let server = Servers::bind(&config, None, Surroundings::default())
            .await
            .unwrap();
        let cancel = CancellationToken::new();
        Self {
            addr: server.front_addr(),
            counters: server.counters(),
            cancel: cancel.clone(),
            serving: tokio::spawn(server.serve(cancel)),
        }
    }

    /// Status line and body of the answer to this request for a session, at this of its addresses.
    async fn ask(&self, host: IpAddr, method: &str) -> (String, String) {
        self.ask_with(host, method, "").await
    }

    async fn ask_with(&self, host: IpAddr, method: &str, query: &str) -> (String, String) {
        let peer = SocketAddr::new(host, self.addr.port());
        let mut stream = TcpStream::connect(peer).await.unwrap();
        let request = format!(
            "{method} /stamp/v1/session{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.lines().next().unwrap().to_owned();
        (status, body.to_owned())
    }

    async fn session(&self, host: IpAddr) -> Session {
        let (status, body) = self.ask(host, "GET").await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        let (grant, key) = Grant::read(body.as_bytes()).unwrap();
        Session {
            peer: SocketAddr::new(host, grant.port),
            ssid: grant.ssid,
            key: Some(key),
            stateful: true,
        }
    }

    async fn stop(self) -> Arc<ServersCounters> {
        self.cancel.cancel();
        self.serving.await.unwrap();
        self.counters
    }
}

fn home(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn train(session: &Session, packets_max: u32) -> TrainResult {
    let net = NetSettings {
        resolvers: Vec::new(),
        public_resolvers: Vec::new(),
        roots: tonle_net::roots::load(None).unwrap(),
        allow_loopback: true,
    };
    let plan = Plan {
        packets_max,
        gap: Duration::from_millis(25),
        bytes_max: 1 << 20,
        clock_synchronised: false,
    };
    let (clock, meter) = (Stopwatch::start(), Meter::default());
    let mut random = StdRng::seed_from_u64(1);
    let (seen, result) =
        stamp::run(&net, &clock, session, plan, &meter, &mut random, pending()).await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.detail["timed_by_kernel"], true);
    result.unwrap()
}

#[tokio::test]
async fn a_session_of_either_family_is_reflected_whole() {
    let server = Fixture::start("listen = '[::]:0'").await;
    for host in ["127.0.0.1", "::1"] {
        let session = server.session(home(host)).await;
        let result = train(&session, 20).await;
        assert_eq!(result.answers.len(), 20, "{host}");
        let loss = result.loss.unwrap();
        assert_eq!((loss.forward, loss.backward), ((0, 20), (0, 20)));
        assert_eq!((result.duplicated, result.late), (0, 0));
    }
    let counters = server.stop().await;
    assert_eq!(counters.stamp.granted.load(Ordering::Relaxed), 2);
    assert_eq!(counters.stamp.reflected.load(Ordering::Relaxed), 40);
}

#[tokio::test]
async fn what_is_of_no_session_is_not_answered() {
    let server = Fixture::start("listen = '127.0.0.1:0'").await;
    let session = server.session(home("127.0.0.1")).await;
    let key = session.key.clone().unwrap();
    let sender = SenderPacket {
        sequence: 0,
        timestamp: Timestamp(5),
        error_estimate: ErrorEstimate::of_clock(false),
        ssid: session.ssid,
    };
    let (good, other) = (sender.write(Some(&key)), Key::new(vec![9; 32]).unwrap());
    let here = UdpSocket::bind("127.0.0.1:0").unwrap();
    let elsewhere = UdpSocket::bind("127.0.0.2:0").unwrap();
    elsewhere.send_to(&good, session.peer).unwrap();
    here.send_to(&sender.write(Some(&other)), session.peer)
        .unwrap();
    here.send_to(&sender.write(None), session.peer).unwrap();
    here.send_to(&[0; 2000], session.peer).unwrap();
    // Packets of one machine to one socket keep their order: the only answer is to the last one.
    here.send_to(&good, session.peer).unwrap();
    let mut buffer = [0; 2000];
    here.set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let receiving = tokio::task::spawn_blocking(move || {
        let length = here.recv(&mut buffer).unwrap();
        here.set_nonblocking(true).unwrap();
        (length, here.recv(&mut buffer).is_err())
    });
    assert_eq!(receiving.await.unwrap(), (good.len(), true));
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.recv(&mut [0; 200]).is_err());
    let counters = server.stop().await;
    let counted = [
        &counters.stamp.dropped_session,
        &counters.stamp.dropped_hmac,
        &counters.stamp.dropped_length,
        &counters.stamp.reflected,
    ];
    assert_eq!(counted.map(|one| one.load(Ordering::Relaxed)), [1, 1, 2, 1]);
}

#[tokio::test]
async fn open_packets_are_reflected_to_networks_that_the_operator_named() {
    let text = "listen = '127.0.0.1:0'\nstamp_open_networks = ['127.0.0.0/8']";
    let server = Fixture::start(text).await;
    let granted = server.session(home("127.0.0.1")).await;
    let open = Session {
        ssid: 0,
        key: None,
        stateful: false,
        ..granted
    };
    assert_eq!(train(&open, 5).await.answers.len(), 5);
    server.stop().await;
}

#[tokio::test]
async fn without_a_reflector_there_is_no_session_and_a_session_is_asked_for_by_get() {
    let server = Fixture::start("listen = '127.0.0.1:0'\nstamp = false").await;
    let (status, _) = server.ask(home("127.0.0.1"), "GET").await;
    assert_eq!(status, "HTTP/1.1 404 Not Found");
    server.stop().await;
    let server = Fixture::start("listen = '127.0.0.1:0'").await;
    let (status, _) = server.ask(home("127.0.0.1"), "POST").await;
    assert_eq!(status, "HTTP/1.1 405 Method Not Allowed");
    server.stop().await;
}

#[tokio::test]
async fn where_a_token_is_required_there_is_no_session_without() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.json");
    // RFC 8037, appendix A.2.
    let public =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    std::fs::write(&key, public).unwrap();
    let server = Fixture::configured(ServersConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        token_verify_keys: vec![key],
        token_machine: Some("here".to_owned()),
        token_required: true,
        ..ServersConfig::default()
    })
    .await;
    for query in ["", "?access_token=a.b.c"] {
        let (status, _) = server.ask_with(home("127.0.0.1"), "GET", query).await;
        assert_eq!(status, "HTTP/1.1 401 Unauthorized", "{query}");
    }
    let counters = server.stop().await;
    assert_eq!(counters.stamp.refused_token.load(Ordering::Relaxed), 2);
    assert_eq!(counters.stamp.granted.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_source_that_asks_too_often_is_told_to_wait() {
    let server = Fixture::start("listen = '127.0.0.1:0'\nmax_per_source = 1").await;
    for _ in 0..4 {
        server.session(home("127.0.0.1")).await;
    }
    let (status, _) = server.ask(home("127.0.0.1"), "GET").await;
    assert_eq!(status, "HTTP/1.1 429 Too Many Requests");
    let counters = server.stop().await;
    assert_eq!(counters.stamp.refused_source.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_taken_port_is_told_with_its_key() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = ServersConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        stamp_listen: taken.local_addr().ok(),
        ..ServersConfig::default()
    };
    let refused = Servers::bind(&config, None, Surroundings::default())
        .await
        .err()
        .unwrap();
    assert!(
        refused.to_string().contains("`servers.stamp_listen`"),
        "{refused}"
    );
}
