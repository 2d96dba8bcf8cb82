//! The measurement servers: the far ends that agents, and anybody's stock tools, measure against.
//!
//! `front` is the one TCP port that every protocol over HTTP shares; each protocol is a door of it.
//! `door` is the way of those that test over a WebSocket. `tokens` (who is let in) and `admission`
//! (is there room) are asked by every door.
mod admission;
mod busy;
mod config;
mod control;
mod door;
mod echo;
mod files;
mod front;
mod ndt7;
mod portal;
mod responsiveness;
pub mod stamp;
mod throughput1;
mod tokens;
mod uuid;
mod websocket;

pub use config::{ServersConfig, TestLength};
pub use control::{ControlConfig, ControlCounters, PATH as CONTROL_PATH};
pub use door::TestCounters;
pub use echo::EchoCounters;
pub use files::FilesCounters;
pub use front::FrontCounters;
pub use ndt7::ArchiveCounters;
pub use responsiveness::ResponsivenessCounters;
pub use stamp::StampCounters;

use crate::admin::Admin;
use crate::ingest::network::NetworkTable;
use crate::ingest::source::Cidr;
use control::Control;
use door::TestDoor;
use echo::Echo;
use files::Files;
use front::{Door, Front, FrontSettings};
use ndt7::Ndt7;
use portal::Portal;
use responsiveness::Responsiveness;
use stamp::Reflector;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use throughput1::Throughput1;
use tokens::Tokens;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Connections that may be in their handshake beside the tests that run.
const HANDSHAKES_MAX: usize = 256;

/// What the measurement servers count since they started, for `/metrics`.
#[derive(Debug, Default)]
pub struct ServersCounters {
    /// The port that all protocols over HTTP share.
    pub front: Arc<FrontCounters>,
    /// The control server.
    pub control: Arc<ControlCounters>,
    /// The echo.
    pub echo: Arc<EchoCounters>,
    /// Plain files.
    pub files: Arc<FilesCounters>,
    /// ndt7.
    pub ndt7: Arc<TestCounters>,
    /// The archive of ndt7.
    pub ndt7_archive: Arc<ArchiveCounters>,
    /// Responsiveness.
    pub responsiveness: Arc<ResponsivenessCounters>,
    /// throughput1, by streams.
    pub throughput1: Arc<TestCounters>,
    /// STAMP.
    pub stamp: Arc<StampCounters>,
}

/// What the servers know of the world beside their own configuration.
pub struct Surroundings {
    /// Address → network, for what the control server tells of addresses.
    pub network: Arc<NetworkTable>,
    /// The only peers whose word on a client's address is believed, where a client is an HTTP request
    /// and no line that is measured: by the control server.
    pub trusted_proxies: Vec<Cidr>,
    /// Who is enrolled: known as soon as the collector's stores are open, and never to servers that run
    /// alone. The control server gives them shares of their own.
    pub members: Arc<OnceLock<Arc<Admin>>>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            network: Arc::new(NetworkTable::none()),
            trusted_proxies: Vec::new(),
            members: Arc::default(),
        }
    }
}

/// Bound measurement servers that do not serve yet.
pub struct Servers {
    front: Front,
    front_addr: SocketAddr,
    reflector: Option<Reflector>,
    counters: Arc<ServersCounters>,
}

/// Why the servers cannot start.
#[derive(Debug, thiserror::Error)]
#[error(
    "measurement servers cannot listen on {address}: {source}; stop what uses it, or give another `servers.{key}`"
)]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// The key of the configuration's table `[servers]`.
    pub key: &'static str,
    /// What the system said.
    pub source: std::io::Error,
}

impl Servers {
    /// Takes every listener. With `tls` the ports speak TLS beside what they speak without. The
    /// configuration must have been checked.
    pub async fn bind(
        config: &ServersConfig,
        tls: Option<Arc<rustls::ServerConfig>>,
        surroundings: Surroundings,
    ) -> Result<Self, BindError> {
        let (listener, front_addr) = bind_tcp(config.listen, "listen").await?;
        let mut listeners = vec![listener];
        for address in &config.listen_also {
            listeners.push(bind_tcp(*address, "listen_also").await?.0);
        }
        let counters = Arc::new(ServersCounters::default());
        let tokens = Arc::new(Tokens::new(config));
        let ndt7 = TestDoor::new(
            Ndt7::new(config, Arc::clone(&counters.ndt7_archive)),
            config,
            Arc::clone(&tokens),
            Arc::clone(&counters.ndt7),
        );
        let throughput1 = TestDoor::new(
            Throughput1::new(),
            config,
            Arc::clone(&tokens),
            Arc::clone(&counters.throughput1),
        );
        let responsiveness = Responsiveness::new(
            config,
            tls.is_some(),
            Arc::clone(&tokens),
            Arc::clone(&counters.responsiveness),
        );
        let files = Files::new(config, Arc::clone(&counters.files));
        let control = config.control.enabled.then(|| {
            let counters = Arc::clone(&counters.control);
            Control::new(
                &config.control,
                &surroundings,
                Arc::clone(&tokens),
                counters,
            )
        });
        let max_connections = ndt7.connections_max()
            + files.downloads_max()
            + throughput1.connections_max()
            + responsiveness.loads_max()
            + control.as_ref().map_or(0, Control::requests_max)
            + Echo::echoes_max()
            + HANDSHAKES_MAX;
        let mut doors: Vec<Box<dyn Door>> = vec![
            Box::new(ndt7),
            Box::new(throughput1),
            Box::new(responsiveness),
            Box::new(files),
            Box::new(Portal),
        ];
        if let Some(control) = control {
            doors.push(Box::new(control));
        }
        let mut reflector = None;
        if let Some(address) = config.stamp_address() {
            let counters = Arc::clone(&counters.stamp);
            let bound = stamp::bind(config, address, tokens, counters);
            let (door, bound) = bound.map_err(|source| BindError {
                address,
                key: "stamp_listen",
                source,
            })?;
            doors.push(Box::new(door));
            reflector = Some(bound);
        }
        let echo = config.echo.then(|| {
            let proxies = surroundings.trusted_proxies.clone();
            Echo::new(config, proxies, Arc::clone(&counters.echo))
        });
        let settings = FrontSettings {
            doors,
            echo,
            tls,
            max_connections,
            counters: Arc::clone(&counters.front),
        };
        Ok(Self {
            front: Front::new(listeners, settings),
            front_addr,
            reflector,
            counters,
        })
    }

    /// Where the front listens; says the port that was chosen for port 0.
    #[must_use]
    pub fn front_addr(&self) -> SocketAddr {
        self.front_addr
    }

    /// What they count.
    #[must_use]
    pub fn counters(&self) -> Arc<ServersCounters> {
        Arc::clone(&self.counters)
    }

    /// Serves until `cancel` fires; then running tests are closed, within four seconds.
    pub async fn serve(self, cancel: CancellationToken) {
        let reflecting = async {
            if let Some(reflector) = self.reflector {
                reflector.serve(cancel.clone()).await;
            }
        };
        tokio::join!(self.front.serve(cancel.clone()), reflecting);
    }
}

async fn bind_tcp(
    address: SocketAddr,
    key: &'static str,
) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |source| BindError {
        address,
        key,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
