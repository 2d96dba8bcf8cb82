//! `POST /api/v1/enrolments`: an invitation's token becomes an enrolled key.
use super::network::prefix_of;
use super::records::{STORAGE_RETRY_S, too_many};
use super::source::{Peer, Source};
use super::{Ingest, body};
use crate::admin::EnrolError;
use crate::web::ApiError;
use crate::web::problem::Problem;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use std::sync::Arc;
use tonle_evidence::document::SignedDocument;
use tonle_evidence::dsse::types;
use tonle_evidence::enrolment::EnrolmentRequest;
use tonle_net::clock::wall_us;

/// Most bytes of an enrolment request.
const REQUEST_MAX_BYTES: usize = 16 << 10;

/// Enrols a key. The answer leaves after the enrolment's journal entry is durable, so no record
/// of the key can stand before it.
#[utoipa::path(post, path = "/api/v1/enrolments", tag = "agents",
    request_body(content = String, content_type = "application/json",
        description = "Token, public key, consent version and proof of possession"),
    responses(
        (status = 200, description = "The signed answer; the same for a repeat",
         content_type = "application/json"),
        (status = 401, description = "Unknown invitation", body = Problem,
         content_type = "application/problem+json"),
        (status = 403, description = "Expired invitation or revoked key", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "Used up, or the key joined with another", body = Problem,
         content_type = "application/problem+json"),
        (status = 413, description = "Request too large", body = Problem,
         content_type = "application/problem+json"),
        (status = 415, description = "Not JSON by its content type", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "Not an enrolment request, or no proof", body = Problem,
         content_type = "application/problem+json"),
        (status = 429, description = "Too many; see Retry-After", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Could not be stored; see Retry-After", body = Problem,
         content_type = "application/problem+json")))]
pub async fn post(
    State(ingest): State<Arc<Ingest>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<SignedDocument>, ApiError> {
    let source = Source::of(peer, &headers, &ingest.trusted_proxies);
    let network = prefix_of(source.client.unwrap_or(source.peer));
    let taken = ingest
        .enrolments
        .take(network, 1.0, ingest.clock.elapsed_us());
    taken.map_err(too_many)?;
    let request = read(&headers, body).await?;
    let admin = Arc::clone(&ingest.admin);
    let enrolling = tokio::task::spawn_blocking(move || admin.enrol(&request, wall_us()));
    let enrolled = enrolling
        .await
        .map_err(ApiError::internal)?
        .map_err(api_error)?;
    ingest
        .admin
        .drain_outbox(&ingest.journal)
        .await
        .map_err(|error| {
            tracing::error!(reason = %error, "enrolment entry not yet in the journal: {error}");
            let detail = "the enrolment could not be stored; send the same request again later";
            ApiError::Unavailable {
                detail: detail.to_owned(),
                retry_after_s: STORAGE_RETRY_S,
            }
        })?;
    SignedDocument::sign(ingest.admin.signing_key(), types::ENROLLED, &enrolled)
        .map(Json)
        .map_err(ApiError::internal)
}

async fn read(headers: &HeaderMap, body: Body) -> Result<EnrolmentRequest, ApiError> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or_default().split(';').next();
    if !media_type.is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json")) {
        return Err(ApiError::UnsupportedMediaType(
            "send the enrolment as content type application/json".to_owned(),
        ));
    }
    let bytes = body::read(headers, body, REQUEST_MAX_BYTES).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        // The message could quote the request, which holds a secret: only the place is told.
        let detail = format!("not an enrolment request (at column {})", error.column());
        ApiError::Unprocessable(detail)
    })
}

fn api_error(error: EnrolError) -> ApiError {
    let detail = error.to_string();
    match error {
        EnrolError::Proof | EnrolError::Consent => ApiError::Unprocessable(detail),
        EnrolError::UnknownToken => ApiError::Unauthorized(detail),
        EnrolError::Expired | EnrolError::Revoked => ApiError::Forbidden(detail),
        EnrolError::UsedUp | EnrolError::KeyTaken => ApiError::Conflict(detail),
        EnrolError::Admin(error) => ApiError::internal(error),
    }
}
