//! The writing half of a test: load, measurements, Pings, Pongs and the Close.
//!
//! One message is written at a time and never abandoned halfway, so a measurement waits for the
//! load message before it. Those are at most a sixteenth of what was sent, and so of the time.
use super::measure::measure;
use super::session::Session;
use crate::servers::busy::Busy;
use rand::{Rng, RngExt, rngs::StdRng};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonle_net::clock::{self, Stopwatch};
use tonle_wire::ndt7::frames::{CLOSE_GOING_AWAY, CLOSE_NORMAL, Opcode, close_frame, server_frame};
use tonle_wire::ndt7::scaling::Scaling;
use tonle_wire::ndt7::spec::{MESSAGE_SENT_MAX_BYTES, MESSAGE_START_BYTES, measurement_wait_us};
use tonle_wire::ndt7::{Direction, Measurement};

/// Pongs that wait for a place between load messages.
const PONGS_MAX: usize = 8;
/// Reason of the Close, as ndt-server words it.
const DONE: &str = "Done sending";
/// Reason of the Close when the server stops.
const GOING_AWAY: &str = "server stops";

/// Load messages of every size, framed once for the life of the server. Random, so that nothing on
/// the path can compress them.
pub(super) struct LoadFrames(Vec<Vec<u8>>);

impl LoadFrames {
    pub(super) fn random(rng: &mut StdRng) -> Self {
        let sizes = std::iter::successors(Some(MESSAGE_START_BYTES), |size| Some(size * 2))
            .take_while(|size| *size <= MESSAGE_SENT_MAX_BYTES);
        let frame = |size| {
            let mut payload = vec![0; size];
            rng.fill_bytes(&mut payload);
            server_frame(Opcode::Binary, &payload)
        };
        Self(sizes.map(frame).collect())
    }

    fn of_size(&self, payload_bytes: usize) -> &[u8] {
        let doublings = (payload_bytes / MESSAGE_START_BYTES).ilog2() as usize;
        &self.0[doublings]
    }
}

/// What the sender is told while it writes.
pub(super) struct Inbox {
    pongs: mpsc::Receiver<Vec<u8>>,
    close: watch::Receiver<Option<u16>>,
    cancel: CancellationToken,
}

/// The ways to tell the sender something: payloads to answer Pings with, and a code to close with.
pub(super) fn orders(
    cancel: CancellationToken,
) -> (mpsc::Sender<Vec<u8>>, watch::Sender<Option<u16>>, Inbox) {
    let (pongs_in, pongs) = mpsc::channel(PONGS_MAX);
    let (close_in, close) = watch::channel(None);
    let inbox = Inbox {
        pongs,
        close,
        cancel,
    };
    (pongs_in, close_in, inbox)
}

/// Writes one test's messages.
pub(super) struct Sender<'a, S> {
    pub(super) writer: WriteHalf<S>,
    pub(super) session: &'a Session<'a>,
    pub(super) clock: Stopwatch,
    pub(super) busy: Busy,
    pub(super) load_bytes: &'a AtomicU64,
    pub(super) inbox: Inbox,
    /// What was sent, for an archive; `None` where nothing is kept.
    pub(super) sent: Option<Vec<Measurement>>,
}

