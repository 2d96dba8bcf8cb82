//! `POST /api/v1/records`: a batch in, one answer per line out.
use super::batch::{self, Arrival, Checked, Known};
use super::network::prefix_of;
use super::source::{Peer, Source};
use super::{Ingest, body};
use crate::journal::{Appended, NewEntry};
use crate::web::ApiError;
use crate::web::problem::Problem;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use std::collections::HashMap;
use std::sync::Arc;
use tonle_evidence::hash::PublicKey;
use tonle_evidence::receipt::{BatchReply, ItemResult};
use tonle_net::clock::wall_us;

/// When to come again after the journal could not be written.
pub(super) const STORAGE_RETRY_S: u32 = 30;

/// Takes a batch of records. Send it again until each line has a receipt or a permanent refusal; a
/// repeat gets the same receipts.
#[utoipa::path(post, path = "/api/v1/records", tag = "agents",
    request_body(content = String, content_type = "application/x-ndjson",
        description = "One envelope per line, at most 500; identity, gzip or zstd"),
    responses(
        (status = 200, description = "One result per line: stored with its receipt, refused for \
                                      ever, or to be sent again", content_type = "application/json"),
        (status = 401, description = "No line's key is enrolled", body = Problem,
         content_type = "application/problem+json"),
        (status = 403, description = "Every line's key is revoked", body = Problem,
         content_type = "application/problem+json"),
        (status = 413, description = "Body, batch or decompressed body too large", body = Problem,
         content_type = "application/problem+json"),
        (status = 415, description = "Another content type or coding", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "Does not decompress, or has no line", body = Problem,
         content_type = "application/problem+json"),
        (status = 429, description = "Too much; see Retry-After", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Could not be stored; see Retry-After", body = Problem,
         content_type = "application/problem+json")))]
