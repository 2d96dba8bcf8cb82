//! The device's clock against the collector's, before the first upload has told it.
//!
//! A record of a device whose clock is not synchronised counts in no cell unless its offset is
//! known, and a Raspberry Pi has no clock of its own when it starts: so it is asked for first.
use super::Device;
use crate::http;
use crate::upload::http_date_us;
use std::time::Duration;
use tonle_net::clock::{Stopwatch, wall_us};

/// Longest wait for the answer: a round must not wait for a collector that is away.
const PATIENCE: Duration = Duration::from_secs(3);
/// The `Date` header counts whole seconds (RFC 9110 section 6.6.1): its instant lies half a second
/// later on average.
const HALF_SECOND_US: i64 = 500_000;

impl Device {
    /// Learns the offset from the `Date` of any answer of the collector, once; an upload's answer
    /// tells it better. A collector that cannot be reached leaves it unknown.
    pub(super) async fn learn_clock(&self) {
        if self.clock_offset_us().is_some() {
            return;
        }
        let Some(collector) = self
            .enrolment()
            .and_then(|known| known.collectors.first().cloned())
        else {
            return;
        };
        let asked_at_us = wall_us();
        let round_trip = Stopwatch::start();
        let request = self
            .client
            .get(format!("{collector}healthz"))
            .timeout(PATIENCE);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let reason = http::reason(&error);
                tracing::debug!(reason, "the collector's clock is not known: {reason}");
                return;
            }
        };
        let midpoint_us = asked_at_us.saturating_add(round_trip.elapsed_us() / 2);
        let date = answer.headers().get(reqwest::header::DATE);
        let date_us = date
            .and_then(|date| date.to_str().ok())
            .and_then(http_date_us);
        self.state().dated_offset_us = date_us.map(|date_us| {
            date_us
                .saturating_add(HALF_SECOND_US)
                .saturating_sub(midpoint_us)
        });
    }
}
