//! The writing half of a test: load, measurements, Pings, Pongs and the Close.
//!
//! One message is written at a time and never abandoned halfway, so a measurement waits for the
//! load message before it. Those are at most a sixteenth of what was sent, and so of the time.
use super::Course;
use crate::servers::websocket::conversation::{Obeyed, Outgoing};
use rand::{RngExt, rngs::StdRng};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::AsyncWrite;
use tonle_net::clock::{self, Stopwatch};
use tonle_wire::ndt7::Direction;
use tonle_wire::ndt7::frames::CLOSE_NORMAL;

/// Reason of the Close, as stock servers word it.
const DONE: &str = "Done sending";

/// Writes one test's messages.
pub(super) struct Sender<'a, S, C> {
    pub(super) out: Outgoing<S>,
    pub(super) direction: Direction,
    pub(super) clock: Stopwatch,
    /// Payload that the other half has received.
    pub(super) received: &'a AtomicU64,
    pub(super) course: C,
}

impl<S: AsyncWrite, C: Course> Sender<'_, S, C> {
    /// Writes until a Close is written.
    pub(super) async fn run(&mut self) -> io::Result<()> {
        let mut rng: StdRng = rand::make_rng();
        let length_us = self.course.length_us();
        let mut next_us = self.course.measurement_wait_us(rng.random());
        loop {
            if self.out.obeyed().await? == Obeyed::Closed {
                return Ok(());
            }
            let now_us = self.clock.elapsed_us();
            let is_last = now_us >= length_us || self.has_sent_all();
            if is_last || now_us >= next_us {
                self.measure().await?;
                if is_last || self.course.is_complete() {
                    return self.out.close(CLOSE_NORMAL, DONE).await;
                }
                let wait_us = self.course.measurement_wait_us(rng.random());
                next_us = self.clock.elapsed_us() + wait_us;
                continue;
            }
            match self.direction {
                Direction::Download => self.write_load().await?,
                Direction::Upload => self.out.wait(next_us.min(length_us) - now_us).await?,
            }
        }
    }

    fn has_sent_all(&self) -> bool {
        self.direction == Direction::Download && self.course.next_load_bytes().is_none()
    }

    async fn write_load(&mut self) -> io::Result<()> {
        let Some(payload_bytes) = self.course.next_load_bytes() else {
            return Ok(());
        };
        let frame = self.course.load(payload_bytes);
        self.out.write_load(&frame).await?;
        drop(frame);
        self.course.sent_load(payload_bytes);
        Ok(())
    }

    /// Sends a measurement and, where the protocol has one, a Ping whose payload is the time in
    /// nanoseconds, as ndt-server does.
    async fn measure(&mut self) -> io::Result<()> {
        let json = self.course.measure(self.received.load(Ordering::Relaxed));
        self.out.text(&json).await?;
        self.course.sent_measurement();
        if !C::PINGS {
            return Ok(());
        }
        let now_ns = i128::from(clock::wall_us()) * 1000;
        self.out.ping(now_ns.to_string().as_bytes()).await
    }
}
