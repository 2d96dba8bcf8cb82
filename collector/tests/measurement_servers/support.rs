//! Servers for one test, and what a stock client sees of them.
use futures_util::StreamExt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;
use tonle_collector::servers::{Servers, ServersConfig, ServersCounters, Surroundings, TestLength};
use tonle_wire::ndt7::{self, Measurement};
use tonle_wire::throughput1;

pub(crate) const DOWNLOAD: &str = "/ndt/v7/download";
pub(crate) const UPLOAD: &str = "/ndt/v7/upload";

pub(crate) struct Fixture {
    pub(crate) addr: SocketAddr,
    pub(crate) counters: Arc<ServersCounters>,
    pub(crate) cancel: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

impl Fixture {
    pub(crate) async fn start(config: ServersConfig) -> Self {
        Self::start_with(config, None).await
    }

    pub(crate) async fn start_with(
        config: ServersConfig,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let config = ServersConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..config
        };
        let server = Servers::bind(&config, tls, Surroundings::default())
            .await
            .unwrap();
        Self::serving(server)
    }

    pub(crate) fn serving(server: Servers) -> Self {
        let cancel = CancellationToken::new();
        Self {
            addr: server.front_addr(),
            counters: server.counters(),
            cancel: cancel.clone(),
            serving: tokio::spawn(server.serve(cancel)),
        }
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Opens a test of ndt7.
    pub(crate) async fn ndt7(&self, path: &str) -> WebSocketStream<TcpStream> {
        self.open(path, ndt7::spec::SUBPROTOCOL).await.unwrap()
    }

    /// Opens a stream of throughput1; `path_and_query` is what follows `/throughput/v1/`.
    pub(crate) async fn throughput1(
        &self,
        path_and_query: &str,
    ) -> Result<WebSocketStream<TcpStream>, Error> {
        let path = format!("{}{path_and_query}", throughput1::spec::PATH_PREFIX);
        self.open(&path, throughput1::spec::SUBPROTOCOL).await
    }

    async fn open(
        &self,
        path: &str,
        subprotocol: &str,
    ) -> Result<WebSocketStream<TcpStream>, Error> {
        let request = request(path, subprotocol);
        let (socket, response) = client_async(request, self.tcp().await).await?;
        assert_eq!(response.headers()["sec-websocket-protocol"], subprotocol);
        Ok(socket)
    }

    /// Sends a request as it stands and returns everything the server answers until it closes.
    pub(crate) async fn raw(&self, head: &str) -> String {
        let mut stream = self.tcp().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Stops the servers and checks that no test was left behind.
    pub(crate) async fn stop(self) -> Arc<ServersCounters> {
        self.cancel.cancel();
        self.serving.await.unwrap();
        for counters in [&self.counters.ndt7, &self.counters.throughput1] {
            assert_eq!(counters.in_progress.load(Ordering::Relaxed), 0);
        }
        self.counters
    }
}

pub(crate) fn lasting(nominal: Duration, hard_limit: Duration) -> ServersConfig {
    ServersConfig {
        test_length: TestLength {
            nominal,
            hard_limit,
        },
        ..ServersConfig::default()
    }
}

pub(crate) fn short() -> ServersConfig {
    lasting(Duration::from_millis(700), Duration::from_secs(20))
}

/// Whatever congestion control the kernel has.
pub(crate) fn as_the_kernel_likes() -> ServersConfig {
    ServersConfig {
        congestion_control: String::new(),
        ..ServersConfig::default()
    }
}

/// A test that only its client or a cancellation ends.
pub(crate) fn long() -> ServersConfig {
    lasting(Duration::from_mins(5), Duration::from_mins(5))
}

pub(crate) fn request(path: &str, subprotocol: &str) -> Request {
    let mut request = format!("ws://localhost{path}")
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", subprotocol.parse().unwrap());
    request
}

pub(crate) fn head(path: &str, protocol: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
    )
}

pub(crate) const GOOD_PROTOCOL: &str = "Sec-WebSocket-Protocol: net.measurementlab.ndt.v7\r\n";

/// What a stock client saw of a test.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) binary_sizes: Vec<usize>,
    pub(crate) pings: Vec<Vec<u8>>,
    pub(crate) pongs: Vec<Vec<u8>>,
    pub(crate) close_code: Option<u16>,
}

pub(crate) async fn read_to_end<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
) -> Seen {
    let mut seen = Seen::default();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => seen
                .measurements
                .push(Measurement::parse(text.as_bytes()).unwrap()),
            Message::Binary(bytes) => seen.binary_sizes.push(bytes.len()),
            Message::Ping(payload) => seen.pings.push(payload.to_vec()),
            Message::Pong(payload) => seen.pongs.push(payload.to_vec()),
            Message::Close(frame) => seen.close_code = frame.map(|frame| frame.code.into()),
            Message::Frame(_) => unreachable!("never read"),
        }
    }
    seen
}

/// A data frame header as a client writes it, for a payload that never comes.
pub(crate) fn masked_header(payload_bytes: u64) -> Vec<u8> {
    let mut header = vec![0x82, 0xff];
    header.extend(payload_bytes.to_be_bytes());
    header.extend([0; 4]);
    header
}

/// The code of the first Close in raw bytes from a server that sends small frames.
pub(crate) async fn close_code_of(stream: &mut TcpStream) -> Option<u16> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    let mut rest = bytes.as_slice();
    while let [first, second, after @ ..] = rest {
        let (length, payload) = match second {
            126 => (
                usize::from(u16::from_be_bytes([after[0], after[1]])),
                &after[2..],
            ),
            127 => (
                usize::try_from(u64::from_be_bytes(after[..8].try_into().unwrap())).unwrap(),
                &after[8..],
            ),
            short => (usize::from(*short), after),
        };
        if *first == 0x88 {
            return Some(u16::from_be_bytes([payload[0], payload[1]]));
        }
        rest = &payload[length..];
    }
    None
}
