//! One direction's transfer, from the end of its handshake.
//!
//! Operation `transfer`, subject the URL. It fails when the connection broke; one that ended at a
//! cap of ours did what it set out to do. Detail:
//! - `direction`, `scheme`; `stop`: `server_closed` (with `close_code`), `time_up`, `bytes_cap`,
//!   `stable` (see `early_stop`), `cancelled`, `broken`, `stalled` (the line fell silent);
//! - what we counted: `payload_bytes`, `messages` (binary ones), `measurements`,
//!   `bad_measurements` (text that was none);
//! - `server_believable`: false when the server counted more of an upload than was sent; then
//!   nothing of what it said is kept;
//! - what the server said last: `server_bbr` (whether BBR was in use) and `server_` with the names
//!   of [`server_facts`], as far as its kernel told.
mod download;
mod upload;
mod watch;

use super::Timing;
use super::early_stop::Rule;
use super::limit::is_app_limited;
use super::trace::Course;
use crate::experiments::Run;
use crate::experiments::bulk::connection::Connected;
use crate::experiments::bulk::ending::{self, End, ServerClose, Stop, closes_politely};
use crate::experiments::bulk::readable;
use tonle_net::step::Step;
use tonle_wire::ndt7::{AppInfo, Direction, Measurement, TcpInfo};
use watch::Watch;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) timing: Timing,
    /// The run's byte count at which this direction stops.
    pub(super) stop_at_bytes: u64,
    /// The rule that may end it before its time.
    pub(super) early: Option<Rule>,
}

/// What the server said last of its own counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ServerView {
    pub(super) tcp: Option<TcpInfo>,
    pub(super) app: Option<AppInfo>,
    /// The most it said of its own load, parts per million.
    pub(super) busy_ppm: Option<i64>,
    /// Messages with its kernel's counters.
    pub(super) with_tcp: i64,
    /// Those of them in which its program was behind.
    pub(super) app_limited: i64,
}

/// What came of a transfer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transfer {
    pub(super) direction: Direction,
    /// Payload we received (download) or sent (upload).
    pub(super) payload_bytes: u64,
    /// From the end of the handshake to the moment the transfer's end was known.
    pub(super) elapsed_us: i64,
    pub(super) stop: Stop,
    pub(super) server: ServerView,
    /// Our own kernel's counters at the end.
    pub(super) own: Option<TcpInfo>,
    /// What the rule that ended it early says of the whole, bit/s.
    pub(super) estimate_bps: Option<i64>,
}

impl Transfer {
    /// The variant of its metrics: what was cut short is not pooled with full tests.
    pub(super) fn variant(&self) -> &'static str {
        match self.stop {
            Stop::Capped => "ndt7_capped",
            Stop::Stable => "ndt7_early",
            _ => "ndt7",
        }
    }
}

/// Load that we moved.
#[derive(Debug, Default)]
struct Load {
    payload_bytes: u64,
    messages: u64,
}

impl Load {
    fn add(&mut self, payload_bytes: usize) {
        self.payload_bytes += payload_bytes as u64;
        self.messages += 1;
    }
}

/// What the server told.
#[derive(Debug, Default)]
struct Heard {
    server: ServerView,
    bbr: bool,
    measurements: u64,
    bad_measurements: u64,
    closed: Option<ServerClose>,
    watch: Watch,
}

impl Heard {
    /// Takes a text message. `ConnectionInfo` holds the volunteer's address and is not kept. One
    /// that cannot be read is counted and says nothing of the line.
    fn text(&mut self, text: &[u8]) {
        let Some(Ok(measurement)) = readable(text).map(Measurement::parse) else {
            self.bad_measurements += 1;
            return;
        };
        self.measurements += 1;
        if let Some(tcp) = &measurement.tcp_info {
            self.server.with_tcp += 1;
            self.server.app_limited += i64::from(is_app_limited(tcp));
        }
        let busy_ppm = measurement.tonle.and_then(|tonle| tonle.server_busy_ppm);
        self.server.busy_ppm = self.server.busy_ppm.max(busy_ppm);
        self.server.tcp = measurement.tcp_info.or(self.server.tcp);
        self.server.app = measurement.app_info.or(self.server.app);
        let bandwidth = measurement
            .bbr_info
            .and_then(|bbr| bbr.bandwidth_bytes_per_s);
        self.bbr |= bandwidth.is_some_and(|bandwidth| bandwidth > 0);
        if let Some(tcp) = &self.server.tcp {
            self.watch.told(tcp, bandwidth);
        }
    }

