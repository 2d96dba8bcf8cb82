//! Conditional requests: an answer that has not changed is not sent again (RFC 9110, section 13).
//!
//! The validator is weak (`W/"…"`): the same content may travel compressed or not.
use super::problem::ApiError;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tonle_evidence::hash::sha256;

/// Longest answer that is held in memory to be tagged; longer than any that a handler gives.
const ANSWER_MAX_BYTES: usize = 64 << 20;
/// Marks answers of which no copy may stay anywhere: a tag would be one.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Characters of the hash that stand in a tag.
const TAG_CHARS: usize = 32;

/// Adds an `ETag` to every full answer to GET and answers 304 when the client has it.
pub(super) async fn conditional(request: Request, next: Next) -> Response {
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let may_be_kept = response.headers().get(CACHE_CONTROL) != Some(&NO_STORE);
    if !is_get || response.status() != StatusCode::OK || !may_be_kept {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, ANSWER_MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return ApiError::internal(error).into_response(),
    };
    let tag = tag(&bytes);
    let unchanged = known.is_some_and(|known| names(&known, &tag));
    complete(&mut parts.headers, tag);
    if unchanged {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn tag(bytes: &Bytes) -> HeaderValue {
    let hash = sha256(bytes).to_string();
    HeaderValue::from_str(&format!("W/\"{}\"", &hash[..TAG_CHARS]))
        .expect("hex and quotes are allowed in a header")
}

fn complete(headers: &mut HeaderMap, tag: HeaderValue) {
    headers.insert(ETAG, tag);
    let revalidate = HeaderValue::from_static("no-cache");
    headers.entry(CACHE_CONTROL).or_insert(revalidate);
}

/// True when the list of a client's tags names this one, or any (`*`). Weak comparison.
fn names(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let opaque = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else {
        return false;
    };
    known
        .split(',')
        .any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}
