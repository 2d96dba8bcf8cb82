//! What became of records at the collector, asked as anyone can ask.
use super::{Device, RecordSummary, RoundError};
use crate::http;
use serde::Deserialize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonle_evidence::hash::Hash;
use url::Url;

/// Time between two questions about the same record.
const PAUSE: Duration = Duration::from_millis(100);
/// Pauses after which a record that is still not processed is reported as it stands.
const PAUSES_MAX: u32 = 150;
/// Longest answer that is read, bytes.
const ANSWER_MAX_BYTES: usize = 4096;
/// The state that ends the waiting: the record's values stand where figures are made from.
pub const PROCESSED: &str = "processed";
/// The state of a record that nobody could be asked about.
pub const UNREACHABLE: &str = "unreachable";

#[derive(Deserialize)]
struct Status {
    state: String,
}

impl Device {
    /// The collector's word on each record, in order: `processed`, `stored` or `unknown`, or
    /// [`UNREACHABLE`]. Waits for `processed` a quarter of a minute over all, or until told to stop.
    pub async fn fates(
        &self,
        records: &[RecordSummary],
        stop: &CancellationToken,
    ) -> Result<Vec<String>, RoundError> {
        let enrolment = self.enrolment().ok_or(RoundError::NotJoined)?;
        let Some(collector) = enrolment.collectors.first() else {
            return Ok(vec![UNREACHABLE.to_owned(); records.len()]);
        };
        let mut fates = Vec::with_capacity(records.len());
        let mut pauses = 0;
        for record in records {
            let mut fate = self.fate(collector, record.hash).await;
            while fate != PROCESSED && pauses < PAUSES_MAX && !stop.is_cancelled() {
                pauses += 1;
                tokio::time::sleep(PAUSE).await;
                fate = self.fate(collector, record.hash).await;
            }
            fates.push(fate);
        }
        Ok(fates)
    }

    async fn fate(&self, collector: &Url, hash: Hash) -> String {
        let unreachable = |reason: String| {
            tracing::debug!(reason, "no word from the collector: {reason}");
            UNREACHABLE.to_owned()
        };
        let url = format!("{collector}api/v1/records/{hash}/status");
        let answer = match self.client.get(url).send().await {
            Ok(answer) => answer,
            Err(error) => return unreachable(http::reason(&error)),
        };
        let body = match http::body(answer, ANSWER_MAX_BYTES).await {
            Ok(body) => body,
            Err(reason) => return unreachable(reason),
        };
        match serde_json::from_slice::<Status>(&body) {
            Ok(status) => status.state,
            Err(error) => unreachable(error.to_string()),
        }
    }
}
