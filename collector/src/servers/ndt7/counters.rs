//! What the ndt7 server counts since it started. No address, no name, nothing per client.
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Instance counters, read by `/metrics`.
#[derive(Debug, Default)]
pub struct Ndt7Counters {
    /// Downloads that began.
    pub downloads_started: AtomicU64,
    /// Uploads that began.
    pub uploads_started: AtomicU64,
    /// Tests that ended with a Close from either side.
    pub closed: AtomicU64,
    /// Tests that ended otherwise: connection lost, cut off, or rules broken. Normal in small
    /// numbers: stock clients end an upload by closing the socket.
    pub broken_off: AtomicU64,
    /// Tests running now.
    pub in_progress: AtomicI64,
    /// Requests refused because they broke the protocol.
    pub refused_requests: AtomicU64,
    /// Requests and connections refused because the server was full.
    pub refused_overload: AtomicU64,
    /// Requests refused because their source ran too many tests at once.
    pub refused_source: AtomicU64,
    /// Requests refused because they showed no good access token.
    pub refused_token: AtomicU64,
    /// Tests that were archived.
    pub archived: AtomicU64,
    /// Tests that could not be archived.
    pub archive_failures: AtomicU64,
    /// Payload bytes of load written to clients.
    pub sent_bytes: AtomicU64,
    /// Payload bytes of load received from clients.
    pub received_bytes: AtomicU64,
}

impl Ndt7Counters {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
