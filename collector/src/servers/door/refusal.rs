//! Why a request for a test is not granted, and the answer that says so.
use super::TestCounters;
use crate::servers::admission::NoRoom;
use crate::servers::front::plain_text;
use crate::servers::tokens::NoEntry;
use crate::servers::websocket::upgrade::NoUpgrade;
use hyper::{Response, StatusCode};
use std::sync::atomic::AtomicU64;

/// The reason; `Q` is the protocol's for a bad query.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Refusal<Q> {
    #[error("there is no such test")]
    NotFound,
    #[error(transparent)]
    Upgrade(#[from] NoUpgrade),
    #[error("{0}")]
    Query(Q),
    #[error(transparent)]
    Token(#[from] NoEntry),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl<Q: std::fmt::Display> Refusal<Q> {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Upgrade(_) | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::NoRoom(NoRoom::Overload) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoRoom(NoRoom::Source) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// What counts it.
    pub(super) fn counter<'a>(&self, counters: &'a TestCounters) -> &'a AtomicU64 {
        match self {
            Self::NotFound | Self::Upgrade(_) | Self::Query(_) => &counters.refused_requests,
            Self::Token(_) => &counters.refused_token,
            Self::NoRoom(NoRoom::Overload) => &counters.refused_overload,
            Self::NoRoom(NoRoom::Source) => &counters.refused_source,
        }
    }

    /// The answer, which says why and closes the connection.
    pub(super) fn response(&self) -> Response<String> {
        plain_text(self.status(), self)
    }
}
