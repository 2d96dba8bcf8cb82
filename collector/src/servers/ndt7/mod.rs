//! The ndt7 server: bulk download and upload over one WebSocket, with the kernel's counters sent
//! along. Stock ndt7 clients work unmodified.
//!
//! It keeps nothing: no archive, no log and no file holds a client's address. `ConnectionInfo`
//! tells the client its own address, as the protocol wants, and nobody else.
//!
//! A connection takes the files in this order: `connection` (TLS or not, HTTP), `handshake` (may
//! it upgrade?), `admission` (is there room?), `session` (the test), with `sender` and `receiver`
//! as its two halves and `probe` reading the kernel.
mod admission;
mod config;
mod connection;
mod counters;
mod handshake;
mod probe;
mod receiver;
mod sender;
mod session;

pub use config::{BindError, Ndt7Config};
pub use counters::Ndt7Counters;

use admission::Admission;
use sender::LoadFrames;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that may be in their handshake beside the tests that run.
const HANDSHAKES_MAX: usize = 256;
/// Pause after a failed accept: out of descriptors passes, and a busy loop would not help it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long tests may take to say goodbye when the server stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// A bound ndt7 server that does not serve yet.
pub struct Ndt7Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    shared: Arc<Shared>,
}

/// What all connections of a server share.
struct Shared {
    config: Ndt7Config,
    admission: Arc<Admission>,
    counters: Arc<Ndt7Counters>,
    load: LoadFrames,
}

impl Ndt7Server {
    /// Listens on `addr`. With `config.tls` the one port speaks both `wss` and `ws`: devices
    /// without AES instructions measure the line better without TLS.
    pub async fn bind(addr: SocketAddr, config: Ndt7Config) -> Result<Self, BindError> {
        let failed = |source| BindError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let counters = Arc::new(Ndt7Counters::default());
        let admission = Admission::new(config.max_downloads, config.max_per_source);
        let shared = Shared {
            admission: Arc::new(admission),
            counters,
            load: LoadFrames::random(&mut rand::make_rng()),
            config,
        };
        Ok(Self {
            listener,
            local_addr,
            shared: Arc::new(shared),
        })
    }

    /// Where it listens; says the port that was chosen for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What it counts, for `/metrics`.
    #[must_use]
    pub fn counters(&self) -> Arc<Ndt7Counters> {
        Arc::clone(&self.shared.counters)
    }

    /// Serves until `cancel` fires; then running tests are closed, within two seconds.
    pub async fn serve(self, cancel: CancellationToken) {
        let connections = TaskTracker::new();
        let tests_max = self.shared.admission.tests_max();
        let room = Arc::new(Semaphore::new(tests_max + HANDSHAKES_MAX));
        loop {
            let accepted = tokio::select! {
                () = cancel.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "ndt7: cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                Ndt7Counters::add(&self.shared.counters.refused_overload, 1);
                continue;
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
        drop(self.listener);
        connections.close();
        connections.wait().await;
    }
}
