//! Every route of the collector's web listener, on one screen.
use super::layers::{count, in_time, panicked, safe_headers};
use super::problem::ApiError;
use super::state::AppState;
use super::{api, conditional, health};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Longest body of a request outside intake, which has its own limits.
const BODY_MAX_BYTES: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "Tonle collector",
    description = "Quality-of-service and openness evidence by province, among volunteers \
                   measured. A statement is in one of four states: no_data, suppressed (fewer than \
                   5 independent agents: no count of anything), insufficient (counts, no figure), \
                   estimate (median with a 95 % interval). Errors are problem details (RFC 9457).",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

/// The web listener: intake (which brings its own state), API, health and pages.
pub fn router(state: AppState, intake: impl Into<OpenApiRouter>) -> Router {
    let (api, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(api::reference::country))
        .routes(routes!(api::reference::provinces))
        .routes(routes!(api::reference::metrics))
        .routes(routes!(api::reference::targets))
        .routes(routes!(api::statements::statements))
        .routes(routes!(api::records::status))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(state.clone())
        .merge(intake.into())
        .split_for_parts();
    api.route("/api/v1/openapi.json", api::description(description))
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_here)
        .layer(from_fn(conditional::conditional))
        .layer(CompressionLayer::new())
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state, count))
        .layer(from_fn(safe_headers))
}

async fn nothing_here(uri: Uri) -> ApiError {
    let detail = format!(
        "nothing stands at {}; see /api/v1/openapi.json",
        uri.path().chars().take(200).collect::<String>()
    );
    ApiError::NotFound(detail)
}

async fn wrong_method(method: Method) -> ApiError {
    ApiError::MethodNotAllowed(method.to_string())
}
