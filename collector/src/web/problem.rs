//! Errors as clients see them: problem details (RFC 9457) that say what to do.
//!
//! Internal text never leaves: a 500 says that it is ours and no more, and the cause goes to the log
//! once, here.
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::error::Error;
use tonle_evidence::hash::Hash;
use utoipa::ToSchema;

/// Media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not answered as asked. Each detail is one line for a person, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: a parameter or body cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// 401: credentials or a proof are missing or wrong.
    #[error("{0}")]
    Unauthorized(String),
    /// 403: understood, and refused.
    #[error("{0}")]
    Forbidden(String),
    /// 404: nothing stands at this address.
    #[error("{0}")]
    NotFound(String),
    /// 404: the collector does not hold this record.
    #[error("this collector does not hold record {0}; send it again")]
    UnknownRecord(Hash),
    /// 405: the address exists, the method does not.
    #[error("this address does not take the method {0}; see /api/v1/openapi.json")]
    MethodNotAllowed(String),
    /// 409: it contradicts what is already there.
    #[error("{0}")]
    Conflict(String),
    /// 410: it was there and will not come back.
    #[error("{0}")]
    Gone(String),
    /// 413: the body is too long.
    #[error("{0}")]
    TooLarge(String),
    /// 415: the body's type or coding is none that is read here.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// 422: well formed, and not acceptable.
    #[error("{0}")]
    Unprocessable(String),
    /// 429: too many requests.
    #[error("too many requests; wait {retry_after_s} s")]
    TooManyRequests {
        /// When to come back.
        retry_after_s: u32,
    },
    /// 503: not now.
    #[error("{detail}")]
    Unavailable {
        /// What is not there.
        detail: String,
        /// When to come back.
        retry_after_s: u32,
    },
    /// 500: our fault.
    #[error("internal server error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

/// The body of a problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// One line for a person, with the remedy.
    detail: String,
    /// The record that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    record_hash: Option<Hash>,
    /// `unknown`: what is known of that record.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl ApiError {
    /// Wraps an error that is ours.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// The status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::UnknownRecord(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Gone(_) => StatusCode::GONE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::TooManyRequests { retry_after_s } | Self::Unavailable { retry_after_s, .. } => {
                Some(*retry_after_s)
            }
            _ => None,
        }
    }

    fn problem(&self) -> Problem {
        let status = self.status();
        let record_hash = match self {
            Self::UnknownRecord(hash) => Some(*hash),
            _ => None,
        };
        Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: self.to_string(),
            record_hash,
            state: record_hash.map(|_| "unknown"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Internal(error) = &self {
            tracing::error!(%error, "a request failed: {error}");
        }
        let body = serde_json::to_vec(&self.problem()).expect("a flat object is always JSON");
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_inside_is_not_told_outside() {
        let error = ApiError::internal("disk /srv/secret is full");
        let body = serde_json::to_string(&error.problem()).unwrap();
        assert!(!body.contains("secret"), "{body}");
        assert!(body.contains("\"status\":500"), "{body}");
    }

    #[test]
    fn a_client_that_must_wait_is_told_how_long() {
        let response = ApiError::TooManyRequests { retry_after_s: 7 }.into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "7");
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    }
}
