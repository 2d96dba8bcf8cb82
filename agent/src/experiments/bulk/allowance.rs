//! The bytes that a connection may still move. A server that sends more than it was asked for, in
//! frames of any size, is not read any further: no message, however large, takes a run beyond its
//! budget.
use crate::budget::THROUGHPUT_MIN_BYTES;
use socket2::SockRef;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonle_net::meter::Meter;
use tonle_net::tcp_info;
use tonle_net::websocket::Error;

/// Runs of fewer bytes than this keep little waiting. No run by schedule is so small: a small
/// receive buffer would hold the rate of a long line back.
const SMALL_RUN_BYTES: u64 = THROUGHPUT_MIN_BYTES;
/// What may wait unread is one part in this many of a small run.
const WAITING_SHARE: u64 = 64;
/// Taken for the largest receive buffer where the kernel does not tell, bytes.
const UNREAD_UNTOLD_BYTES: u64 = 64 << 20;
/// Smallest receive buffer that is asked for, bytes.
const BUFFER_MIN_BYTES: u64 = 8 << 10;

/// Bounds what the kernel takes in before we read it, where that could be more than a run may use.
/// Larger runs keep the buffers that fast and distant servers need. Best effort.
pub(in crate::experiments) fn keep_little_waiting(stream: &TcpStream, run_max_bytes: u64) {
    if run_max_bytes >= SMALL_RUN_BYTES {
        return;
    }
    let bytes = (run_max_bytes / WAITING_SHARE).max(BUFFER_MIN_BYTES);
    let bytes = usize::try_from(bytes).expect("a share of a small run");
    if let Err(error) = SockRef::from(stream).set_recv_buffer_size(bytes) {
        tracing::debug!(%error, "throughput: the receive buffer stays as it is: {error}");
    }
}

/// The most that the kernel can hold of a connection before we read it, bytes: the largest receive
/// buffer that it may give (tcp(7), `tcp_rmem`).
fn unread_max_bytes() -> u64 {
    let told = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_rmem").ok();
    let largest = told.and_then(|text| text.split_whitespace().nth(2)?.parse().ok());
    largest.unwrap_or(UNREAD_UNTOLD_BYTES)
}

/// The count of the run's bytes at which its connection is not read any further.
#[derive(Debug, Clone)]
pub(in crate::experiments) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    pub(in crate::experiments) fn up_to(run_bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(run_bytes)))
    }

    /// Changes it from now on.
    pub(in crate::experiments) fn set(&self, run_bytes: u64) {
        self.0.store(run_bytes, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a stream is not read any further.
#[derive(Debug, thiserror::Error)]
#[error("the run's bytes are spent")]
struct Spent;

/// Whether this error says that the bytes are spent.
pub(in crate::experiments) fn is_spent(error: &Error) -> bool {
    let Error::Io(error) = error else {
        return false;
    };
    let Some(inner) = error.get_ref() else {
        return false;
    };
    inner.is::<Spent>()
}

/// A metered stream that obeys an allowance when it is read.
pub(in crate::experiments) struct Bounded<S> {
    inner: S,
    meter: Meter,
    allowance: Allowance,
    kernel: Option<OwnedFd>,
    read_bytes: u64,
    unread_max_bytes: u64,
}

impl<S> Bounded<S> {
    /// `inner` counts into `meter`; `kernel` is a second handle on its socket.
    pub(in crate::experiments) fn new(
        inner: S,
        meter: Meter,
        allowance: Allowance,
        kernel: Option<OwnedFd>,
    ) -> Self {
        Self {
            inner,
            meter,
            allowance,
            kernel,
            read_bytes: 0,
            unread_max_bytes: unread_max_bytes(),
        }
    }

    /// What was read and what waits in the kernel to be read: both crossed the line. The kernel is
    /// only asked where what may wait there could make the difference.
    fn is_spent(&self) -> bool {
        let left = self.allowance.get().saturating_sub(self.meter.bytes());
        left == 0 || (left <= self.unread_max_bytes && self.waiting_bytes() >= left)
    }

    fn waiting_bytes(&self) -> u64 {
        let kernel = self.kernel.as_ref();
        let info = kernel.and_then(|kernel| tcp_info::read(kernel).ok());
        let arrived = info.and_then(|info| info.bytes_received).unwrap_or(0);
        u64::try_from(arrived)
            .unwrap_or(0)
            .saturating_sub(self.read_bytes)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_spent() {
            return Poll::Ready(Err(io::Error::other(Spent)));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.read_bytes += (buffer.filled().len() - before) as u64;
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tonle_net::meter::Metered;

    #[tokio::test]
    async fn a_stream_is_read_up_to_its_allowance_and_no_further() {
        let (near, mut far) = tokio::io::duplex(4);
        let (meter, allowance) = (Meter::default(), Allowance::up_to(8));
        let near = Metered::new(near, meter.clone());
        let mut near = Bounded::new(near, meter.clone(), allowance.clone(), None);
        tokio::spawn(async move { far.write_all(&[7; 100]).await });
        near.read_exact(&mut [0; 8]).await.unwrap();
        let refused = near.read_exact(&mut [0; 1]).await.unwrap_err();
        assert!(is_spent(&Error::Io(refused)));
        assert_eq!(meter.bytes(), 8);
        allowance.set(9);
        near.read_exact(&mut [0; 1]).await.unwrap();
    }
}
