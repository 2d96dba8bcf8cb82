//! One stream of throughput1.
//!
//! 1. It ends after the length asked for.
//! 2. A byte limit ends a download exactly there, text included, and an upload at the first
//!    measurement that finds it reached.
use super::measure::Meter;
use crate::servers::door::{Begun, Course};
use crate::servers::websocket::load::LoadFrames;
use std::borrow::Cow;
use tonle_wire::throughput1::scaling::Scaling;
use tonle_wire::throughput1::spec::measurement_wait_us;
use tonle_wire::throughput1::{Direction, Query};

/// See the top of this file.
pub(in crate::servers) struct Throughput1Course<'a> {
    load: &'a LoadFrames,
    meter: Meter,
    length_us: i64,
    /// Payload of an upload after which it ends.
    upload_limit_bytes: Option<u64>,
    /// Payload received at the measurement made last.
    received_bytes: u64,
    /// Counts what is sent, on an upload too.
    scaling: Scaling,
}

impl<'a> Throughput1Course<'a> {
    pub(super) fn new(load: &'a LoadFrames, begun: Begun<Query>) -> Self {
        let limit_of = |direction| {
            let limit_bytes = begun.query.limit_bytes;
            limit_bytes.filter(|_| begun.direction == direction)
        };
        Self {
            load,
            length_us: i64::try_from(begun.query.duration_ms * 1000).unwrap_or(i64::MAX),
            upload_limit_bytes: limit_of(Direction::Upload),
            received_bytes: 0,
            scaling: Scaling::new(limit_of(Direction::Download)),
            meter: Meter::new(begun.kernel, begun.clock, begun.congestion_control),
        }
    }
}

impl Course for Throughput1Course<'_> {
    const PINGS: bool = false;

    fn length_us(&self) -> i64 {
        self.length_us
    }

    fn measurement_wait_us(&self, uniform: f64) -> i64 {
        measurement_wait_us(uniform)
    }

    fn next_load_bytes(&self) -> Option<usize> {
        self.scaling.next_bytes()
    }

    fn load(&self, payload_bytes: usize) -> Cow<'_, [u8]> {
        self.load.of_size(payload_bytes)
    }

    fn sent_load(&mut self, payload_bytes: usize) {
        self.scaling.sent_binary(payload_bytes);
    }

    fn sent_bytes(&self) -> u64 {
        self.scaling.sent_bytes()
    }

    fn measure(&mut self, received_bytes: u64) -> String {
        self.received_bytes = received_bytes;
        let sent_bytes = self.scaling.sent_bytes();
        let json = self.meter.measure(sent_bytes, received_bytes).to_json();
        self.scaling.sent_text(json.len());
        json
    }

    fn sent_measurement(&mut self) {}

    fn is_complete(&self) -> bool {
        let limit_bytes = self.upload_limit_bytes;
        limit_bytes.is_some_and(|limit| self.received_bytes >= limit)
    }

    /// Nothing is kept.
    async fn end(self) {}
}
