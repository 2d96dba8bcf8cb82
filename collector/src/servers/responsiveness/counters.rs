//! What the responsiveness server counts since it started. No address, no name, nothing per client.
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Instance counters, read by `/metrics`.
#[derive(Debug, Default)]
pub struct ResponsivenessCounters {
    /// Configurations told.
    pub configurations: AtomicU64,
    /// Small objects sent.
    pub small_objects: AtomicU64,
    /// Large objects that began.
    pub downloads_started: AtomicU64,
    /// Uploads that began.
    pub uploads_started: AtomicU64,
    /// Loads running now, in both directions.
    pub in_progress: AtomicI64,
    /// Requests refused because their object does not take their method.
    pub refused_requests: AtomicU64,
    /// Requests refused because they showed no good access token.
    pub refused_token: AtomicU64,
    /// Requests refused because the server was full.
    pub refused_overload: AtomicU64,
    /// Requests refused because their source ran too many loads at once.
    pub refused_source: AtomicU64,
    /// Bytes of large objects given to connections.
    pub sent_bytes: AtomicU64,
    /// Bytes of uploads received.
    pub received_bytes: AtomicU64,
}

impl ResponsivenessCounters {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
