//! The workers of incidents: who looks, and who tells.
use super::Service;
use crate::config::Config;
use crate::incidents::alerts::Alerts;
use crate::incidents::worker::Worker;
use crate::web::AppState;
use std::sync::Arc;
use std::time::Duration;

impl Service {
    /// Looks for incidents in what `state` shows, and tells of them.
    pub(super) fn spawn_incidents(
        &self,
        config: &Config,
        state: &AppState,
        client: reqwest::Client,
    ) {
        let alerts = Alerts {
            log: Arc::clone(&state.incidents),
            key: self.admin.signing_key().clone(),
            client,
            metrics: Arc::clone(&state.metrics),
            utc_offset_s: state.ground.country.utc_offset_s,
        };
        let worker = Worker {
            log: Arc::clone(&state.incidents),
            cells: state.cells.clone(),
            ground: Arc::clone(&state.ground),
            metrics: Arc::clone(&state.metrics),
            every: Duration::from_secs(config.incidents.every_s),
            webhooks: config.incidents.webhooks.clone(),
        };
        let (committed, progress) = (self.journal.committed(), state.progress.clone());
        let cancel = self.cancel.clone();
        self.tasks.spawn(worker.run(committed, progress, cancel));
        self.tasks.spawn(alerts.run(self.cancel.clone()));
    }
}
