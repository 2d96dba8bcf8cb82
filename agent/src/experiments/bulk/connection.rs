//! From the server's URL to an open WebSocket, in separate recorded steps.
use super::MESSAGE_TIMEOUT;
use super::allowance::{self, Allowance, Bounded};
use crate::experiments::Run;
use crate::steps::{self, Dial};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonle_evidence::record::PathClass;
use tonle_net::dns::Patience;
use tonle_net::meter::{Meter, Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::scrub;
use tonle_net::settings::NetSettings;
use tonle_net::tls;
use tonle_net::websocket::{self, Upgrade, WebSocketStream};
use tonle_wire::ndt7::spec::MESSAGE_ACCEPTED_MAX_BYTES;
use url::{Position, Url};

/// Most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 4;
/// What we say we are; nothing of the device.
pub(in crate::experiments) const CLIENT_NAME: &str = "tonle-agent";
pub(in crate::experiments) const CLIENT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Plain or TLS: the rest need not know.
pub(in crate::experiments) trait ByteStream:
    AsyncRead + AsyncWrite + Unpin + Send
{
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}

/// A WebSocket to the server.
pub(in crate::experiments) type Socket = WebSocketStream<Box<dyn ByteStream>>;

/// A connection ready for its transfer.
pub(in crate::experiments) struct Connected {
    pub(in crate::experiments) url: Url,
    pub(in crate::experiments) socket: Socket,
    /// A second handle, for the kernel's counters.
    pub(in crate::experiments) kernel: Option<OwnedFd>,
    /// The run's byte count before this connection was opened.
    pub(in crate::experiments) bytes_before: u64,
    /// How far the connection may be read.
    pub(in crate::experiments) allowance: Allowance,
    /// What this connection added to the run's byte count.
    pub(in crate::experiments) own: Meter,
    /// Whether a server sent us there, so that the query of the URL may not be written.
    is_foreign: bool,
}

impl Connected {
    /// The URL as it may be written.
    pub(in crate::experiments) fn subject(&self) -> String {
        if self.is_foreign {
            scrub::foreign_url(&self.url)
        } else {
            scrub::url(&self.url)
        }
    }
}

/// A connection to the server, up to TLS.
pub(in crate::experiments) struct Opened {
    /// The address that answered.
    pub(in crate::experiments) peer: SocketAddr,
    pub(in crate::experiments) stream: Box<dyn ByteStream>,
    /// A second handle, for the kernel's counters.
    pub(in crate::experiments) kernel: Option<OwnedFd>,
    /// How far it may be read.
    allowance: Allowance,
    /// What it added to the run's byte count.
    pub(in crate::experiments) own: Meter,
}

/// The server under test.
pub(in crate::experiments) struct Server {
    base: Url,
    net: NetSettings,
    local: bool,
    is_foreign: bool,
    /// The address that answered first; the second direction uses the same.
    peer: Option<SocketAddr>,
}

impl Server {
    /// A target declared local is a server that the volunteer named himself, such as the collector
    /// on the same machine: it may be contacted wherever it stands.
    pub(in crate::experiments) fn new(run: &Run, base: Url, path_class: PathClass) -> Self {
        let local = path_class == PathClass::Local;
        let net = if local {
            run.net.for_named_server()
        } else {
            run.net.clone()
        };
        Self {
            base,
            net,
            local,
            is_foreign: false,
            peer: None,
        }
    }

    /// A server that a service named: its URLs hold access tokens.
    pub(in crate::experiments) fn found(run: &Run, url: Url) -> Self {
        Self {
            is_foreign: true,
            ..Self::new(run, url, PathClass::Unknown)
        }
    }

    /// Every further connection goes to this address.
    pub(in crate::experiments) fn stay_at(&mut self, peer: SocketAddr) {
        self.peer = Some(peer);
    }

    /// Another name or port of the same machine: what is sent there goes to the address that
    /// `peer` has, wherever the name leads.
    pub(in crate::experiments) fn neighbour(&self, url: &Url, peer: SocketAddr) -> Option<Self> {
        let mut base = url.clone();
        let scheme = match base.scheme() {
            "http" => "ws",
            "https" => "wss",
            _ => return None,
        };
        let port = base.port_or_known_default()?;
        base.set_scheme(scheme).ok()?;
        Some(Self {
            base,
            net: self.net.clone(),
            local: self.local,
            is_foreign: self.is_foreign,
            peer: Some(SocketAddr::new(peer.ip(), port)),
        })
    }

    /// The next connection goes to this URL's server.
    pub(in crate::experiments) fn aim(&mut self, url: &Url) {
        let place =
            |url: &Url| url[url::Position::BeforeScheme..url::Position::AfterPort].to_owned();
        if place(url) != place(&self.base) {
            self.peer = None;
        }
        self.base = url.clone();
    }

    pub(in crate::experiments) fn may_be_local(&self) -> bool {
        self.local
    }

    pub(in crate::experiments) fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }

    /// Opens a WebSocket to a path of the server and remembers the address that answered; every
    /// step is recorded, `None` when one failed.
    pub(in crate::experiments) async fn connect_to(
        &mut self,
        run: &Run,
        path: &str,
        query: &str,
        subprotocol: &str,
    ) -> Option<Connected> {
        let (peer, connected) = self.open_socket(run, path, query, subprotocol).await?;
        self.peer = Some(peer);
        Some(connected)
    }

    /// As [`Server::connect_to`], for connections that are opened side by side.
    pub(in crate::experiments) async fn open_socket(
        &self,
        run: &Run,
        path: &str,
        query: &str,
        subprotocol: &str,
    ) -> Option<(SocketAddr, Connected)> {
        let bytes_before = run.bytes_used();
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query(Some(query));
        let opened = self.open_stream(run).await?;
        let user_agent = format!("{CLIENT_NAME}/{CLIENT_VERSION}");
        let upgrade = Upgrade {
            url: &url,
            subprotocol,
            user_agent: &user_agent,
            message_max_bytes: MESSAGE_ACCEPTED_MAX_BYTES,
            is_foreign: self.is_foreign,
            timeout: MESSAGE_TIMEOUT,
        };
        let (seen, socket) = websocket::upgrade(&run.clock, opened.stream, upgrade).await;
        run.observe(seen);
        let connected = Connected {
            socket: socket?,
            url,
            kernel: opened.kernel,
            bytes_before,
            allowance: opened.allowance,
            own: opened.own,
            is_foreign: self.is_foreign,
        };
        Some((opened.peer, connected))
    }

    /// A connection of its own to the server, with TLS where its URL asks for it; every step is
    /// recorded, `None` when one failed.
    pub(in crate::experiments) async fn open_stream(&self, run: &Run) -> Option<Opened> {
        let own = Meter::default();
        let (peer, stream) = self.open(run).await?;
        own.add(TCP_OPEN_CLOSE_BYTES);
        let kernel = stream.as_fd().try_clone_to_owned().ok();
        let allowance = Allowance::up_to(run.max_bytes);
        let metered = Bounded::new(
            Metered::new(Metered::new(stream, run.meter.clone()), own.clone()),
            run.meter.clone(),
            allowance.clone(),
            kernel.as_ref().and_then(|kernel| kernel.try_clone().ok()),
        );
        let stream: Box<dyn ByteStream> = if self.base.scheme() == "wss" {
            self.shake_hands(run, peer, metered).await?
        } else {
            Box::new(metered)
        };
        Some(Opened {
            peer,
            stream,
            kernel,
            allowance,
            own,
        })
    }

    /// Where the same server answers ordinary requests: its scheme and place, at the root.
    pub(in crate::experiments) fn http_url(&self) -> Option<Url> {
        let scheme = if self.base.scheme() == "wss" {
            "https"
        } else {
            "http"
        };
        let place = &self.base[Position::BeforeHost..Position::AfterPort];
        Url::parse(&format!("{scheme}://{place}/")).ok()
    }

    /// A TCP connection to the first address that lets us, or to the one that did before.
    async fn open(&self, run: &Run) -> Option<(SocketAddr, TcpStream)> {
        let dialled = if let Some(peer) = self.peer {
            steps::connect(run, &self.net, peer, MESSAGE_TIMEOUT).await
        } else {
            let dial = Dial {
                net: &self.net,
                host: &self.host(),
                port: self.base.port_or_known_default().unwrap_or(443),
                patience: Patience::FULL,
                timeout: MESSAGE_TIMEOUT,
                addresses_max: ADDRESSES_MAX,
            };
            steps::dial(run, dial).await
        };
        let (peer, stream) = dialled.connected?;
        allowance::keep_little_waiting(&stream, run.max_bytes);
        Some((peer, stream))
    }

    async fn shake_hands(
        &self,
        run: &Run,
        peer: SocketAddr,
        stream: impl ByteStream + 'static,
    ) -> Option<Box<dyn ByteStream>> {
        let host = self.host();
        let wanted = tls::Handshake {
            peer,
            server_name: &host,
            alpn: tls::ALPN_HTTP1,
            timeout: MESSAGE_TIMEOUT,
        };
        let (seen, stream) = tls::handshake(&self.net, &run.clock, stream, wanted).await;
        run.observe(seen);
        Some(Box::new(stream?))
    }
}
