//! Accepts connections, as many as there is room for, and serves each on a task of its own.
use super::{Door, FrontCounters, connection, http2};
use crate::servers::echo::Echo;
use crate::servers::uuid::UuidPrefix;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause after a failed accept: out of descriptors passes, and a busy loop would not help it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long conversations may take to say goodbye when the server stops: longer than they wait for
/// the answer to a Close, so that each ends by itself, is counted and, where tests are, archived.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(3_500);

/// What a front is made of.
pub(in crate::servers) struct FrontSettings {
    /// The protocols, in the order they are asked.
    pub(in crate::servers) doors: Vec<Box<dyn Door>>,
    /// What answers connections in clear that ask for it before HTTP is spoken; absent: nothing.
    pub(in crate::servers) echo: Option<Echo>,
    /// Certificate and key: when present, the port speaks TLS as well as plain HTTP.
    pub(in crate::servers) tls: Option<Arc<rustls::ServerConfig>>,
    /// Connections at the same time; more are dropped unheard.
    pub(in crate::servers) max_connections: usize,
    /// What is counted.
    pub(in crate::servers) counters: Arc<FrontCounters>,
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) doors: Vec<Box<dyn Door>>,
    pub(super) echo: Option<Echo>,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) counters: Arc<FrontCounters>,
    pub(super) uuids: Option<UuidPrefix>,
}

/// Listeners with their doors, which do not serve yet.
pub(in crate::servers) struct Front {
    listeners: Vec<TcpListener>,
    room: Arc<Semaphore>,
    shared: Arc<Shared>,
}

impl Front {
    /// Puts doors behind listeners. With `settings.tls` the one port speaks both: devices
    /// without AES instructions measure the line better without TLS.
    pub(in crate::servers) fn new(listeners: Vec<TcpListener>, settings: FrontSettings) -> Self {
        Self {
            listeners,
            room: Arc::new(Semaphore::new(settings.max_connections)),
            shared: Arc::new(Shared {
                doors: settings.doors,
                echo: settings.echo,
                tls: settings.tls.map(|tls| Arc::new(with_http2(&tls))),
                counters: settings.counters,
                uuids: UuidPrefix::of_this_machine(),
            }),
        }
    }

    /// Serves until `cancel` fires; then what runs is closed, within four seconds.
    pub(in crate::servers) async fn serve(mut self, cancel: CancellationToken) {
        let connections = TaskTracker::new();
        let listeners = std::mem::take(&mut self.listeners);
        let accepting = listeners
            .into_iter()
            .map(|listener| self.accept(listener, &connections, &cancel));
        join_all(accepting).await;
        connections.close();
        connections.wait().await;
    }

    /// Lets in whoever comes to one listener, until `cancel` fires.
    async fn accept(
        &self,
        listener: TcpListener,
        connections: &TaskTracker,
        cancel: &CancellationToken,
    ) {
        loop {
            let accepted = tokio::select! {
                () = cancel.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.begin(connections, stream, peer, cancel),
                Err(error) => {
                    tracing::warn!(%error, "servers: cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn begin(
        &self,
        connections: &TaskTracker,
        stream: TcpStream,
        peer: SocketAddr,
        cancel: &CancellationToken,
    ) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            FrontCounters::count(&self.shared.counters.refused_connections);
            return;
        };
        let (shared, cancel) = (Arc::clone(&self.shared), cancel.clone());
        connections.spawn(async move {
            let _place = place;
            let serving = connection::serve(&shared, stream, peer, &cancel);
            let stopped = async {
                cancel.cancelled().await;
                tokio::time::sleep(SHUTDOWN_GRACE).await;
            };
            tokio::select! {
                () = serving => {}
                () = stopped => {}
            }
        });
    }
}

/// The same certificate, with HTTP/2 first among what is spoken. Stock clients of the WebSocket
/// protocols do not offer it and go on with HTTP/1.1.
fn with_http2(tls: &rustls::ServerConfig) -> rustls::ServerConfig {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![http2::ALPN.to_vec(), b"http/1.1".to_vec()];
    tls
}
