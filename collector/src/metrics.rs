//! Prometheus metrics: of this instance (`tonle_collector_*`), and of the service (`tonle_*`), the
//! latter made from statements, so that a gauge never says more than a page.
use crate::web::{ApiError, AppState};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TEXT_FORMAT,
    TextEncoder,
};
use tonle_evidence::statement::{State as Said, Statement};

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

metrics! {
    /// What the operator of this instance watches.
    pub struct Metrics, prefix "tonle_collector_"
    {
        /// HTTP requests answered, by declared route and class of status.
        http_requests_total: IntCounterVec ["route" "status"],
        /// Records received, by result: stored, duplicate, refused or retry.
        records_total: IntCounterVec ["result"],
        /// Time from the first row of a journal commit to its sync, in seconds.
        journal_commit_seconds: Histogram (COMMIT_SECONDS),
        /// Appends waiting for the journal's writer.
        journal_queue_jobs: IntGauge,
        /// Committed journal entries that the derived store does not know yet.
        derived_lag_entries: IntGauge,
        /// 1 while the derived store cannot follow the journal.
        derived_failing: IntGauge,
        /// ndt7 subtests served, by direction and outcome.
        ndt7_tests_total: IntCounterVec ["direction" "outcome"],
    }
}

metrics! {
    /// What the service says of the month that runs: headline metrics only, nothing for states
    /// without counts.
    struct ServiceGauges, prefix "tonle_"
    {
        /// 1 for the state of a statement, insufficient or estimate; the others have no gauge.
        statement_state: IntGaugeVec ["metric" "province" "access" "state"],
        /// Independent agents behind a statement, among volunteers measured.
        statement_agents: IntGaugeVec ["metric" "province" "access"],
        /// Median over independent agents, in the metric's unit, among volunteers measured.
        estimate_median: IntGaugeVec ["metric" "unit" "province" "access"],
        /// Lower end of the interval of the median, in the metric's unit.
        estimate_low: IntGaugeVec ["metric" "unit" "province" "access"],
        /// Upper end of the interval of the median, in the metric's unit.
        estimate_high: IntGaugeVec ["metric" "unit" "province" "access"],
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
    Metrics::NAMES.iter().chain(ServiceGauges::NAMES).copied()
}

impl ServiceGauges {
    fn of(statements: &[Statement]) -> Self {
        let gauges = Self::new();
        for statement in statements {
            gauges.say(statement);
        }
        gauges
    }

    fn say(&self, statement: &Statement) {
        let (figure, counts) = match &statement.state {
            Said::NoData | Said::Suppressed => return,
            Said::Insufficient { counts } => (None, counts),
            Said::Estimate { figure, counts } => (Some(figure), counts),
        };
        let metric = statement.metric.as_str();
        let province = statement.province.as_str();
        let access = statement.access.as_str();
        let state = statement.state.as_str();
        self.statement_state
            .with_label_values(&[metric, province, access, state])
            .set(1);
        self.statement_agents
            .with_label_values(&[metric, province, access])
            .set(i64::try_from(counts.agents).unwrap_or(i64::MAX));
        let Some(figure) = figure else { return };
        let labels = [metric, statement.unit.as_str(), province, access];
        self.estimate_median
            .with_label_values(&labels)
            .set(figure.median);
        self.estimate_low.with_label_values(&labels).set(figure.low);
        self.estimate_high
            .with_label_values(&labels)
            .set(figure.high);
    }
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
    families.extend(ServiceGauges::of(&statements).registry.gather());
    let text = TextEncoder::new()
        .encode_to_string(&families)
        .map_err(ApiError::internal)?;
    Ok(([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::statement::{Access, CAPTION, Counts, Figure};

    fn text_of(state: Said) -> String {
        let statement = Statement {
            metric: "latency.rtt_median_us/icmp/domestic".into(),
            unit: "us".into(),
            province: "KH-12".into(),
            access: Access::Fixed,
            period: "2026-11".parse().unwrap(),
            state,
            caption: CAPTION.into(),
        };
        let gauges = ServiceGauges::of(&[statement]);
        TextEncoder::new()
            .encode_to_string(&gauges.registry.gather())
            .unwrap()
    }

    #[test]
    fn a_gauge_says_no_more_than_a_page() {
        assert_eq!(text_of(Said::NoData), "");
        assert_eq!(text_of(Said::Suppressed), "");
        let counts = Counts {
            agents: 5,
            agent_days: 9,
            records: 30,
        };
        let insufficient = text_of(Said::Insufficient { counts });
        assert!(insufficient.contains("tonle_statement_agents{"));
        assert!(!insufficient.contains("tonle_estimate_"));
        let figure = Figure {
            median: 21_000,
            low: 20_000,
            high: 22_000,
            coverage_ppm: 968_750,
        };
        let estimate = text_of(Said::Estimate { figure, counts });
        let median = "tonle_estimate_median{access=\"fixed\",\
                      metric=\"latency.rtt_median_us/icmp/domestic\",province=\"KH-12\",unit=\"us\"} 21000";
        assert!(estimate.contains(median), "{estimate}");
    }

    #[test]
    fn every_metric_has_a_name_and_a_help_text_of_its_own() {
        let mut names: Vec<&str> = names().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for family in Metrics::new().registry.gather() {
            assert!(!family.help().is_empty());
        }
    }
}
