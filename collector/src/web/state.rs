//! What handlers may ask. Every question that touches a disk runs on a blocking thread.
use super::problem::ApiError;
use super::targets::SignedTargets;
use crate::admin::Admin;
use crate::analysis::Ground;
use crate::cells::{CellsReader, Filter, Progress, Published, StandardsTable};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::servers::ServersCounters;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::watch;
use tonle_dashboards::shapes::Shapes;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::standard::Standards;
use tonle_evidence::statement::Statement;
use tonle_net::clock::wall_us;

/// What the web layer is made of.
#[derive(Debug)]
pub struct Parts {
    /// Country and catalogue.
    pub ground: Arc<Ground>,
    /// The regulator's rules.
    pub standards: Standards,
    /// The country's outline.
    pub shapes: Shapes,
    /// Enrolment and the collector's key.
    pub admin: Arc<Admin>,
    /// The journal.
    pub journal: Journal,
    /// The derived store.
    pub cells: CellsReader,
    /// How far the derived store is.
    pub progress: watch::Receiver<Progress>,
    /// The lists that agents fetch.
    pub targets: SignedTargets,
    /// This instance's metrics.
    pub metrics: Arc<Metrics>,
    /// Path prefix under which a proxy serves the collector, without a slash at its end.
    pub base_path: String,
}

/// Shared by all handlers; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    parts: Arc<Parts>,
    servers: Option<Arc<ServersCounters>>,
    now_us: fn() -> i64,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl AppState {
    /// The state of one running collector, by the system's clock.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            servers: None,
            now_us: wall_us,
        }
    }

    /// Shows what the measurement servers count on `/metrics`.
    #[must_use]
    pub fn with_servers(mut self, counters: Arc<ServersCounters>) -> Self {
        self.servers = Some(counters);
        self
    }

    /// Takes the wall clock from elsewhere: microseconds since the Unix epoch.
    #[must_use]
    pub fn with_clock(mut self, now_us: fn() -> i64) -> Self {
        self.now_us = now_us;
        self
    }

    /// What the measurement servers count, where they run.
    #[must_use]
    pub fn servers(&self) -> Option<&ServersCounters> {
        self.servers.as_deref()
    }

    /// The wall clock, microseconds since the Unix epoch.
    #[must_use]
    pub fn now_us(&self) -> i64 {
        (self.now_us)()
    }

    /// The country's month that runs now.
    #[must_use]
    pub fn this_month(&self) -> LocalMonth {
        self.published().month_at(self.now_us())
    }

    /// Statements of a month: the only way a figure leaves the collector.
    pub async fn statements(
        &self,
        month: LocalMonth,
        filter: Filter,
    ) -> Result<Vec<Statement>, ApiError> {
        let published = self.published();
        blocking(move || published.statements(month, &filter)).await
    }

    /// The table of a month's standards.
    pub async fn standards(&self, month: LocalMonth) -> Result<StandardsTable, ApiError> {
        let (published, parts) = (self.published(), Arc::clone(&self.parts));
        blocking(move || published.standards(month, &parts.standards)).await
    }

    fn published(&self) -> Published {
        Published::new(Arc::clone(&self.ground), self.cells.clone())
    }
}

/// Runs a question that may wait for a disk where it stops nobody else.
pub(super) async fn blocking<T, E>(
    question: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let answer = tokio::task::spawn_blocking(question).await;
    answer
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)
}
