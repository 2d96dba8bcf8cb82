//! The measurement servers alone: no records, no pages, no state on disk, no collector's key. For
//! machines with a good line that are somebody else's, or at an exchange point.
use super::{StartError, bind, http, listen_error, network_of, surroundings, tls};
use crate::config::Config;
use crate::metrics;
use crate::servers::Servers;
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Running measurement servers with their `/metrics`.
#[derive(Debug)]
pub struct ServersAlone {
    /// Where the servers' common port is.
    pub servers_addr: SocketAddr,
    /// Where `/metrics` listens.
    pub metrics_addr: SocketAddr,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl ServersAlone {
    /// Starts them. They serve when this returns, until `cancel`.
    pub async fn start(config: &Config, cancel: CancellationToken) -> Result<Self, StartError> {
        config.validate()?;
        let surroundings = surroundings(config, &network_of(config)?);
        let tls = tls::of_config(config)?;
        let servers = Servers::bind(&config.servers, tls, surroundings).await?;
        let listener = bind(config.metrics_listen, "metrics_listen").await?;
        let metrics_addr = listener
            .local_addr()
            .map_err(listen_error(config.metrics_listen, "metrics_listen"))?;
        let servers_addr = servers.front_addr();
        let router = metrics::servers_router(servers.counters());
        let tasks = TaskTracker::new();
        tasks.spawn(http::serve(listener, None, router, cancel.clone()));
        tasks.spawn(servers.serve(cancel.clone()));
        Ok(Self {
            servers_addr,
            metrics_addr,
            cancel,
            tasks,
        })
    }

    /// Waits until the token is cancelled and everything has ended.
    pub async fn wait(self) {
        self.tasks.close();
        self.cancel.cancelled().await;
        self.tasks.wait().await;
    }
}
