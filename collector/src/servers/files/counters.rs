//! What the door of files counts since it started. No address, no name, nothing per client.
use std::sync::atomic::{AtomicU64, Ordering};

/// Instance counters, read by `/metrics`.
#[derive(Debug, Default)]
pub struct FilesCounters {
    /// Downloads that began.
    pub begun: AtomicU64,
    /// Requests for no file, or by another method.
    pub refused_requests: AtomicU64,
    /// Requests refused because the server was full.
    pub refused_overload: AtomicU64,
    /// Requests refused because their source ran too many downloads at once.
    pub refused_source: AtomicU64,
}

impl FilesCounters {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
