//! The content of a file, made while it is sent.
use crate::servers::admission::Permit;
use crate::servers::front::body::Body;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Longest piece.
const PIECE_BYTES: usize = 64 << 10;

/// One file on its way; its place in the server is given back when it is dropped.
pub(super) struct Noise {
    content: Bytes,
    size: u64,
    left_bytes: u64,
    _permit: Permit,
}

impl Noise {
    pub(super) fn new(content: Bytes, size: u64, permit: Permit) -> Self {
        Self {
            content,
            size,
            left_bytes: size,
            _permit: permit,
        }
    }

    pub(super) fn boxed(self) -> Body {
        self.boxed_unsync()
    }

    fn piece(&mut self) -> Bytes {
        let done = (self.size - self.left_bytes) % self.content.len() as u64;
        let from = usize::try_from(done).expect("within the content");
        let left = usize::try_from(self.left_bytes).unwrap_or(PIECE_BYTES);
        let until = self.content.len().min(from + left.min(PIECE_BYTES));
        let piece = self.content.slice(from..until);
        self.left_bytes -= piece.len() as u64;
        piece
    }
}

impl hyper::body::Body for Noise {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left_bytes == 0 {
            return Poll::Ready(None);
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
