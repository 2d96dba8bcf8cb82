//! HTTP in: limits, decoding, signature and plausibility checks, dedupe, receipts.
//!
//! A batch takes the files in this order: [`source`] (whose address) → [`crate::limit`] → [`body`] →
//! [`batch`] (line by line, on a blocking thread) → the journal → receipts. The source address
//! lives in memory for the length of one request: [`network`] turns it into what is kept.
pub mod asn_table;
pub mod batch;
pub mod body;
pub mod enrolments;
pub mod network;
pub mod ooni;
pub mod plausibility;
pub mod records;
pub mod source;
#[cfg(test)]
mod tests;

use crate::admin::Admin;
use crate::journal::Journal;
use crate::limit::{Limiter, Rate};
use crate::metrics::Metrics;
use axum::extract::DefaultBodyLimit;
use network::NetworkTable;
use source::Cidr;
use std::net::IpAddr;
use std::sync::Arc;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::hash::PublicKey;
use tonle_net::clock::Stopwatch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How much one network and one key may send.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Batches per network (/24 or /48): many subscribers of a mobile operator share one.
    pub batches_per_network: Rate,
    /// Enrolments per network.
    pub enrolments_per_network: Rate,
    /// Records per key; the burst lets a long offline spool in.
    pub records_per_key: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batches_per_network: Rate::new(50.0, 500.0),
            enrolments_per_network: Rate::new(1.0, 60.0),
            records_per_key: Rate::new(50.0, 20_000.0),
        }
    }
}

/// What the hall works with.
pub struct Parts {
    /// Who may send.
    pub admin: Arc<Admin>,
    /// Where records go.
    pub journal: Journal,
    /// The declared metrics.
    pub catalogue: Arc<Catalogue>,
    /// Address → network.
    pub network: Arc<NetworkTable>,
    /// The only peers whose word on the client's address is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// How much may be sent.
    pub limits: Limits,
    /// This instance's metrics.
    pub metrics: Arc<Metrics>,
}

/// The hall. Shared by all requests.
pub struct Ingest {
    admin: Arc<Admin>,
    journal: Journal,
    catalogue: Arc<Catalogue>,
    network: Arc<NetworkTable>,
    trusted_proxies: Vec<Cidr>,
    clock: Stopwatch,
    batches: Limiter<IpAddr>,
    enrolments: Limiter<IpAddr>,
    records: Limiter<PublicKey>,
    metrics: Arc<Metrics>,
}

impl Ingest {
    /// With every bucket full.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            clock: Stopwatch::start(),
            batches: Limiter::new(parts.limits.batches_per_network),
            enrolments: Limiter::new(parts.limits.enrolments_per_network),
            records: Limiter::new(parts.limits.records_per_key),
            admin: parts.admin,
            journal: parts.journal,
            catalogue: parts.catalogue,
            network: parts.network,
            trusted_proxies: parts.trusted_proxies,
            metrics: parts.metrics,
        })
    }
}

/// What agents post, and clients of OONI's where the operator lets them in. Needs [`source::Peer`] as
/// connection information.
pub fn routes(ingest: Arc<Ingest>, ooni: Option<ooni::Parts>) -> OpenApiRouter {
    let second = ooni.map(|parts| ooni::routes(Arc::clone(&ingest), parts));
    OpenApiRouter::new()
        .routes(routes!(records::post))
        .routes(routes!(enrolments::post))
        .layer(DefaultBodyLimit::disable()) // `body` has its own limits, with better answers
        .with_state(ingest)
        .merge(OpenApiRouter::from(second.unwrap_or_default()))
}
