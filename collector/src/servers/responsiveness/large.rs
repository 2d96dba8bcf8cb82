//! The large object: eight gigabytes that no compressor shortens, made while they are sent.
//!
//! It is cut into pieces no longer than what the line takes in 5 ms, so that a small object on the
//! same connection waits for one such piece and no longer.
use super::{LOAD_MAX_TIME, ResponsivenessCounters, Shared};
use crate::servers::admission::Permit;
use crate::servers::front::Caller;
use crate::servers::front::body::Body;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tonle_net::clock::Stopwatch;
use tonle_net::unsent::UnsentLimit;
use tonle_wire::responsiveness::spec::LARGE_BYTES;

/// Shortest piece: below it, headers of frames and of TLS would weigh more than a twentieth.
const PIECE_MIN_BYTES: usize = 1 << 10;
/// Longest piece: one frame of HTTP/2.
const PIECE_MAX_BYTES: usize = 16 << 10;

/// One large object on its way.
struct Large {
    shared: Arc<Shared>,
    _permit: Permit,
    limit: Option<UnsentLimit>,
    clock: Stopwatch,
    left_bytes: u64,
}

/// The object for an admitted request.
pub(super) fn body(shared: &Arc<Shared>, permit: Permit, caller: &Caller) -> Body {
    let counters = &shared.counters;
    ResponsivenessCounters::add(&counters.downloads_started, 1);
    counters.in_progress.fetch_add(1, Ordering::Relaxed);
    let large = Large {
        shared: Arc::clone(shared),
        _permit: permit,
        limit: caller.kernel.unsent_limit().ok(),
        clock: Stopwatch::start(),
        left_bytes: LARGE_BYTES,
    };
    large.boxed_unsync()
}

impl Large {
    fn piece(&mut self) -> Bytes {
        let limit = self
            .limit
            .as_mut()
            .map_or(PIECE_MAX_BYTES, UnsentLimit::bytes);
        let size = limit.clamp(PIECE_MIN_BYTES, PIECE_MAX_BYTES);
        let size = size.min(usize::try_from(self.left_bytes).unwrap_or(size));
        let noise = &self.shared.noise;
        let done = usize::try_from((LARGE_BYTES - self.left_bytes) % noise.len() as u64);
        let from = done.expect("within the noise");
        let piece = noise.slice(from..noise.len().min(from + size));
        self.left_bytes -= piece.len() as u64;
        ResponsivenessCounters::add(&self.shared.counters.sent_bytes, piece.len() as u64);
        piece
    }
}

impl hyper::body::Body for Large {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left_bytes == 0 {
            return Poll::Ready(None);
        }
        let so_far = Duration::from_micros(self.clock.elapsed_us().unsigned_abs());
        if so_far >= LOAD_MAX_TIME {
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left_bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes)
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        let running = &self.shared.counters.in_progress;
        running.fetch_sub(1, Ordering::Relaxed);
    }
}
