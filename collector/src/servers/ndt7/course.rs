//! One test of ndt7: how large its messages are, what it tells, and when the client has enough.
use super::Ndt7;
use super::measure::measure;
use crate::servers::busy::Busy;
use crate::servers::door::Course;
use crate::servers::front::Probe;
use std::borrow::Cow;
use std::sync::Arc;
use tonle_net::clock::{Stopwatch, wall_us};
use tonle_wire::ndt7::archive::Finished;
use tonle_wire::ndt7::query::Query;
use tonle_wire::ndt7::scaling::Scaling;
use tonle_wire::ndt7::spec::measurement_wait_us;
use tonle_wire::ndt7::{Direction, Measurement};

/// See the top of this file.
pub(in crate::servers) struct Ndt7Course<'a> {
    pub(super) protocol: &'a Ndt7,
    pub(super) kernel: Arc<Probe>,
    pub(super) direction: Direction,
    pub(super) query: Query,
    pub(super) clock: Stopwatch,
    /// When it began, microseconds since the Unix epoch.
    pub(super) start_us: i64,
    pub(super) busy: Busy,
    pub(super) scaling: Scaling,
    /// The measurement made last.
    pub(super) last: Option<Measurement>,
    /// What was sent, for an archive; empty where nothing is kept.
    pub(super) sent: Vec<Measurement>,
}

impl Ndt7Course<'_> {
    /// Bytes that the client's kernel acknowledged, where ours tells; else what we sent.
    fn acked_bytes(&self) -> u64 {
        let tcp = self.last.as_ref().and_then(|last| last.tcp_info);
        let acked = tcp.and_then(|tcp| tcp.bytes_acked);
        acked.map_or_else(
            || self.scaling.total_bytes(),
            |bytes| u64::try_from(bytes).unwrap_or(0),
        )
    }
}

impl Course for Ndt7Course<'_> {
    const PINGS: bool = true;

    fn length_us(&self) -> i64 {
        i64::try_from(self.protocol.length.nominal.as_micros()).unwrap_or(i64::MAX)
    }

    fn measurement_wait_us(&self, uniform: f64) -> i64 {
        measurement_wait_us(uniform)
    }

    fn next_load_bytes(&self) -> Option<usize> {
        Some(self.scaling.size_bytes())
    }

    fn load(&self, payload_bytes: usize) -> Cow<'_, [u8]> {
        self.protocol.load.of_size(payload_bytes)
    }

    fn sent_load(&mut self, payload_bytes: usize) {
        self.scaling.sent(payload_bytes);
    }

    fn sent_bytes(&self) -> u64 {
        self.scaling.total_bytes()
    }

    fn measure(&mut self, received_bytes: u64) -> String {
        let load_bytes = match self.direction {
            Direction::Download => self.scaling.total_bytes(),
            Direction::Upload => received_bytes,
        };
        let measurement = measure(
            &self.kernel,
            &self.clock,
            &self.busy,
            self.direction,
            load_bytes,
        );
        self.last.insert(measurement).to_json()
    }

    fn sent_measurement(&mut self) {
        if self.protocol.archive.is_some() {
            self.sent.extend(self.last.clone());
        }
    }

    /// Checked when a measurement fires, downloads only, as stock servers do.
    fn is_complete(&self) -> bool {
        let wanted = self.query.early_exit_bytes;
        self.direction == Direction::Download
            && wanted.is_some_and(|wanted| self.acked_bytes() >= wanted)
    }

    /// Archives the test, however it ended, where tests are archived. One whose connection has no
    /// name could not be told from others and is left out.
    async fn end(self) {
        let (Some(archive), Some(uuid)) = (&self.protocol.archive, self.kernel.uuid()) else {
            return;
        };
        let test = Finished {
            version: env!("CARGO_PKG_VERSION"),
            server: self.kernel.server(),
            uuid,
            direction: self.direction,
            start_us: self.start_us,
            end_us: wall_us(),
            server_measurements: self.sent,
            metadata: &self.query.metadata,
        };
        archive.keep(&test).await;
    }
}
