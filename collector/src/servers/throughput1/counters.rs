//! What the throughput1 server counts since it started. No address, no name, nothing per client.
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Counters of all streams.
#[derive(Debug, Default)]
pub struct Throughput1Counters {
    /// Download streams begun.
    pub downloads_started: AtomicU64,
    /// Upload streams begun.
    pub uploads_started: AtomicU64,
    /// Streams that ended with a Close.
    pub closed: AtomicU64,
    /// Streams that ended otherwise.
    pub broken_off: AtomicU64,
    /// Streams running now.
    pub in_progress: AtomicI64,
    /// Requests that were no request for a test.
    pub refused_requests: AtomicU64,
    /// Requests refused because the server was full.
    pub refused_overload: AtomicU64,
    /// Requests refused because their source ran too many streams at once.
    pub refused_source: AtomicU64,
    /// Payload bytes of load written to clients.
    pub sent_bytes: AtomicU64,
    /// Payload bytes of load received from clients.
    pub received_bytes: AtomicU64,
}

impl Throughput1Counters {
    pub(super) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}
