//! A stream that takes the next bytes only when the socket has taken those before.
//!
//! TLS keeps up to 64 KiB that the socket did not take. On a slow line that is half a second in
//! which nothing more urgent can overtake: what is sent on one connection of HTTP/2 would wait for
//! our own buffers, and a measurement would measure those.
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Writes through, one write at a time. See the top of this file.
#[derive(Debug)]
pub struct Prompt<S> {
    inner: S,
    is_written: bool,
}

impl<S> Prompt<S> {
    /// Nothing of `inner` waits yet.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            is_written: false,
        }
    }
}

impl<S: AsyncWrite + Unpin> Prompt<S> {
    /// Whether everything written before is with the socket.
    fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_written {
            ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
            self.is_written = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prompt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prompt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_taken(cx))?;
        self.is_written = true;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_taken(cx))?;
        self.is_written = true;
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_taken(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};

    #[tokio::test]
    async fn a_second_write_waits_until_the_first_left_our_buffers() {
        let (near, mut far) = tokio::io::duplex(4);
        // A writer that, like TLS, takes much more than the socket does.
        let mut near = Prompt::new(BufWriter::with_capacity(1 << 16, near));
        near.write_all(b"12345678").await.unwrap();
        let second = poll_fn(|cx| {
            let polled = Pin::new(&mut near).poll_write(cx, b"9");
            Poll::Ready(polled.is_pending())
        });
        assert!(second.await, "taken while the first still waits");
        let writing = async {
            near.write_all(b"9").await?;
            near.flush().await
        };
        let mut read = [0; 9];
        let (written, got) = tokio::join!(writing, far.read_exact(&mut read));
        written.unwrap();
        got.unwrap();
        assert_eq!(&read, b"123456789");
    }
}
