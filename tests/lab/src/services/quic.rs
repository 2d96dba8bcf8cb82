//! A QUIC server (quinn): it completes handshakes that want HTTP/3, and leaves the connection to the client.
use super::{Running, tls};
use crate::trust::Leaf;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, EndpointConfig, ServerConfig, TokioRuntime};
use std::io;
use std::sync::Arc;
use tokio::net::UdpSocket;

/// Application protocol of HTTP/3 (RFC 9114, section 3.1).
const HTTP3: &[&[u8]] = &[b"h3"];

/// What the servers of a service share.
pub(super) fn config(leaf: &Leaf) -> Result<ServerConfig, rustls::Error> {
    let config = tls::server_config(leaf, &[], HTTP3)?;
    let no_suite = |error| rustls::Error::General(format!("{error}"));
    let config = QuicServerConfig::try_from(config).map_err(no_suite)?;
    Ok(ServerConfig::with_crypto(Arc::new(config)))
}

pub(super) fn start(running: &Running, socket: UdpSocket, config: &ServerConfig) -> io::Result<()> {
    let (own, config) = (EndpointConfig::default(), Some(config.clone()));
    let runtime = Arc::new(TokioRuntime);
    let endpoint = Endpoint::new(own, config, socket.into_std()?, runtime)?;
    let tasks = running.tasks();
    running.spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            tasks.spawn(async move {
                // A client that goes away, or wants another protocol, is no fault of the server.
                if let Ok(connection) = incoming.await {
                    connection.closed().await;
                }
            });
        }
    });
    Ok(())
}
