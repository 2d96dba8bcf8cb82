//! One stream of a direction, from the end of its handshake.
//!
//! Operation `stream`, subject the URL. It fails when the connection broke; one that ended at a
//! limit did what it set out to do. Detail:
//! - `direction`, `scheme`, `index`; `stop`: `time_up`, `bytes_cap`, `server_closed` (before either
//!   limit; with `close_code`), `cancelled`, `broken`;
//! - what we counted: `payload_bytes`, `messages` (binary ones), `measurements`,
//!   `bad_measurements` (text that was none);
//! - what the server said: `server_cc` (the congestion control in use there), `min_rtt_us`, and of
//!   its last message `server_received_bytes`, `server_sent_bytes`, `server_elapsed_us`;
//! - `series`: the receiver's counter over time, [microseconds since this stream connected (the
//!   server's clock on an upload), bytes], about four a second: a limit that ends a test within slow
//!   start understates the line, and only the series shows it.
mod moving;

use crate::experiments::Run;
use crate::experiments::bulk::connection::Connected;
use crate::experiments::bulk::ending::{self, End, ServerClose, Stop, closes_politely};
use crate::experiments::bulk::readable;
use crate::experiments::throughput::limit::is_app_limited;
use serde_json::json;
use tonle_net::step::Step;
use tonle_wire::ndt7::TcpInfo;
use tonle_wire::throughput1::{Direction, WireMeasurement};

/// Shortest time between two points of a series, microseconds.
const SERIES_STEP_US: i64 = 250_000;
/// Most points of a series: twenty seconds.
const SERIES_MAX: usize = 80;
/// Longest name of a congestion control (`TCP_CA_NAME_MAX`).
const CONGESTION_CONTROL_MAX_CHARS: usize = 16;

/// What one stream is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamPlan {
    pub(super) index: u32,
    pub(super) direction: Direction,
    /// When the first stream connected, microseconds of the run.
    pub(super) begun_us: i64,
    /// Length of the direction from then on.
    pub(super) length_us: i64,
    /// Payload after which this stream ends.
    pub(super) limit_bytes: u64,
    /// The run's byte count at which every stream ends.
    pub(super) stop_at_bytes: u64,
}

/// What came of a stream. Times are microseconds of the run.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) connected_us: i64,
    pub(super) ended_us: i64,
    /// Payload we received (download) or sent (upload), text included.
    pub(super) payload_bytes: u64,
    pub(super) stop: Stop,
    pub(super) heard: Heard,
    /// Our own kernel's counters at the end.
    pub(super) own: Option<TcpInfo>,
}

/// What the server said last of what it received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) received_bytes: u64,
    /// Microseconds since its measurement began, its clock.
    pub(super) elapsed_us: i64,
    /// When we read it, microseconds of the run.
    pub(super) heard_us: i64,
}

/// What the server told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) last: Option<Report>,
    pub(super) min_rtt_us: Option<u32>,
    pub(super) sent_bytes: u64,
    /// Its kernel's counters, of the last message that had them.
    pub(super) tcp: Option<TcpInfo>,
    /// Messages with its kernel's counters.
    pub(super) with_tcp: i64,
    /// Those of them in which its program was behind.
    pub(super) app_limited: i64,
    pub(super) congestion_control: Option<String>,
    pub(super) measurements: u64,
    pub(super) bad_measurements: u64,
    pub(super) closed: Option<ServerClose>,
}

/// Load that we moved, and the receiver's counter over time.
#[derive(Debug, Default)]
struct Load {
    payload_bytes: u64,
    messages: u64,
    series: Vec<(i64, u64)>,
}

impl Load {
    /// Adds a point to the series, unless the last one is too near.
    fn note(&mut self, at_us: i64, bytes: u64) {
        let is_due = self
            .series
            .last()
            .is_none_or(|(last_us, _)| at_us - last_us >= SERIES_STEP_US);
        if is_due && self.series.len() < SERIES_MAX {
            self.series.push((at_us, bytes));
        }
    }
}

impl Heard {
    /// Takes a text message, and gives the report that it holds. The addresses in it are the
    /// volunteer's and are not kept. One that cannot be read is counted and says nothing of the line.
    fn text(&mut self, text: &[u8], heard_us: i64) -> Option<Report> {
        let Some(Ok(measurement)) = readable(text).map(WireMeasurement::parse) else {
            self.bad_measurements += 1;
            return None;
        };
        self.measurements += 1;
        self.min_rtt_us = match (self.min_rtt_us, measurement.min_rtt_us()) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
        self.sent_bytes = measurement.application.sent();
        if let Some(tcp) = measurement.tcp_info {
            self.with_tcp += 1;
            self.app_limited += i64::from(is_app_limited(&tcp));
            self.tcp = Some(tcp);
        }
        let name = measurement.congestion_control;
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.is_empty()
            && name.len() < CONGESTION_CONTROL_MAX_CHARS
            && name.chars().all(is_name)
        {
            self.congestion_control.get_or_insert(name);
        }
        let report = Report {
            received_bytes: measurement.application.received(),
            elapsed_us: measurement.elapsed_us,
            heard_us,
        };
        self.last = Some(report);
        Some(report)
    }
}

/// Moves load until something ends it, records that, and closes the connection.
pub(super) async fn run(run: &Run, connected: Connected, plan: StreamPlan) -> Stream {
    let subject = connected.subject();
    let Connected {
        url,
        mut socket,
        kernel,
        own,
        ..
    } = connected;
    let mut step = Step::start(&run.clock, "stream", subject);
    let connected_us = run.clock.elapsed_us();
    let (mut load, mut heard) = (Load::default(), Heard::default());
    let end = {
        let moving = moving::run(run, &plan, connected_us, &mut socket, &mut load, &mut heard);
        tokio::select! {
            () = run.cancel.cancelled() => End::cancelled(),
            end = moving => end,
        }
    };
    let ended_us = run.clock.elapsed_us();
    step.result_known();
    let is_polite = closes_politely(plan.direction, end.stop, heard.closed);
    let own = ending::close(run, socket, kernel, &own, is_polite).await;

    step.fact("direction", plan.direction.as_str());
    step.fact("scheme", url.scheme());
    step.fact("index", plan.index);
    step.fact("stop", end.stop.as_str());
    describe(&mut step, &load, &heard);
    run.observe(match end.failure {
        None => step.succeed(),
        Some(failure) => step.fail(failure),
    });
    Stream {
        connected_us,
        ended_us,
        payload_bytes: load.payload_bytes,
        stop: end.stop,
        heard,
        own,
    }
}

fn describe(step: &mut Step, load: &Load, heard: &Heard) {
    step.fact("payload_bytes", load.payload_bytes);
    step.fact("messages", load.messages);
    step.fact("measurements", heard.measurements);
    step.fact("bad_measurements", heard.bad_measurements);
    step.fact("series", json!(load.series));
    if let Some(code) = heard.closed.and_then(|close| close.code) {
        step.fact("close_code", code);
    }
    if let Some(name) = &heard.congestion_control {
        step.fact("server_cc", name.as_str());
    }
    if let Some(rtt_us) = heard.min_rtt_us {
        step.fact("min_rtt_us", rtt_us);
    }
    if let Some(report) = heard.last {
        step.fact("server_received_bytes", report.received_bytes);
        step.fact("server_sent_bytes", heard.sent_bytes);
        step.fact("server_elapsed_us", report.elapsed_us);
    }
}
