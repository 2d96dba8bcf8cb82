//! The end of what a program writes to one of its pipes, and whether a certain line was in it.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;
use tokio::time::timeout;

/// Kept of each pipe, bytes.
const TAIL_BYTES: usize = 64 * 1024;

/// The end of a pipe's text.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    bytes: Arc<Mutex<Vec<u8>>>,
    seen: watch::Receiver<bool>,
}

impl Tail {
    /// Reads a pipe to its end in a task. `wanted` is looked for within lines.
    pub(super) fn follow(
        mut pipe: impl AsyncRead + Unpin + Send + 'static,
        wanted: Option<&str>,
    ) -> Self {
        let (tell, seen) = watch::channel(false);
        let tail = Self {
            bytes: Arc::default(),
            seen,
        };
        let bytes = Arc::clone(&tail.bytes);
        let wanted = wanted.map(|text| text.as_bytes().to_vec());
        tokio::spawn(async move {
            let mut chunk = vec![0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
                let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                let before = bytes.len();
                bytes.extend_from_slice(&chunk[..length]);
                if let Some(wanted) = &wanted
                    && contains(&bytes[before.saturating_sub(wanted.len())..], wanted)
                {
                    tell.send_replace(true);
                }
                let excess = bytes.len().saturating_sub(TAIL_BYTES);
                bytes.drain(..excess);
            }
        });
        tail
    }

    /// Waits until the wanted text was seen; for ever when it never is.
    pub(super) async fn seen(&self) {
        let mut seen = self.seen.clone();
        if seen.wait_for(|seen| *seen).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until everything was read, or `within` is over.
    pub(super) async fn end(&self, within: Duration) {
        let mut seen = self.seen.clone();
        let closed = async { while seen.changed().await.is_ok() {} };
        let _ = timeout(within, closed).await;
    }

    pub(super) fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted)
}
