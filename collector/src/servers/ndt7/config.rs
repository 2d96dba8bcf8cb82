//! What an operator decides about the ndt7 server.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tonle_wire::ndt7::spec;

/// Downloads at the same time by default: more would share the server's line, not measure theirs.
const DEFAULT_MAX_DOWNLOADS: usize = 32;
/// Tests at the same time from one source by default. Generous, because carrier-grade NAT puts a
/// whole province behind one address.
const DEFAULT_MAX_PER_SOURCE: usize = 8;

/// Settings of the ndt7 server.
#[derive(Clone)]
pub struct Ndt7Config {
    /// Length of a test from its handshake; the protocol's is 10 s.
    pub nominal: Duration,
    /// When a test that did not end is cut off; the protocol's is 15 s.
    pub hard_limit: Duration,
    /// Downloads at the same time; more get 503. Uploads have twice the room, so that whoever got
    /// in for a download can finish its test.
    pub max_downloads: usize,
    /// Tests at the same time from one IPv4 address or IPv6 /64; more get 429. Kept in memory
    /// while they run.
    pub max_per_source: usize,
    /// Congestion control asked of the kernel for each test, best effort.
    pub congestion_control: Option<String>,
    /// Certificate and key: when present, the port speaks `wss` as well as `ws`.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Default for Ndt7Config {
    fn default() -> Self {
        Self {
            nominal: Duration::from_micros(spec::NOMINAL_US.unsigned_abs()),
            hard_limit: Duration::from_micros(spec::HARD_LIMIT_US.unsigned_abs()),
            max_downloads: DEFAULT_MAX_DOWNLOADS,
            max_per_source: DEFAULT_MAX_PER_SOURCE,
            congestion_control: Some("bbr".to_owned()),
            tls: None,
        }
    }
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("ndt7 server cannot listen on {addr}: {source}; choose another `ndt7_listen`")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}
