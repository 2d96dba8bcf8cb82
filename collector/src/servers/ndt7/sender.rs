//! The writing half of a test: load, measurements, Pings, Pongs and the Close.
//!
//! One message is written at a time and never abandoned halfway, so a measurement waits for the
//! load message before it. Those are at most a sixteenth of what was sent, and so of the time.
use super::measure::measure;
use super::session::Session;
use crate::servers::busy::Busy;
use crate::servers::websocket::conversation::{Obeyed, Outgoing};
use rand::{RngExt, rngs::StdRng};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncWrite;
use tonle_net::clock::{self, Stopwatch};
use tonle_wire::ndt7::frames::CLOSE_NORMAL;
use tonle_wire::ndt7::scaling::Scaling;
use tonle_wire::ndt7::spec::measurement_wait_us;
use tonle_wire::ndt7::{Direction, Measurement};

/// Reason of the Close, as ndt-server words it.
const DONE: &str = "Done sending";

/// Writes one test's messages.
pub(super) struct Sender<'a, S> {
    pub(super) out: Outgoing<S>,
    pub(super) session: &'a Session<'a>,
    pub(super) clock: Stopwatch,
    pub(super) busy: Busy,
    pub(super) load_bytes: &'a AtomicU64,
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
            if self.out.obeyed().await? == Obeyed::Closed {
                return Ok(());
            }
            let now_us = self.clock.elapsed_us();
            let time_is_up = now_us >= nominal_us;
            if time_is_up || now_us >= next_measurement_us {
                let measurement = self.measure().await?;
                if time_is_up || self.exits_early(&measurement) {
                    return self.out.close(CLOSE_NORMAL, DONE).await;
                }
                next_measurement_us = self.clock.elapsed_us() + wait_us(&mut rng);
                continue;
            }
            match self.session.direction {
                Direction::Download => self.write_load(&mut scaling).await?,
                Direction::Upload => {
                    let until_us = next_measurement_us.min(nominal_us);
                    self.out.wait(until_us - now_us).await?;
                }
            }
        }
    }

    async fn write_load(&mut self, scaling: &mut Scaling) -> io::Result<()> {
        let size = scaling.size_bytes();
        let frame = self.session.shared.load.of_size(size);
        let frame = frame.expect("scaling asks for powers of two within the bounds");
        self.out.write_load(frame).await?;
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
        self.out.text(&json).await?;
        if let Some(sent) = &mut self.sent {
            sent.push(measurement.clone());
        }
        let now_ns = i128::from(clock::wall_us()) * 1000;
        let payload = now_ns.to_string();
        self.out.ping(payload.as_bytes()).await?;
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
}

fn wait_us(rng: &mut StdRng) -> i64 {
    measurement_wait_us(rng.random())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
