//! OONI's backend API: a second door to the same hall, for unmodified clients of OONI's.
//!
//! | call | answer |
//! | --- | --- |
//! | `GET /api/v1/test-helpers` | our control servers |
//! | `POST /api/v1/check-in` | what to do: features, control servers, sites of our openness list |
//! | `POST /report`, `/report/{id}`, `/report/{id}/close` | submission, clients up to 3.29 |
//! | `POST /api/v1/submit_measurement` | submission, clients from 3.30 |
//! | `GET /api/v1/manifest` | 404: there are no anonymous credentials, and clients go on without |
//!
//! Nothing is kept of a report: its name says all that a submission is checked against. Closed unless
//! the operator opens it ([`OoniConfig::accept`]).
//!
//! Source: <https://github.com/ooni/backend> and <https://github.com/ooni/probe-cli>, August 2026.
mod check_in;
mod config;
mod report;
mod submission;
mod submit;

pub use config::OoniConfig;

use super::Ingest;
use crate::web::{ApiError, SignedTargets};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tonle_evidence::country::Country;
use tonle_evidence::dsse::types;
use tonle_evidence::record::Stream;
use tonle_evidence::targets::TargetList;

/// Bodies unpacked at the same time: each may need a hundred mebibytes.
const UNPACKED_AT_ONCE: usize = 4;

/// What the door works with beside the hall.
pub struct Parts {
    /// The published lists: sites that may be given out, and control servers.
    pub targets: SignedTargets,
    /// Whose sites they are, and whose networks have names.
    pub country: Country,
}

/// The door. Shared by all requests.
pub(super) struct Door {
    hall: Arc<Ingest>,
    parts: Parts,
    room: Semaphore,
}

impl Door {
    /// The openness list as it is published now.
    fn list(&self) -> Result<TargetList, ApiError> {
        let key = self.hall.admin.signing_key().verifying_key();
        let signed = self.parts.targets.of(Stream::Openness);
        let signed = signed.ok_or_else(|| ApiError::internal("openness is not hosted here"))?;
        signed
            .open(&key, types::TARGETS)
            .map_err(ApiError::internal)
    }
}

/// The control servers of a list as clients read them.
fn helpers(list: &TargetList) -> Value {
    let helpers = list.controls.iter();
    let addresses = helpers.map(|address| json!({ "address": address, "type": "https" }));
    json!({ "web-connectivity": addresses.collect::<Vec<_>>() })
}

/// `GET /api/v1/test-helpers`.
async fn test_helpers(State(door): State<Arc<Door>>) -> Result<Json<Value>, ApiError> {
    Ok(Json(helpers(&door.list()?)))
}

/// The routes of the door.
pub fn routes(hall: Arc<Ingest>, parts: Parts) -> Router {
    let room = Semaphore::new(UNPACKED_AT_ONCE);
    Router::new()
        .route("/api/v1/test-helpers", get(test_helpers))
        .route("/api/v1/check-in", post(check_in::post))
        .route("/report", post(report::open))
        .route("/report/{id}", post(report::update))
        .route("/report/{id}/close", post(report::close))
        .route("/api/v1/submit_measurement", post(submit::post))
        .with_state(Arc::new(Door { hall, parts, room }))
}
