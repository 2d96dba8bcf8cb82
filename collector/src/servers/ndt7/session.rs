//! One test from its handshake to its end. How a conversation goes stands in `conversation`; after
//! the nominal time the server ends it, and whatever happens it is cut off at the hard limit.
use super::sender::Sender;
use super::{Ndt7Counters, Shared};
use crate::servers::busy::Busy;
use crate::servers::front::Probe;
use crate::servers::websocket::conversation::{End, OnDrop, Outgoing, converse, orders};
use crate::servers::websocket::receiver::{Duty, Receiver};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tonle_net::clock::{Stopwatch, wall_us};
use tonle_wire::ndt7::archive::Finished;
use tonle_wire::ndt7::query::Query;
use tonle_wire::ndt7::{Direction, Measurement};

/// A granted test.
pub(super) struct Session<'a> {
    pub(super) shared: &'a Shared,
    pub(super) kernel: Arc<Probe>,
    pub(super) direction: Direction,
    pub(super) query: Query,
    pub(super) cancel: &'a CancellationToken,
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
        let duty = match self.direction {
            Direction::Download => Duty::TextOnly,
            Direction::Upload => Duty::Count,
        };
        let mut receiver = Receiver::new(read_half, &already_read, duty, pongs);
        let mut sender = Sender {
            out: Outgoing::new(write_half, inbox),
            session: &self,
            clock,
            busy: Busy::begin(),
            load_bytes: &load_bytes,
            sent: self.shared.archive.is_some().then(Vec::new),
        };
        let conversation = async {
            let end = converse(sender.run(), &mut receiver, &close, &load_bytes).await;
            sender.out.shut_down(end).await;
            end
        };
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
