//! The JSON API under `/api/v1`.
pub(super) mod cells;
pub(super) mod comparisons;
pub(super) mod composites;
pub(super) mod evidence;
pub(super) mod incidents;
mod list;
pub(super) mod panel;
pub(super) mod records;
pub(super) mod reference;
pub(super) mod standards;
pub(super) mod statements;
pub(super) mod views;
pub(super) mod wider;

use super::problem::ApiError;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::routing::{MethodRouter, get};
use serde::de::DeserializeOwned;

/// Query parameters whose errors are problems that name the parameter.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::BadRequest(rejection.body_text())),
        }
    }
}

/// Serves the description of the API.
pub(super) fn description(description: utoipa::openapi::OpenApi) -> MethodRouter {
    get(move || std::future::ready(Json(description.clone())))
}
