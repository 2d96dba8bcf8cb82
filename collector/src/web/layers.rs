//! What surrounds every handler: headers that keep browsers safe, limits, and a net under panics.
use super::problem::ApiError;
use super::state::AppState;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::time::Duration;
use tonle_evidence::entry::Provenance;

/// Longest a handler may take before the client is told to come back.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);
/// When a client whose request took too long may come back.
const RETRY_AFTER_S: u32 = 10;

/// Headers of every answer. Pages need no script, take nothing from elsewhere, and tell nobody where
/// the reader came from: the address of a device's page is a secret.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// Names where the data of an answer come from, where that is not measurement.
pub(super) const PROVENANCE: HeaderName = HeaderName::from_static("tonle-provenance");

/// Adds [`HEADERS`] where a handler did not set its own.
pub(super) async fn safe_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Says on every answer, of pages, interface and exports alike, that what it holds was made by a program.
pub(super) async fn provenance(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if state.is_synthetic() {
        let word = HeaderValue::from_static(Provenance::Synthetic.as_str());
        response.headers_mut().insert(PROVENANCE, word);
    }
    response
}

/// Counts answers by route, as it is declared, and class of status.
pub(super) async fn count(
    State(state): State<AppState>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", |route| route.as_str());
    let class = status_class(response.status());
    let labels = [route, class];
    state
        .metrics
        .http_requests_total
        .with_label_values(&labels)
        .inc();
    response
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 | 2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// Ends a handler that takes too long.
pub(super) async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(HANDLER_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Unavailable {
            detail: format!(
                "no answer within {} s; try again",
                HANDLER_TIMEOUT.as_secs()
            ),
            retry_after_s: RETRY_AFTER_S,
        }
        .into_response(),
    }
}

/// The answer when a handler panicked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that CatchPanicLayer asks for"
)]
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> axum::http::Response<Body> {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    ApiError::internal(format!("handler panicked: {text}")).into_response()
}
