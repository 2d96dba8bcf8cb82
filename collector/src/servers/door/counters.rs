//! What a protocol's door counts since it started. No address, no name, nothing per client.
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Instance counters of one protocol, read by `/metrics`. A test of several connections counts as
/// many times.
#[derive(Debug, Default)]
pub struct TestCounters {
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
    /// Requests refused because the server was full.
    pub refused_overload: AtomicU64,
    /// Requests refused because their source ran too many tests at once.
    pub refused_source: AtomicU64,
    /// Requests refused because they showed no good access token.
    pub refused_token: AtomicU64,
    /// Payload bytes written to clients of downloads.
    pub sent_bytes: AtomicU64,
    /// Payload bytes received from clients of uploads.
    pub received_bytes: AtomicU64,
}

impl TestCounters {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
