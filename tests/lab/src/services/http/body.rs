//! The body of an answer: given or made up, whole or cut.
use super::flushes::Flushes;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

/// Sent at a time, bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// A body.
#[derive(Debug)]
pub(in crate::services) struct Reply {
    /// None: made up.
    given: Option<Bytes>,
    length: u64,
    sent: u64,
    cut: Option<Cut>,
}

#[derive(Debug)]
struct Cut {
    after_bytes: u64,
    flushes: Flushes,
    /// Flushes before the last byte was handed over.
    before: Option<u64>,
}

impl Reply {
    pub(in crate::services) fn given(bytes: Bytes) -> Self {
        Self {
            length: bytes.len() as u64,
            given: Some(bytes),
            sent: 0,
            cut: None,
        }
    }

    /// A body of this length that does not compress.
    pub(super) fn made(length: u64) -> Self {
        Self {
            given: None,
            length,
            sent: 0,
            cut: None,
        }
    }

    /// Ends the connection after so many bytes, once they have left.
    pub(super) fn cut(mut self, after_bytes: u64, flushes: Flushes) -> Self {
        self.cut = Some(Cut {
            after_bytes,
            flushes,
            before: None,
        });
        self
    }

    fn next(&mut self, end: u64) -> Bytes {
        let begin = self.sent;
        let length = usize::try_from(end - begin).unwrap_or(usize::MAX);
        let length = length.min(CHUNK_BYTES);
        self.sent += length as u64;
        match &self.given {
            Some(bytes) => {
                let begin = usize::try_from(begin).unwrap_or(bytes.len());
                bytes.slice(begin..begin + length)
            }
            None => noise().slice(..length),
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let end = match &self.cut {
            Some(cut) => cut.after_bytes.min(self.length),
            None => self.length,
        };
        if self.sent < end {
            return Poll::Ready(Some(Ok(Frame::data(self.next(end)))));
        }
        let Some(cut) = &mut self.cut else {
            return Poll::Ready(None);
        };
        let before = *cut.before.get_or_insert_with(|| cut.flushes.count());
        match cut.flushes.poll_more_than(before, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.sent == self.length
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length - self.sent)
    }
}

/// Bytes of a linear congruential generator (Knuth's MMIX constants): the same in every run.
fn noise() -> &'static Bytes {
    static NOISE: OnceLock<Bytes> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut state: u64 = 1;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        (0..CHUNK_BYTES).map(|_| next()).collect()
    })
}
