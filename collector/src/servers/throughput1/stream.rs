//! One stream from its handshake to its end. How a conversation goes stands in `conversation`.
//!
//! 1. It ends after the length asked for, with a last measurement and Close 1000 `Done sending`;
//!    the protocol's hard limit cuts off one that does not end.
//! 2. A byte limit ends a download exactly there, text included, and an upload at the first
//!    measurement that finds it reached.
use super::measure::Meter;
use super::{Shared, Throughput1Counters};
use crate::servers::front::Probe;
use crate::servers::websocket::conversation::{End, Obeyed, OnDrop, Outgoing, converse, orders};
use crate::servers::websocket::receiver::{Duty, Receiver};
use rand::{RngExt, rngs::StdRng};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tonle_net::clock::Stopwatch;
use tonle_wire::ndt7::frames::CLOSE_NORMAL;
use tonle_wire::throughput1::scaling::Scaling;
use tonle_wire::throughput1::spec::{HARD_LIMIT_MS, measurement_wait_us};
use tonle_wire::throughput1::{Direction, Query};

/// Reason of the Close, as msak-server words it.
const DONE: &str = "Done sending";

/// A granted stream.
pub(super) struct Stream<'a> {
    pub(super) shared: &'a Shared,
    pub(super) kernel: Arc<Probe>,
    pub(super) direction: Direction,
    pub(super) query: Query,
    pub(super) cancel: &'a CancellationToken,
}

impl Stream<'_> {
    /// Runs it. `already_read` are bytes that came with the HTTP request.
    pub(super) async fn run<S>(self, stream: S, already_read: Bytes)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let counters = &*self.shared.counters;
        let (started, moved) = match self.direction {
            Direction::Download => (&counters.downloads_started, &counters.sent_bytes),
            Direction::Upload => (&counters.uploads_started, &counters.received_bytes),
        };
        Throughput1Counters::add(started, 1);
        counters.in_progress.fetch_add(1, Ordering::Relaxed);
        let _running = OnDrop(|| {
            counters.in_progress.fetch_sub(1, Ordering::Relaxed);
        });

        let stock = self.shared.config.wanted_congestion_control();
        let wanted = self.query.congestion_control.or(stock);
        let congestion_control = self.kernel.use_congestion_control(wanted);
        let clock = Stopwatch::start();
        let received_bytes = AtomicU64::new(0);
        let (pongs, close, inbox) = orders(self.cancel.clone());
        let (read_half, write_half) = tokio::io::split(stream);
        let mut receiver = Receiver::new(read_half, &already_read, Duty::Count, pongs);
        let mut sender = Sender {
            out: Outgoing::new(write_half, inbox),
            stream: &self,
            clock,
            meter: Meter::new(&self.kernel, clock, congestion_control),
            received: &received_bytes,
            scaling: Scaling::new(self.download_limit_bytes()),
        };
        let conversation = async {
            let end = converse(sender.run(), &mut receiver, &close, &received_bytes).await;
            sender.out.shut_down(end).await;
            end
        };
        let hard_limit = Duration::from_millis(HARD_LIMIT_MS);
        let end = tokio::time::timeout(hard_limit, conversation)
            .await
            .unwrap_or(End::CutOff);

        let ended = match end {
            End::Closed => &counters.closed,
            End::RuleBroken | End::Lost | End::CutOff => &counters.broken_off,
        };
        Throughput1Counters::add(ended, 1);
        let size_bytes = match self.direction {
            Direction::Download => sender.scaling.sent_bytes(),
            Direction::Upload => received_bytes.load(Ordering::Relaxed),
        };
        Throughput1Counters::add(moved, size_bytes);
        tracing::debug!(
            direction = self.direction.as_str(),
            ?end,
            size_bytes,
            duration_ms = clock.elapsed_us() / 1000,
            client_name = self.query.get("client_name"),
            "throughput1: a stream ended"
        );
    }

    fn download_limit_bytes(&self) -> Option<u64> {
        let limit_bytes = self.query.limit_bytes;
        limit_bytes.filter(|_| self.direction == Direction::Download)
    }

    fn length_us(&self) -> i64 {
        i64::try_from(self.query.duration_ms * 1000).unwrap_or(i64::MAX)
    }
}

/// Writes one stream's messages.
struct Sender<'a, S> {
    out: Outgoing<S>,
    stream: &'a Stream<'a>,
    clock: Stopwatch,
    meter: Meter<'a>,
    received: &'a AtomicU64,
    /// Counts what is sent, on an upload too.
    scaling: Scaling,
}

impl<S: AsyncWrite> Sender<'_, S> {
    /// Writes until a Close is written.
    async fn run(&mut self) -> io::Result<()> {
        let mut rng: StdRng = rand::make_rng();
        let length_us = self.stream.length_us();
        let mut next_us = measurement_wait_us(rng.random());
        loop {
            if self.out.obeyed().await? == Obeyed::Closed {
                return Ok(());
            }
            let now_us = self.clock.elapsed_us();
            let is_last = now_us >= length_us || self.scaling.next_bytes().is_none();
            if is_last || now_us >= next_us {
                self.measure().await?;
                if is_last || self.upload_is_complete() {
                    return self.out.close(CLOSE_NORMAL, DONE).await;
                }
                next_us = self.clock.elapsed_us() + measurement_wait_us(rng.random());
                continue;
            }
            match self.stream.direction {
                Direction::Download => self.write_load().await?,
                Direction::Upload => self.out.wait(next_us.min(length_us) - now_us).await?,
            }
        }
    }

    async fn measure(&mut self) -> io::Result<()> {
        let received_bytes = self.received.load(Ordering::Relaxed);
        let measurement = self
            .meter
            .measure(self.scaling.sent_bytes(), received_bytes);
        let json = measurement.to_json();
        self.scaling.sent_text(json.len());
        self.out.text(&json).await
    }

    async fn write_load(&mut self) -> io::Result<()> {
        let Some(size) = self.scaling.next_bytes() else {
            return Ok(());
        };
        let load = &self.stream.shared.load;
        match load.of_size(size) {
            Some(frame) => self.out.write_load(frame).await?,
            None => self.out.write_load(&load.trimmed(size)).await?,
        }
        self.scaling.sent_binary(size);
        Ok(())
    }

    fn upload_is_complete(&self) -> bool {
        let is_upload = self.stream.direction == Direction::Upload;
        let limit_bytes = self.stream.query.limit_bytes.filter(|_| is_upload);
        limit_bytes.is_some_and(|limit| self.received.load(Ordering::Relaxed) >= limit)
    }
}
