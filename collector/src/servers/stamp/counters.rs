//! What the reflector counts since it started. No address, no name, nothing per client.
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the STAMP reflector.
#[derive(Debug, Default)]
pub struct StampCounters {
    /// Sessions granted.
    pub granted: AtomicU64,
    /// Sessions refused because there were as many as there can be.
    pub refused_overload: AtomicU64,
    /// Sessions refused because their source has, or asked for, too many.
    pub refused_source: AtomicU64,
    /// Sessions refused for want of a good token.
    pub refused_token: AtomicU64,
    /// Requests that were none for a session.
    pub refused_requests: AtomicU64,
    /// Packets sent back.
    pub reflected: AtomicU64,
    /// Packets dropped because of their length.
    pub dropped_length: AtomicU64,
    /// Packets dropped because they were of no session, or not of its address.
    pub dropped_session: AtomicU64,
    /// Packets dropped because their HMAC was not that of the session's key.
    pub dropped_hmac: AtomicU64,
    /// Packets dropped because there were too many of them in all, or for a second.
    pub dropped_excess: AtomicU64,
    /// Replies that the system did not take.
    pub unsent: AtomicU64,
}

impl StampCounters {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
