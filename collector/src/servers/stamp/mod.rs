//! The STAMP reflector (RFC 8762, RFC 8972): sends test packets back with the times at which they
//! came and went, to whoever was granted a session.
//!
//! A session is asked for over HTTP (`door`) and is bound to the address that asked: one for each
//! address family. Its packets come over UDP (`reflector`), and the pure `sessions` decides what
//! becomes of each. No address is logged or kept on disk; in memory it lives as long as its session.
mod counters;
mod door;
mod reflector;
pub mod sessions;

pub use counters::StampCounters;
pub(super) use reflector::Reflector;

use super::config::ServersConfig;
use super::tokens::Tokens;
use crate::ingest::source::Cidr;
use sessions::Sessions;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonle_net::clock::Stopwatch;
use tonle_net::udp;

/// What the door and the reflector share.
struct Shared {
    clock: Stopwatch,
    sessions: Mutex<Sessions>,
    counters: Arc<StampCounters>,
    /// UDP port of the reflector.
    port: u16,
}

impl Shared {
    /// Sessions stay whole even if a thread died holding them: no change leaves them half done.
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The door of STAMP.
pub(super) struct Stamp {
    shared: Arc<Shared>,
    tokens: Arc<Tokens>,
}

/// Binds a reflector on `address` and makes its door. Must be called within a tokio runtime.
pub(super) fn bind(
    config: &ServersConfig,
    address: SocketAddr,
    tokens: Arc<Tokens>,
    counters: Arc<StampCounters>,
) -> io::Result<(Stamp, Reflector)> {
    let socket = udp::bind(address)?;
    let open: Vec<Cidr> = config.open_networks().unwrap_or_default();
    let shared = Arc::new(Shared {
        clock: Stopwatch::start(),
        sessions: Mutex::new(Sessions::new(config.max_per_source, open)),
        counters,
        port: socket.local_addr()?.port(),
    });
    let door = Stamp {
        shared: Arc::clone(&shared),
        tokens,
    };
    Ok((door, Reflector { socket, shared }))
}
