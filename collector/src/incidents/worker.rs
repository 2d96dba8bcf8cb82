//! Looks at the cells every few minutes, by the clock, and appends what differs to the log.
use super::IncidentLog;
use super::detect::group::{Incident, reconcile};
use super::detect::{CONTACT_HISTORY_H, Hour, JUDGED_H, detect};
use super::log::{LogError, Logged};
use crate::analysis::Ground;
use crate::cells::{CellsError, CellsReader, Progress};
use crate::metrics::Metrics;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonle_evidence::incident::Kind;
use tonle_net::clock::wall_us;

/// How long to wait for cells that have not caught up with the journal.
const CATCH_UP: Duration = Duration::from_secs(1);
/// Entries that the cells may lag behind: what is on its way while records come in.
const LAG_MAX: u64 = 500;
const HOUR_US: i64 = 3_600_000_000;

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The cells.
    #[error(transparent)]
    Cells(#[from] CellsError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What the worker needs.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Where it writes.
    pub log: Arc<IncidentLog>,
    /// What it looks at.
    pub cells: CellsReader,
    /// Country and catalogue.
    pub ground: Arc<Ground>,
    /// This instance's metrics.
    pub metrics: Arc<Metrics>,
    /// How often.
    pub every: Duration,
    /// Where alerts go.
    pub webhooks: Vec<String>,
}

impl Worker {
    /// Runs until `cancel`. `committed` says how many entries the journal has, `progress` how many the cells
    /// know: while these catch up, agents that are not in yet would look silent.
    pub async fn run(
        self,
        committed: watch::Receiver<u64>,
        progress: watch::Receiver<Progress>,
        cancel: CancellationToken,
    ) {
        loop {
            let followed = *progress.borrow();
            let lag = committed.borrow().saturating_sub(followed.processed_to);
            let pause = if followed.failing || lag > LAG_MAX {
                CATCH_UP
            } else {
                let own = self.clone();
                let look = tokio::task::spawn_blocking(move || own.look(wall_us())).await;
                match look {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => tracing::error!(%error, "incidents: {error}"),
                    Err(error) => tracing::error!(%error, "looking for incidents panicked"),
                }
                self.every
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = cancel.cancelled() => return,
            }
        }
    }

    /// Looks once; returns how many entries were due.
    pub fn look(&self, now_us: i64) -> Result<usize, LookError> {
        let now: Hour = now_us.div_euclid(HOUR_US);
        self.log.wake(now)?;
        let mut inputs = self.cells.window(now, &self.ground)?;
        inputs.awake = self.log.awake_since(now - JUDGED_H - CONTACT_HISTORY_H)?;
        let seen = detect(&inputs);
        let known: Vec<Incident> = self.known()?.into_iter().map(|one| one.incident).collect();
        let changes = reconcile(&known, &seen);
        self.log.append(&changes, now_us, &self.webhooks)?;
        for change in &changes {
            let (event, incident) = (change.event, &change.incident);
            tracing::info!(%event, kind = %incident.kind, id = incident.id, "incident {event}");
        }
        self.count(now_us)?;
        Ok(changes.len())
    }

    fn known(&self) -> Result<Vec<Logged>, LogError> {
        self.log.latest()
    }

    fn count(&self, now_us: i64) -> Result<(), LogError> {
        let mut open: BTreeMap<Kind, i64> = Kind::ALL.iter().map(|kind| (*kind, 0)).collect();
        for logged in self.known()? {
            let count = open.entry(logged.incident.kind).or_default();
            *count += i64::from(logged.incident.end.is_none());
        }
        for (kind, count) in open {
            let gauge = &self.metrics.incidents_open;
            gauge.with_label_values(&[kind.as_str()]).set(count);
        }
        self.metrics
            .incidents_looked_at_seconds
            .set(now_us / 1_000_000);
        Ok(())
    }
}
