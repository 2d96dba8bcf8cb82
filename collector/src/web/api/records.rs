//! What became of one record, for whoever knows its hash.
use crate::web::problem::{ApiError, Problem};
use crate::web::state::{AppState, blocking};
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use tonle_evidence::hash::Hash;
use utoipa::ToSchema;

/// How far a record has come.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct RecordStatus {
    /// The record.
    #[schema(value_type = String)]
    record_hash: Hash,
    /// `stored`: durable in the journal. `processed`: also in all figures that it may enter.
    state: &'static str,
    /// Its place in the journal.
    entry_index: u64,
}

/// Whether a record is stored, and whether the figures know it.
#[utoipa::path(get, path = "/api/v1/records/{hash}/status", tag = "agents",
    params(("hash" = String, Path, description = "SHA-256 of the record's body, hex")),
    responses(
        (status = 200, description = "It is held here", body = RecordStatus),
        (status = 400, description = "Not a hash", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "It is not held here; `state` is `unknown`", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn status(
    State(state): State<AppState>,
    Path(hash): Path<String>,
) -> Result<Json<RecordStatus>, ApiError> {
    let hash: Hash = hash
        .parse()
        .map_err(|error| ApiError::BadRequest(format!("record hash: {error}")))?;
    // Asked before the journal: what is processed by now was stored before.
    let processed_to = state.progress.borrow().processed_to;
    let journal = state.journal.clone();
    let index = blocking(move || journal.reader()?.index_of(&hash)).await?;
    let entry_index = index.ok_or(ApiError::UnknownRecord(hash))?;
    let is_processed = entry_index < processed_to;
    Ok(Json(RecordStatus {
        record_hash: hash,
        state: if is_processed { "processed" } else { "stored" },
        entry_index,
    }))
}
