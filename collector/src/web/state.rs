//! What handlers may ask. Every question that touches a disk runs on a blocking thread.
use super::problem::ApiError;
use super::targets::SignedTargets;
use crate::analysis::Ground;
use crate::cells::{Filter, Progress, Published};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::servers::ndt7::Ndt7Counters;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::watch;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::Statement;

/// What the web layer is made of.
#[derive(Debug)]
pub struct Parts {
    /// Country and catalogue.
    pub ground: Arc<Ground>,
    /// The journal.
    pub journal: Journal,
    /// The source of every figure.
    pub published: Published,
    /// How far the derived store is.
    pub progress: watch::Receiver<Progress>,
    /// The lists that agents fetch.
    pub targets: SignedTargets,
    /// This instance's metrics.
    pub metrics: Arc<Metrics>,
    /// What the ndt7 server counts, where it runs.
    pub ndt7: Option<Arc<Ndt7Counters>>,
    /// The wall clock, microseconds since the Unix epoch ([`tonle_net::clock::wall_us`]).
    pub now_us: fn() -> i64,
}

/// Shared by all handlers; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    parts: Arc<Parts>,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl AppState {
    /// The state of one running collector.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    /// The country's month that runs now.
    #[must_use]
    pub fn this_month(&self) -> LocalMonth {
        self.published.month_at((self.now_us)())
    }

    /// Statements of a month: the only way a figure leaves the collector.
    pub async fn statements(
        &self,
        month: LocalMonth,
        filter: Filter,
    ) -> Result<Vec<Statement>, ApiError> {
        let published = self.published.clone();
        blocking(move || published.statements(month, &filter)).await
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
