//! One test from its handshake to its end.
//!
//! Rules:
//! 1. After the nominal time the server sends Close 1000 and gives the client a moment to answer,
//!    reading on meanwhile: closing with unread data would reset the connection under the Close.
//! 2. A client may end at any time, with or without a Close; neither is an error.
//! 3. A broken rule is answered with its close code.
//! 4. Whatever happens, the test is cut off at the hard limit.
use super::receiver::{Received, Receiver};
use super::sender::{Sender, orders};
use super::{Ndt7Counters, Shared};
use crate::servers::busy::Busy;
use crate::servers::front::Probe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tonle_net::clock::{Stopwatch, wall_us};
use tonle_wire::ndt7::archive::Finished;
use tonle_wire::ndt7::query::Query;
use tonle_wire::ndt7::{Direction, Measurement};

/// How long the other side may take to answer a Close, so that a test ends by 13 s (the upper
/// bound of the specification).
const FAREWELL: Duration = Duration::from_secs(3);

/// A granted test.
pub(super) struct Session<'a> {
    pub(super) shared: &'a Shared,
    pub(super) kernel: Probe,
    pub(super) direction: Direction,
    pub(super) query: Query,
    pub(super) cancel: &'a CancellationToken,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// With a Close from either side.
    Closed,
    /// The client broke the protocol.
    RuleBroken,
    /// The connection ended without a Close.
    Lost,
    /// At the hard limit.
    CutOff,
}

impl Session<'_> {
    /// Runs the test. `already_read` are bytes that came with the HTTP request.
    pub(super) async fn run<S>(self, stream: S, already_read: Bytes)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let counters = &*self.shared.counters;
        let started = match self.direction {
            Direction::Download => &counters.downloads_started,
            Direction::Upload => &counters.uploads_started,
        };
        Ndt7Counters::add(started, 1);
        counters.in_progress.fetch_add(1, Ordering::Relaxed);
        let _running = OnDrop(|| {
            counters.in_progress.fetch_sub(1, Ordering::Relaxed);
        });

        let config = &self.shared.config;
        let (clock, start_us) = (Stopwatch::start(), wall_us());
        let congestion_control = self
            .kernel
            .use_congestion_control(config.wanted_congestion_control());
        let load_bytes = AtomicU64::new(0);
        let (pongs, close, inbox) = orders(self.cancel.clone());
        let (read_half, write_half) = tokio::io::split(stream);
        let mut receiver = Receiver::new(read_half, &already_read, self.direction, pongs);
        let mut sender = Sender {
            writer: write_half,
            session: &self,
            clock,
            busy: Busy::begin(),
            load_bytes: &load_bytes,
            inbox,
            sent: self.shared.archive.is_some().then(Vec::new),
        };
        let conversation = converse(&mut sender, &mut receiver, &close, &load_bytes);
        let end = tokio::time::timeout(config.test_length.hard_limit, conversation)
            .await
            .unwrap_or(End::CutOff);

        let sent = sender.sent.take();

        let ended = match end {
            End::Closed => &counters.closed,
            End::RuleBroken | End::Lost | End::CutOff => &counters.broken_off,
        };
        Ndt7Counters::add(ended, 1);
        let moved = match self.direction {
            Direction::Download => &counters.sent_bytes,
            Direction::Upload => &counters.received_bytes,
        };
        let size_bytes = load_bytes.load(Ordering::Relaxed);
        Ndt7Counters::add(moved, size_bytes);
        tracing::debug!(
            direction = self.direction.as_str(),
            ?end,
            size_bytes,
            duration_ms = clock.elapsed_us() / 1000,
            congestion_control,
            client_name = self.query.get("client_name"),
            "ndt7: a test ended"
        );
        self.keep(start_us, sent.unwrap_or_default()).await;
    }

    /// Archives the test, however it ended, where tests are archived. One whose connection has no
    /// name could not be told from others and is left out.
    async fn keep(&self, start_us: i64, server_measurements: Vec<Measurement>) {
        let (Some(archive), Some(uuid)) = (&self.shared.archive, self.kernel.uuid()) else {
            return;
        };
        let test = Finished {
            version: env!("CARGO_PKG_VERSION"),
            server: self.kernel.server(),
            uuid,
            direction: self.direction,
            start_us,
            end_us: wall_us(),
            server_measurements,
            metadata: &self.query.metadata,
        };
        archive.keep(&test).await;
    }
}

/// Runs both halves until one ends the conversation, then lets the other finish.
async fn converse<S>(
    sender: &mut Sender<'_, S>,
    receiver: &mut Receiver<S>,
    close: &tokio::sync::watch::Sender<Option<u16>>,
    load_bytes: &AtomicU64,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let end = {
        let sending = sender.run();
        tokio::pin!(sending);
        let first = tokio::select! {
            sent = &mut sending => Err(sent),
            heard = receiver.run(load_bytes) => Ok(heard),
        };
        match first {
            Err(Err(_)) | Ok(Received::Lost) => return End::Lost,
            Err(Ok(())) => {
                // Whatever the client answers, or not: the test is complete.
                let _ = tokio::time::timeout(FAREWELL, receiver.run(load_bytes)).await;
                End::Closed
            }
            Ok(Received::Close { answer }) => {
                close.send_replace(Some(answer));
                let _ = tokio::time::timeout(FAREWELL, sending).await;
                End::Closed
            }
            Ok(Received::RuleBroken { code }) => {
                close.send_replace(Some(code));
                let goodbye = async { tokio::join!(sending, receiver.drain()) };
                let _ = tokio::time::timeout(FAREWELL, goodbye).await;
                End::RuleBroken
            }
        }
    };
    // For TLS this is the proof that nothing was cut off; the connection ends either way.
    let _ = tokio::time::timeout(FAREWELL, sender.shut_down()).await;
    end
}

/// Does something when it goes out of scope, also when the test is dropped halfway.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
