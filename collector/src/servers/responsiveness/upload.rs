//! The sink of uploads: reads a body as fast as it comes, and forgets it.
use super::{LOAD_MAX_TIME, ResponsivenessCounters, Shared};
use crate::servers::admission::Permit;
use crate::servers::front::body::{self, Body};
use crate::servers::front::plain_text;
use crate::servers::websocket::conversation::OnDrop;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use std::sync::atomic::Ordering;
use tokio::time::timeout;
use tonle_wire::responsiveness::spec::LARGE_BYTES;

/// How the reading of a body ended.
enum End {
    Whole,
    TooLarge,
    Broken,
}

/// Discards the body of an admitted request, up to what a large object holds.
pub(super) async fn discard(shared: &Shared, permit: Permit, incoming: Incoming) -> Response<Body> {
    let counters = &shared.counters;
    ResponsivenessCounters::add(&counters.uploads_started, 1);
    counters.in_progress.fetch_add(1, Ordering::Relaxed);
    let _running = OnDrop(|| {
        counters.in_progress.fetch_sub(1, Ordering::Relaxed);
    });
    let end = timeout(LOAD_MAX_TIME, read(shared, incoming)).await;
    drop(permit);
    let refused = |status, why: &str| plain_text(status, why).map(body::whole);
    match end {
        Ok(End::Whole) => Response::new(body::whole("")),
        Ok(End::TooLarge) => refused(StatusCode::PAYLOAD_TOO_LARGE, "that is enough"),
        Ok(End::Broken) => refused(StatusCode::BAD_REQUEST, "the body broke off"),
        Err(_) => refused(StatusCode::REQUEST_TIMEOUT, "that took too long"),
    }
}

async fn read(shared: &Shared, mut incoming: Incoming) -> End {
    let mut received_bytes = 0_u64;
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else {
            return End::Broken;
        };
        let size_bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        ResponsivenessCounters::add(&shared.counters.received_bytes, size_bytes);
        received_bytes += size_bytes;
        if received_bytes > LARGE_BYTES {
            return End::TooLarge;
        }
    }
    End::Whole
}
