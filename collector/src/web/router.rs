//! Every route of the collector's web listener, on one screen.
use super::layers::{count, in_time, panicked, provenance, safe_headers};
use super::problem::ApiError;
use super::state::AppState;
use super::{api, conditional, health, pages};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
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
        .routes(routes!(api::reference::lists))
        .routes(routes!(api::statements::statements))
        .routes(routes!(api::wider::wider))
        .routes(routes!(api::cells::cells))
        .routes(routes!(api::comparisons::comparisons))
        .routes(routes!(api::composites::composites))
        .routes(routes!(api::standards::standards))
        .routes(routes!(api::panel::panel))
        .routes(routes!(api::incidents::incidents))
        .routes(routes!(api::incidents::incident))
        .routes(routes!(api::evidence::evidence))
        .routes(routes!(api::records::status))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(state.clone())
        .merge(intake.into())
        .split_for_parts();
    let here = state.clone();
    api.route("/api/v1/openapi.json", api::description(description))
        .merge(pages::routes().with_state(state.clone()))
        .method_not_allowed_fallback(wrong_method)
        .fallback(async move |uri: Uri, headers: HeaderMap| nothing_here(&here, &uri, &headers))
        .layer(from_fn(conditional::conditional))
        .layer(CompressionLayer::new())
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), count))
        .layer(from_fn_with_state(state, provenance))
        .layer(from_fn(safe_headers))
}

/// A page for a person's browser, a problem for every other client.
fn nothing_here(state: &AppState, uri: &Uri, headers: &HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return pages::not_found(headers, state);
    }
    let detail = format!(
        "nothing stands at {}; see /api/v1/openapi.json",
        uri.path().chars().take(200).collect::<String>()
    );
    ApiError::NotFound(detail).into_response()
}

async fn wrong_method(method: Method) -> ApiError {
    ApiError::MethodNotAllowed(method.to_string())
}