impl<S: AsyncWrite> Sender<'_, S> {
    /// Writes until a Close is written.
    pub(super) async fn run(&mut self) -> io::Result<()> {
        let mut rng: StdRng = rand::make_rng();
        let mut scaling = Scaling::default();
        let mut next_measurement_us = wait_us(&mut rng);
        let nominal_us = micros(self.session.shared.config.test_length.nominal);
        loop {
            let ordered = *self.inbox.close.borrow_and_update();
            if let Some(code) = ordered {
                return self.write(&close_frame(code, "")).await;
            }
            if self.inbox.cancel.is_cancelled() {
                return self.write(&close_frame(CLOSE_GOING_AWAY, GOING_AWAY)).await;
            }
            while let Ok(payload) = self.inbox.pongs.try_recv() {
                self.write(&server_frame(Opcode::Pong, &payload)).await?;
            }
            let now_us = self.clock.elapsed_us();
            let time_is_up = now_us >= nominal_us;
            if time_is_up || now_us >= next_measurement_us {
                let measurement = self.measure().await?;
                if time_is_up || self.exits_early(&measurement) {
                    return self.write(&close_frame(CLOSE_NORMAL, DONE)).await;
                }
                next_measurement_us = self.clock.elapsed_us() + wait_us(&mut rng);
                continue;
            }
            match self.session.direction {
                Direction::Download => self.write_load(&mut scaling).await?,
                Direction::Upload => {
                    let until_us = next_measurement_us.min(nominal_us);
                    self.wait(until_us - now_us).await?;
                }
            }
        }
    }

    /// Says to the other side that nothing more comes.
    pub(super) async fn shut_down(&mut self) -> io::Result<()> {
        self.writer.shutdown().await
    }

    async fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        self.writer.write_all(frame).await?;
        self.writer.flush().await
    }

    async fn write_load(&mut self, scaling: &mut Scaling) -> io::Result<()> {
        let size = scaling.size_bytes();
        let frame = self.session.shared.load.of_size(size);
        self.writer.write_all(frame).await?;
        scaling.sent(size);
        self.load_bytes
            .store(scaling.total_bytes(), Ordering::Relaxed);
        Ok(())
    }

    /// Sends a measurement and a Ping whose payload is the time, as ndt-server does.
    async fn measure(&mut self) -> io::Result<Measurement> {
        let load_bytes = self.load_bytes.load(Ordering::Relaxed);
        let session = self.session;
        let measurement = measure(
            &session.kernel,
            &self.clock,
            &self.busy,
            session.direction,
            load_bytes,
        );
        let json = measurement.to_json();
        self.write(&server_frame(Opcode::Text, json.as_bytes()))
            .await?;
        if let Some(sent) = &mut self.sent {
            sent.push(measurement.clone());
        }
        let now_ns = i128::from(clock::wall_us()) * 1000;
        let payload = now_ns.to_string();
        self.write(&server_frame(Opcode::Ping, payload.as_bytes()))
            .await?;
        Ok(measurement)
    }

    /// Whether the client asked for an end at this many acknowledged bytes. Checked when a
    /// measurement fires, downloads only, as stock servers do.
    fn exits_early(&self, measurement: &Measurement) -> bool {
        let Some(wanted) = self.session.query.early_exit_bytes else {
            return false;
        };
        let acked = measurement.tcp_info.and_then(|info| info.bytes_acked);
        let acked = acked.map_or_else(
            || self.load_bytes.load(Ordering::Relaxed),
            |bytes| u64::try_from(bytes).unwrap_or(0),
        );
        self.session.direction == Direction::Download && acked >= wanted
    }

    /// Waits, without load, until something is to be done.
    async fn wait(&mut self, wait_us: i64) -> io::Result<()> {
        let time = Duration::from_micros(u64::try_from(wait_us).unwrap_or(0));
        let pong = tokio::select! {
            Some(payload) = self.inbox.pongs.recv() => payload,
            _ = self.inbox.close.changed() => return Ok(()),
            () = self.inbox.cancel.cancelled() => return Ok(()),
            () = tokio::time::sleep(time) => return Ok(()),
        };
        self.write(&server_frame(Opcode::Pong, &pong)).await
    }
}

fn wait_us(rng: &mut StdRng) -> i64 {
    measurement_wait_us(rng.random())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn there_is_a_frame_of_every_size_that_scaling_asks_for() {
        let load = LoadFrames::random(&mut StdRng::seed_from_u64(1));
        let mut scaling = Scaling::default();
        for _ in 0..400 {
            let size = scaling.size_bytes();
            let header_bytes = load.of_size(size).len() - size;
            assert!(header_bytes == 4 || header_bytes == 10, "{size}");
            scaling.sent(size);
        }
        assert_eq!(scaling.size_bytes(), MESSAGE_SENT_MAX_BYTES);
    }
}
