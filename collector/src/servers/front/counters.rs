//! What the front counts since it started. No address, no name, nothing per client.
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the port that all doors share.
#[derive(Debug, Default)]
pub struct FrontCounters {
    /// Connections dropped because too many were open.
    pub refused_connections: AtomicU64,
    /// Connections that broke TLS or HTTP, or were too slow with their request.
    pub broken_requests: AtomicU64,
    /// Requests for a path that no door answers.
    pub unknown_paths: AtomicU64,
}

impl FrontCounters {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
