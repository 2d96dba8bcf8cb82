//! Prometheus metrics: of this instance (`tonle_collector_*`), and of the service (`tonle_*`), the
//! latter made from statements, so that a gauge never says more than a page.
use crate::servers::ServersCounters;
use crate::web::{ApiError, AppState, healthz};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TEXT_FORMAT,
    TextEncoder,
};
use std::sync::Arc;

/// Upper bounds of the buckets of a commit, seconds: an SSD to a tired SD card.
const COMMIT_SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// What a kind of metric needs beside its name and help to be made.
macro_rules! make {
    (IntGauge, $name:expr, $help:expr) => {
        IntGauge::new($name, $help)
    };
    (IntCounterVec [$($label:literal)*], $name:expr, $help:expr) => {
        IntCounterVec::new(Opts::new($name, $help), &[$($label),*])
    };
    (IntGaugeVec [$($label:literal)*], $name:expr, $help:expr) => {
        IntGaugeVec::new(Opts::new($name, $help), &[$($label),*])
    };
    (Histogram ($buckets:expr), $name:expr, $help:expr) => {
        Histogram::with_opts(HistogramOpts::new($name, $help).buckets($buckets.to_vec()))
    };
}

/// A struct whose fields are metrics with a registry of their own: a field's doc comment is its help
/// text, its name follows the prefix.
macro_rules! metrics {
    (
        $(#[$doc:meta])* $visibility:vis struct $struct:ident, prefix $prefix:literal
        { $(#[doc = $help:literal] $field:ident: $kind:ident $([$($label:literal)*])? $(($buckets:expr))?,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        $visibility struct $struct {
            registry: Registry,
            $(#[doc = $help] pub $field: $kind,)*
        }

        impl $struct {
            /// Every metric at zero.
            #[must_use]
            $visibility fn new() -> Self {
                let registry = Registry::new();
                $(
                    let name = concat!($prefix, stringify!($field));
                    let $field = make!($kind $([$($label)*])? $(($buckets))?, name, $help.trim())
                        .expect("names and labels are literals that a test makes");
                    register(&registry, &$field);
                )*
                Self { registry, $($field,)* }
            }

            /// Names of all metrics, for the test that reads dashboards and alert rules.
            $visibility const NAMES: &'static [&'static str] =
                &[$(concat!($prefix, stringify!($field)),)*];
        }
    };
}

mod servers;
mod service;

use servers::ServersMetrics;
use service::ServiceGauges;

metrics! {
    /// What the operator of this instance watches.
    pub struct Metrics, prefix "tonle_collector_"
    {
        /// HTTP requests answered, by declared route and class of status.
        http_requests_total: IntCounterVec ["route" "status"],
        /// Records received, by result: stored, duplicate, refused or retry.
        records_total: IntCounterVec ["result"],
        /// Measurements of OONI clients submitted, by result: stored, duplicate, refused or unplaced.
        ooni_measurements_total: IntCounterVec ["result"],
        /// Time from the first row of a journal commit to its sync, in seconds.
        journal_commit_seconds: Histogram (COMMIT_SECONDS),
        /// Appends waiting for the journal's writer.
        journal_queue_jobs: IntGauge,
        /// Committed journal entries that the derived store does not know yet.
        derived_lag_entries: IntGauge,
        /// 1 while the derived store cannot follow the journal.
        derived_failing: IntGauge,
        /// Open incidents, by kind.
        incidents_open: IntGaugeVec ["kind"],
        /// When incidents were last looked for, seconds since the Unix epoch.
        incidents_looked_at_seconds: IntGauge,
        /// Attempts to deliver an alert, by result: delivered or failed.
        alerts_total: IntCounterVec ["result"],
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, collector: &C) {
    registry
        .register(Box::new(collector.clone()))
        .expect("every field has a name of its own");
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Every metric name that `/metrics` can show.
pub fn names() -> impl Iterator<Item = &'static str> {
    let own = Metrics::NAMES.iter().chain(ServersMetrics::NAMES);
    own.chain(ServiceGauges::NAMES).copied()
}

/// The listener of its own, loopback by default: `GET /metrics` and nothing else.
pub fn router(state: AppState) -> Router {
    Router::new().route("/metrics", get(show)).with_state(state)
}

async fn show(State(state): State<AppState>) -> Result<Response, ApiError> {
    let progress = *state.progress.borrow();
    let committed = *state.journal.committed().borrow();
    let lag = committed.saturating_sub(progress.processed_to);
    let metrics = &state.metrics;
    metrics
        .derived_lag_entries
        .set(i64::try_from(lag).unwrap_or(i64::MAX));
    metrics.derived_failing.set(i64::from(progress.failing));

    let filter = crate::cells::Filter {
        headline_only: true,
        ..Default::default()
    };
    let statements = state.statements(state.this_month(), filter).await?;
    let mut families = metrics.registry.gather();
    families.extend(ServiceGauges::of(&statements).gather());
    if let Some(counters) = state.servers() {
        families.extend(ServersMetrics::of(counters).gather());
    }
    as_text(&families)
}

/// As [`router`], of measurement servers that run alone; and whether they live, which they have no
/// other listener to say.
pub fn servers_router(counters: Arc<ServersCounters>) -> Router {
    let show = async move || as_text(&ServersMetrics::of(&counters).gather());
    Router::new()
        .route("/metrics", get(show))
        .route("/healthz", get(healthz))
}

fn as_text(families: &[MetricFamily]) -> Result<Response, ApiError> {
    let text = TextEncoder::new()
        .encode_to_string(families)
        .map_err(ApiError::internal)?;
    Ok(([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_name_and_a_help_text_of_its_own() {
        let mut names: Vec<&str> = names().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let families = Metrics::new().registry.gather();
        let of_servers = ServersMetrics::of(&ServersCounters::default()).gather();
        for family in families.into_iter().chain(of_servers) {
            assert!(!family.help().is_empty());
        }
    }
}
