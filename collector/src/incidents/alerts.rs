//! Alerts: each entry of the log goes to each configured URL as a signed POST, again and again until it is
//! taken. At least once: `Idempotency-Key` is the entry's hash, the same in every attempt.
//!
//! `Tonle-Signature` is `t=<seconds>,ed25519=<base64>`: the collector's signature, DSSE type
//! [`types::ALERT`], over the seconds in decimal, a full stop and the body. A receiver refuses what is older
//! than it likes.
use super::log::{Due, IncidentLog, LogError};
use super::published::{EntryView, IncidentView, publish};
use crate::metrics::Metrics;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonle_evidence::SigningKey;
use tonle_evidence::dsse::{self, types};
use tonle_net::clock::wall_us;

/// How often the log is asked what is due.
const LOOK: Duration = Duration::from_secs(5);
/// Time of a whole exchange.
const EXCHANGE: Duration = Duration::from_secs(20);
/// Pause after the first failure; doubled with each further one.
const RETRY_S: i64 = 30;
/// Longest pause.
const RETRY_MAX_S: i64 = 6 * 3_600;

/// The body of an alert.
#[derive(Debug, Serialize)]
struct Alert {
    #[serde(flatten)]
    entry: EntryView,
    incident: IncidentView,
}

/// Tells whoever has to be told.
pub struct Alerts {
    /// What is due, and what became of it.
    pub log: Arc<IncidentLog>,
    /// The collector's own key.
    pub key: SigningKey,
    /// Follows no redirect: the operator named the place.
    pub client: reqwest::Client,
    /// This instance's metrics.
    pub metrics: Arc<Metrics>,
    /// The country's clock.
    pub utc_offset_s: i32,
}

impl Alerts {
    /// Runs until `cancel`.
    pub async fn run(self, cancel: CancellationToken) {
        loop {
            if let Err(error) = self.deliver_due().await {
                tracing::error!(%error, "alerts: {error}");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = cancel.cancelled() => return,
            }
        }
    }

    /// Tries everything that is due, once.
    pub async fn deliver_due(&self) -> Result<(), LogError> {
        for due in self.log.due(wall_us())? {
            let outcome = self.deliver(&due).await;
            let now_us = wall_us();
            let result = if outcome.is_ok() {
                "delivered"
            } else {
                "failed"
            };
            self.metrics.alerts_total.with_label_values(&[result]).inc();
            match outcome {
                Ok(()) => self.log.delivered(&due, now_us)?,
                Err(reason) => {
                    tracing::warn!(
                        reason,
                        attempts = due.attempts + 1,
                        "an alert was not taken"
                    );
                    let next_us = now_us + pause_s(due.attempts) * 1_000_000;
                    self.log.failed(&due, &reason, next_us)?;
                }
            }
        }
        Ok(())
    }

    async fn deliver(&self, due: &Due) -> Result<(), String> {
        let alert = Alert {
            entry: EntryView::of(&due.entry, self.utc_offset_s),
            incident: publish(&due.entry.incident, self.utc_offset_s),
        };
        let body = serde_json::to_vec(&alert).map_err(|error| error.to_string())?;
        let signature = signature(&self.key, wall_us() / 1_000_000, &body);
        let request = self
            .client
            .post(&due.url)
            .timeout(EXCHANGE)
            .header("content-type", "application/json")
            .header("idempotency-key", due.entry.hash.to_string())
            .header("tonle-signature", signature)
            .body(body);
        // What the answer says beside its status is not read.
        let answer = request.send().await.map_err(|error| {
            let error = error.without_url();
            error.to_string()
        })?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!(
                "the receiver answers with status {}",
                status.as_u16()
            )),
        }
    }
}

/// The header of a body that is sent at `now_s`, seconds since the Unix epoch.
fn signature(key: &SigningKey, now_s: i64, body: &[u8]) -> String {
    let mut signed = format!("{now_s}.").into_bytes();
    signed.extend_from_slice(body);
    let signature = BASE64.encode(dsse::sign(key, types::ALERT, &signed));
    format!("t={now_s},ed25519={signature}")
}

/// How long to wait after so many attempts in vain before this one.
fn pause_s(attempts: u32) -> i64 {
    RETRY_S
        .saturating_mul(1_i64 << attempts.min(20))
        .min(RETRY_MAX_S)
}