pub async fn post(
    State(ingest): State<Arc<Ingest>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<BatchReply>, ApiError> {
    let encoding = body::encoding_of(&headers)?;
    let source = Source::of(peer, &headers, &ingest.trusted_proxies);
    ingest.admit(&source)?;
    let bytes = body::read(&headers, body, body::BODY_MAX_BYTES).await?;
    let arrival = ingest.arrival(&source)?;
    let hall = Arc::clone(&ingest);
    let checking = tokio::task::spawn_blocking(move || {
        let batch = body::decode(encoding, bytes)?;
        Ok(hall.check_lines(&body::lines(&batch)?, &arrival))
    });
    let checked = checking.await.map_err(ApiError::internal)??;
    let (answers, entries) = ingest.decide(checked)?;
    let appended = ingest.append(entries).await?;
    ingest.count(&answers, &appended);
    Ok(Json(BatchReply {
        results: fill(answers, appended),
        now_us: wall_us(),
    }))
}

/// The answer to a line, or a place kept for its receipt.
type Answer = Option<ItemResult>;

impl Ingest {
    pub(super) fn admit(&self, source: &Source) -> Result<(), ApiError> {
        let network = prefix_of(source.client.unwrap_or(source.peer));
        let taken = self.batches.take(network, 1.0, self.clock.elapsed_us());
        taken.map_err(too_many)
    }

    /// From here on the address is gone.
    pub(super) fn arrival(&self, source: &Source) -> Result<Arrival, ApiError> {
        let received_at_us = wall_us();
        let identify = |address| self.network.identify(address, &self.admin, received_at_us);
        let network = source.client.map(identify).transpose();
        Ok(Arrival {
            received_at_us,
            network: network.map_err(ApiError::internal)?.unwrap_or_default(),
            tls: source.tls,
        })
    }

    fn check_lines(&self, lines: &[&[u8]], arrival: &Arrival) -> Vec<Checked> {
        let known = Known {
            admin: &self.admin,
            catalogue: &self.catalogue,
            networks: &self.network,
        };
        let checked = lines.iter().map(|line| batch::check(line, arrival, known));
        checked.collect()
    }

    /// Per-line answers and what is to be stored; a problem when no line's key may send.
    fn decide(&self, checked: Vec<Checked>) -> Result<(Vec<Answer>, Vec<NewEntry>), ApiError> {
        let all = |is: fn(&Checked) -> bool| checked.iter().all(is);
        if all(|line| matches!(line, Checked::UnknownKey)) {
            let detail = "no record's key is enrolled here; join with an invitation first";
            return Err(ApiError::Unauthorized(detail.to_owned()));
        }
        if all(|line| matches!(line, Checked::Revoked)) {
            let detail = "this key was revoked; join again with a new invitation and a new key";
            return Err(ApiError::Forbidden(detail.to_owned()));
        }
        let held_back = self.held_back(&checked);
        let wait_of = |entry: &NewEntry| entry.key.and_then(|key| held_back.get(&key));
        let is_held =
            |line: &Checked| matches!(line, Checked::Append(entry) if wait_of(entry).is_some());
        if let Some(wait_s) = held_back.values().max()
            && checked.iter().all(is_held)
        {
            return Err(too_many(*wait_s));
        }
        let mut entries = Vec::with_capacity(checked.len());
        let answer = |line| match line {
            Checked::Append(entry) if wait_of(&entry).is_some() => Some(batch::rate_limited()),
            Checked::Append(entry) => {
                entries.push(*entry);
                None
            }
            Checked::UnknownKey => Some(batch::unknown_key()),
            Checked::Revoked => Some(batch::revoked()),
            Checked::Refused(error) => Some(batch::refused(&error)),
            Checked::NotHosted(stream) => Some(batch::not_hosted(stream)),
        };
        let answers = checked.into_iter().map(answer).collect();
        Ok((answers, entries))
    }

    /// Keys that send more than they may, with the seconds to wait. Only verified records count,
    /// so that nobody can use up another's share.
    fn held_back(&self, checked: &[Checked]) -> HashMap<PublicKey, u32> {
        let mut counts: HashMap<PublicKey, u32> = HashMap::new();
        for line in checked {
            if let Checked::Append(entry) = line
                && let Some(key) = entry.key
            {
                *counts.entry(key).or_default() += 1;
            }
        }
        let now_us = self.clock.elapsed_us();
        counts
            .into_iter()
            .filter_map(|(key, count)| {
                let taken = self.records.take(key, f64::from(count), now_us);
                taken.err().map(|wait_s| (key, wait_s))
            })
            .collect()
    }

    fn count(&self, answers: &[Answer], appended: &[Appended]) {
        let total = |result: &str, count: usize| {
            let counter = self.metrics.records_total.with_label_values(&[result]);
            counter.inc_by(count as u64);
        };
        let duplicates = appended.iter().filter(|appended| appended.duplicate);
        let duplicates = duplicates.count();
        let refused = |answer: &&Answer| matches!(answer, Some(ItemResult::Refused { .. }));
        let retry = |answer: &&Answer| matches!(answer, Some(ItemResult::Retry { .. }));
        total("stored", appended.len() - duplicates);
        total("duplicate", duplicates);
        total("refused", answers.iter().filter(refused).count());
        total("retry", answers.iter().filter(retry).count());
    }

    pub(super) async fn append(&self, entries: Vec<NewEntry>) -> Result<Vec<Appended>, ApiError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        // The writer has logged the reason.
        self.journal.append(entries).await.map_err(|_| {
            let detail = "the records could not be stored; nothing was taken, send again later";
            ApiError::Unavailable {
                detail: detail.to_owned(),
                retry_after_s: STORAGE_RETRY_S,
            }
        })
    }
}

pub(super) fn too_many(wait_s: u32) -> ApiError {
    ApiError::TooManyRequests {
        retry_after_s: wait_s.max(1),
    }
}

fn fill(answers: Vec<Answer>, appended: Vec<Appended>) -> Vec<ItemResult> {
    let mut stored = appended.into_iter().map(|appended| ItemResult::Stored {
        record_hash: appended.hash,
        receipt: appended.receipt,
    });
    answers
        .into_iter()
        .map(|answer| {
            answer.unwrap_or_else(|| stored.next().expect("one receipt per appended entry"))
        })
        .collect()
}
