//! `/healthz`: the process answers. `/readyz`: it can do its work. Neither says a count of anything.
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// Entries that may wait for the cells while the service still counts as ready.
const LAG_MAX_ENTRIES: u64 = 10_000;

/// Whether the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether it can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// All parts are well.
    ready: bool,
    /// `ok` or `closed`: records can be stored.
    journal: &'static str,
    /// `ok`, `catching_up` or `failing`: what is published follows what is stored.
    cells: &'static str,
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health",
    responses((status = 200, description = "It lives", body = Health)))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The journal takes records and the cells follow it.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "It can do its work", body = Readiness),
        (status = 503, description = "It cannot, or not yet", body = Readiness)))]
pub(super) async fn readyz(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let journal = journal_state(&state);
    let cells = cells_state(&state);
    let ready = (journal, cells) == ("ok", "ok");
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = Readiness {
        ready,
        journal,
        cells,
    };
    (status, Json(body))
}

/// The writer holds the other end for as long as it runs.
fn journal_state(state: &AppState) -> &'static str {
    match state.journal.committed().has_changed() {
        Ok(_) => "ok",
        Err(_) => "closed",
    }
}

fn cells_state(state: &AppState) -> &'static str {
    let progress = *state.progress.borrow();
    let committed = *state.journal.committed().borrow();
    if progress.failing {
        "failing"
    } else if committed.saturating_sub(progress.processed_to) > LAG_MAX_ENTRIES {
        "catching_up"
    } else {
        "ok"
    }
}
