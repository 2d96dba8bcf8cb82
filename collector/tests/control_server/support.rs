//! A control server, a resolver and sites for one test.
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonle_collector::ingest::network::NetworkTable;
use tonle_collector::servers::{
    ControlConfig, ControlCounters, Servers, ServersConfig, Surroundings,
};

const TABLE: &[u8] = b"127.0.0.0\t127.0.0.255\t64500\tKH\tEXAMPLE\n";

/// A running control server.
pub(crate) struct Fixture {
    pub(crate) addr: SocketAddr,
    pub(crate) counters: Arc<ControlCounters>,
    cancel: CancellationToken,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Fixture {
    pub(crate) async fn start(control: ControlConfig) -> Self {
        Self::start_with(ServersConfig {
            control,
            ..ServersConfig::default()
        })
        .await
    }

    pub(crate) async fn start_with(config: ServersConfig) -> Self {
        let config = ServersConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..config
        };
        assert_eq!(config.problems(), Vec::<String>::new());
        let surroundings = Surroundings {
            network: Arc::new(NetworkTable::parse(TABLE.to_vec()).unwrap()),
            ..Surroundings::default()
        };
        let servers = Servers::bind(&config, None, surroundings).await.unwrap();
        let cancel = CancellationToken::new();
        let fixture = Self {
            addr: servers.front_addr(),
            counters: Arc::clone(&servers.counters().control),
            cancel: cancel.clone(),
        };
        tokio::spawn(servers.serve(cancel));
        fixture
    }

    /// Asks for a page as a stock probe does.
    pub(crate) async fn ask(&self, url: &str, tcp_connect: &[&str]) -> Value {
        let (head, body) = self.post(&question(url, tcp_connect)).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}: {body}");
        assert!(head.contains("content-type: application/json"), "{head}");
        serde_json::from_str(&body).unwrap()
    }

    /// The status of an answer to a question.
    pub(crate) async fn status(&self, url: &str) -> u16 {
        status_of(&self.post(&question(url, &[])).await.0)
    }

    pub(crate) async fn post(&self, body: &str) -> (String, String) {
        let length = body.len();
        let head = format!("POST /control HTTP/1.1\r\nHost: c\r\nContent-Length: {length}");
        self.raw(&format!("{head}\r\nConnection: close\r\n\r\n{body}"))
            .await
    }

    /// Head and body of the answer to a request as it stands.
    pub(crate) async fn raw(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }
}

pub(crate) fn question(url: &str, tcp_connect: &[&str]) -> String {
    let headers = json!({
        "Accept": ["text/plain"], "Accept-Language": ["km"], "User-Agent": ["a probe"],
        "Cookie": ["not=sent"],
    });
    json!({
        "http_request": url, "http_request_headers": headers, "tcp_connect": tcp_connect,
        "x_quic_enabled": false,
    })
    .to_string()
}

pub(crate) fn status_of(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A control that may contact some networks and asks a resolver.
pub(crate) fn config(allow: &[&str], resolver: Option<SocketAddr>) -> ControlConfig {
    ControlConfig {
        allow_networks: allow.iter().map(ToString::to_string).collect(),
        resolvers: vec![resolver.map_or("127.0.0.1:1".to_owned(), |address| address.to_string())],
        ..ControlConfig::default()
    }
}

/// A resolver that answers questions for A with these addresses, the n-th with the n-th list and the
/// last for ever; without an address: that there is no such name. Counts the questions for A.
pub(crate) async fn resolver(answers: &[&[[u8; 4]]]) -> (SocketAddr, Arc<AtomicUsize>) {
    let answers: Vec<Vec<[u8; 4]>> = answers.iter().map(|list| list.to_vec()).collect();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let question = question_of(&buffer[..length]);
            let is_a = question[question.len() - 4..] == [0, 1, 0, 1];
            let index = if is_a {
                count.fetch_add(1, Ordering::SeqCst)
            } else {
                0
            };
            let list = &answers[index.min(answers.len() - 1)];
            let reply = reply(
                &buffer[..2],
                question,
                if is_a { list } else { &[] },
                list.is_empty(),
            );
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    (address, asked)
}

/// The question section of a query: name, type, class.
fn question_of(query: &[u8]) -> &[u8] {
    let name_length = query[12..].iter().position(|byte| *byte == 0).unwrap();
    &query[12..12 + name_length + 5]
}

fn reply(id: &[u8], question: &[u8], addresses: &[[u8; 4]], is_nxdomain: bool) -> Vec<u8> {
    let count = u8::try_from(addresses.len()).unwrap();
    let mut reply = id.to_vec();
    reply.extend([0x81, 0x80 | (3 * u8::from(is_nxdomain))]);
    reply.extend([0, 1, 0, count, 0, 0, 0, 0]);
    reply.extend(question);
    for address in addresses {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend(address);
    }
    reply
}

/// A site on its own port: each request is answered by its function, and noted.
pub(crate) struct Site {
    pub(crate) port: u16,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A site at `address` that speaks in the clear.
pub(crate) async fn site(
    address: &str,
    respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> Site {
    site_with(address, None, respond).await
}

/// A site on 127.0.0.1 that speaks TLS under a certificate for `name`, which is written to `roots`.
pub(crate) async fn secure_site(
    name: &str,
    roots: &Path,
    respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> Site {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    std::fs::write(roots, made.cert.pem()).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
        .unwrap();
    site_with(
        "127.0.0.1",
        Some(TlsAcceptor::from(Arc::new(config))),
        respond,
    )
    .await
}

async fn site_with(
    address: &str,
    tls: Option<TlsAcceptor>,
    respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> Site {
    let address: IpAddr = address.parse().unwrap();
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let site = Site {
        port: listener.local_addr().unwrap().port(),
        requests: Arc::default(),
    };
    let requests = Arc::clone(&site.requests);
    let respond = Arc::new(respond);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (requests, respond) = (Arc::clone(&requests), Arc::clone(&respond));
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => converse(stream, &requests, &*respond).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            converse(stream, &requests, &*respond).await;
                        }
                    }
                }
            });
        }
    });
    site
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    requests: &Mutex<Vec<String>>,
    respond: &(impl Fn(&str) -> Vec<u8> + ?Sized),
) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return, // connected to, and no more
        }
    }
    let request = String::from_utf8(request).unwrap();
    let response = respond(&request);
    requests.lock().unwrap().push(request);
    // Who has read enough may be gone.
    let _ = stream.write_all(&response).await;
    let _ = stream.shutdown().await;
}

/// A page with headers of its own.
pub(crate) fn page(headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

pub(crate) fn redirect(to: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n{headers}\r\n")
        .into_bytes()
}
