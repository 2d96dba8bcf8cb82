//! What an incident rests on: its witness records, without anything that names a volunteer.
use super::Query;
use super::list::{Format, Row, answer, page};
use crate::incidents::LogError;
use crate::incidents::evidence::{EvidenceRow, rows};
use crate::journal::ReadError;
use crate::web::problem::{ApiError, Problem};
use crate::web::state::{AppState, blocking};
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tonle_evidence::statement::CAPTION;
use utoipa::{IntoParams, ToSchema};

/// Which part of the rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// `json` or `csv`; JSON when absent.
    format: Option<String>,
    /// Most rows of a page.
    limit: Option<usize>,
    /// Where a page begins: `next` of the one before.
    cursor: Option<String>,
}

/// The witness records of an incident.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct EvidenceView {
    /// Caption of everything that is said.
    caption: &'static str,
    /// In the order of the journal. None of findings that rest on fewer than five independent agents, and of those that
    /// no single record shows (outages, degradations).
    rows: Vec<EvidenceRow>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Why rows cannot be had.
#[derive(Debug, thiserror::Error)]
enum NoRows {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Journal(#[from] ReadError),
}

/// The records that an incident rests on, each with its place in the journal and what is said of it today.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/evidence", tag = "incidents",
    params(("id" = String, Path, description = "An incident's id"), Wanted),
    responses(
        (status = 200, description = "In the order of the journal",
         content((EvidenceView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such incident", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn evidence(
    State(state): State<AppState>,
    Path(id): Path<String>,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let format = Format::of(wanted.format.as_deref())?;
    let log = Arc::clone(&state.incidents);
    let (journal, ground) = (state.journal.clone(), Arc::clone(&state.ground));
    let asked = id.clone();
    let found = blocking(move || {
        let Some(last) = log.history(&asked)?.pop() else {
            return Ok(None);
        };
        let reader = journal.reader()?;
        let rows = rows(&last.incident, &reader, &ground)?;
        Ok::<_, NoRows>(Some(rows))
    });
    let Some(found) = found.await? else {
        let short: String = id.chars().take(80).collect();
        let detail = format!("there is no incident '{short}'; see /api/v1/incidents");
        return Err(ApiError::NotFound(detail));
    };
    let key = |row: &EvidenceRow| row.entry_index.to_string();
    let part = page(found, key, wanted.limit, wanted.cursor.as_deref())?;
    let next = part.next.clone();
    let view = EvidenceView {
        caption: CAPTION,
        rows: part.rows,
        next: part.next,
    };
    Ok(answer(format, &uri, next.as_deref(), view, |view| {
        &view.rows
    }))
}

impl Row for EvidenceRow {
    const COLUMNS: &'static [&'static str] = &[
        "entry_index",
        "record_hash",
        "local_hour",
        "target",
        "network",
        "state",
        "fingerprint",
    ];

    fn key(&self) -> String {
        self.entry_index.to_string()
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.entry_index.to_string(),
            self.record_hash.to_string(),
            self.local_hour.clone(),
            self.target.clone(),
            self.network.clone(),
            self.state.to_string(),
            self.fingerprint.clone(),
        ]
    }
}