    /// Whether the server has told enough of an upload to end it. Its kernel's count comes before
    /// its program's, as in the rate.
    fn knows_the_upload(&mut self) -> bool {
        let of_kernel = self
            .server
            .tcp
            .and_then(|tcp| tcp.elapsed_us.zip(tcp.bytes_received));
        let of_program = self
            .server
            .app
            .and_then(|app| app.elapsed_us.zip(app.num_bytes));
        of_kernel
            .or(of_program)
            .is_some_and(|(elapsed_us, bytes)| self.watch.received_there(elapsed_us, bytes))
    }
}

/// Transfers until something ends it, records that, and closes the connection.
pub(super) async fn run(
    run: &Run,
    connected: Connected,
    direction: Direction,
    limits: Limits,
) -> (Transfer, Course) {
    let subject = connected.subject();
    let Connected {
        url,
        mut socket,
        kernel,
        allowance,
        own,
        ..
    } = connected;
    allowance.set(limits.stop_at_bytes);
    let mut step = Step::start(&run.clock, "transfer", subject);
    let mut load = Load::default();
    let mut heard = Heard {
        watch: Watch::new(limits.early),
        ..Heard::default()
    };
    let end = {
        let moving = async {
            match direction {
                Direction::Download => {
                    download::run(run, &step, &mut socket, limits, &mut load, &mut heard).await
                }
                Direction::Upload => {
                    upload::run(run, &step, &mut socket, limits, &mut load, &mut heard).await
                }
            }
        };
        tokio::select! {
            () = run.cancel.cancelled() => End::cancelled(),
            end = moving => end,
        }
    };
    let elapsed_us = step.elapsed_us();
    step.result_known();
    let is_believable =
        direction == Direction::Download || is_believable(&heard.server, own.bytes());
    if !is_believable {
        heard.server = ServerView::default();
    }
    allowance.set(u64::midpoint(limits.stop_at_bytes, run.max_bytes));
    let is_polite = closes_politely(direction, end.stop, heard.closed);
    let own = ending::close(run, socket, kernel, &own, is_polite).await;

    step.fact("direction", direction.as_str());
    step.fact("scheme", url.scheme());
    step.fact("stop", end.stop.as_str());
    if let Some(code) = heard.closed.and_then(|close| close.code) {
        step.fact("close_code", code);
    }
    step.fact("payload_bytes", load.payload_bytes);
    step.fact("messages", load.messages);
    step.fact("measurements", heard.measurements);
    step.fact("bad_measurements", heard.bad_measurements);
    step.fact("server_believable", is_believable);
    step.fact("server_bbr", heard.bbr);
    for (name, value) in server_facts(&heard.server) {
        step.fact(&format!("server_{name}"), value);
    }
    run.observe(match end.failure {
        None => step.succeed(),
        Some(failure) => step.fail(failure),
    });
    let transfer = Transfer {
        direction,
        payload_bytes: load.payload_bytes,
        elapsed_us,
        stop: end.stop,
        server: heard.server,
        own,
        estimate_bps: heard.watch.estimate_bps,
    };
    (transfer, heard.watch.course)
}

/// Whether the server of an upload counted no more than this connection moved, in both directions
/// together. (Of a download it counts what it wrote, and we may have left early.)
fn is_believable(server: &ServerView, moved_bytes: u64) -> bool {
    let of_kernel = server.tcp.and_then(|tcp| tcp.bytes_received);
    let of_program = server.app.and_then(|app| app.num_bytes);
    let claims = [of_kernel, of_program].into_iter().flatten();
    let moved_bytes = i64::try_from(moved_bytes).unwrap_or(i64::MAX);
    claims.into_iter().all(|bytes| bytes <= moved_bytes)
}

/// The server's last counters as they stand in the observation, without the prefix.
fn server_facts(server: &ServerView) -> Vec<(&'static str, i64)> {
    let tcp = server.tcp.unwrap_or_default();
    let app = server.app.unwrap_or_default();
    let facts = [
        ("elapsed_us", tcp.elapsed_us),
        ("bytes_acked", tcp.bytes_acked),
        ("bytes_received", tcp.bytes_received),
        ("bytes_sent", tcp.bytes_sent),
        ("bytes_retrans", tcp.bytes_retrans),
        ("min_rtt_us", tcp.known_min_rtt_us().map(i64::from)),
        ("rtt_us", tcp.rtt_us.map(i64::from)),
        ("rttvar_us", tcp.rttvar_us.map(i64::from)),
        ("busy_time_us", tcp.busy_time_us),
        ("rwnd_limited_us", tcp.rwnd_limited_us),
        ("sndbuf_limited_us", tcp.sndbuf_limited_us),
        ("app_elapsed_us", app.elapsed_us),
        ("app_num_bytes", app.num_bytes),
    ];
    let known = facts.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
