//! The two ends of a test's connection.
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Who talks to whom. Servers send it in every message; clients never do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConnectionInfo {
    /// `address:port` of the client, IPv6 in brackets.
    pub client: String,
    /// `address:port` of the server.
    pub server: String,
    /// The server's name for the connection.
    #[serde(rename = "UUID", skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
}

impl ConnectionInfo {
    /// The ends as a server's socket names them. An IPv4 client of an IPv6 socket is written as
    /// the IPv4 client it is.
    #[must_use]
    pub fn new(client: SocketAddr, server: SocketAddr) -> Self {
        let plain = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        Self {
            client: plain(client).to_string(),
            server: plain(server).to_string(),
            uuid: None,
        }
    }
}
