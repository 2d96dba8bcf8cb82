//! What the control server counts since it started. No address, no name, nothing per client.
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Instance counters, read by `/metrics`.
#[derive(Debug, Default)]
pub struct ControlCounters {
    /// Requests of strangers answered with what was seen.
    pub answered: AtomicU64,
    /// The same of enrolled agents that showed a pass.
    pub answered_agents: AtomicU64,
    /// Requests answered with the greeting.
    pub greeted: AtomicU64,
    /// Requests that were none, or none that a control serves.
    pub refused_requests: AtomicU64,
    /// Requests refused because they showed no good access token.
    pub refused_token: AtomicU64,
    /// Requests refused because the server was full.
    pub refused_overload: AtomicU64,
    /// Requests refused because their source asked too much.
    pub refused_source: AtomicU64,
    /// Requests refused because too many contacted the same address.
    pub refused_destination: AtomicU64,
    /// Requests being answered now.
    pub in_progress: AtomicI64,
    /// Endpoints connected to, or tried.
    pub endpoints: AtomicU64,
    /// Pages asked for, redirects included.
    pub pages: AtomicU64,
    /// Addresses and ports that were not contacted because none may be.
    pub forbidden: AtomicU64,
}

impl ControlCounters {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
