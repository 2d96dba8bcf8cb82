//! What is seen beside a transfer: who else uses the line, how busy the device is, and from all of
//! it the verdict on what limited the result.
//!
//! Operation `limits`, one per direction, from the transfer's start to its end. Detail: `direction`,
//! `limited_by` and `rule` (see `limit`), and the numbers the rules ask for, as far as they are
//! known: `rate_bps`; `own_cpu_ppm`, `busiest_core_ppm`, `packets_ppm`, `all_cores_ppm`;
//! `link_rate_bps`, `wifi_rate_bps`, `wifi_signal_dbm`; `plan_bps`; `others_bytes` (moved by others
//! meanwhile); `sender_busy_ppm`, `sender_window_ppm`, `sender_buffer_ppm`; `app_limited_ppm`,
//! `server_busy_ppm`.
//!
//! Before the first byte of a run the line is watched for a second (operation `line_before`, detail
//! `others_bps`, `waited_us`, `line_busy`). While others use more of it than [`QUIET_BPS`] or a
//! twentieth of the declared plan, the run waits, [`WAIT_MAX_US`] at most; then it goes on, tagged.
use super::Timing;
use super::limit::{self, Seen, Sender, Verdict};
use super::trace::{self, Course, Trace};
use super::transfer::Transfer;
use crate::context::Glance;
use crate::experiments::Run;
use crate::experiments::bulk::ending::Stop;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{LimitedBy, PathClass, Target};
use tonle_wire::ndt7::Direction;

/// Traffic of others that a quiet line may have, bit/s: chatter of a household at rest.
const QUIET_BPS: i64 = 500_000;
/// On a fast line, a plan's share of one in this many is quiet too.
const QUIET_SHARE: i64 = 20;
/// How long each look at the line takes.
const LOOK: Duration = Duration::from_secs(1);
/// Longest wait for a quiet line, microseconds.
const WAIT_MAX_US: i64 = 15_000_000;

/// What came of one direction, as far as a verdict on its limit asks for it.
#[derive(Debug, Clone, Copy)]
pub(in crate::experiments) struct Moved {
    pub(in crate::experiments) direction: Direction,
    pub(in crate::experiments) stop: Stop,
    /// Payload over time.
    pub(in crate::experiments) rate_bps: Option<i64>,
    pub(in crate::experiments) elapsed_us: i64,
    /// What the sender's kernel says; `None` where it says nothing.
    pub(in crate::experiments) sender: Option<Sender>,
    /// Share of the server's messages that came while its program was behind.
    pub(in crate::experiments) app_limited_ppm: Option<i64>,
    /// What the server says of its own load.
    pub(in crate::experiments) server_busy_ppm: Option<i64>,
}

impl From<&Transfer> for Moved {
    fn from(transfer: &Transfer) -> Self {
        let server = &transfer.server;
        let sender = match transfer.direction {
            Direction::Download => server
                .tcp
                .map(|tcp| Sender::of(&tcp, tcp.elapsed_us.unwrap_or(0))),
            Direction::Upload => transfer
                .own
                .map(|tcp| Sender::of(&tcp, transfer.elapsed_us)),
        };
        Self {
            direction: transfer.direction,
            stop: transfer.stop,
            rate_bps: transfer.rate_bps(),
            elapsed_us: transfer.elapsed_us,
            sender,
            app_limited_ppm: limit::ppm(Some(server.app_limited), server.with_tcp),
            server_busy_ppm: server.busy_ppm,
        }
    }
}

/// What a transfer began with.
pub(in crate::experiments) struct Witness {
    before: Glance,
    began_us: i64,
    bytes_before: u64,
}

impl Witness {
    /// Looks at the device as a transfer begins.
    pub(in crate::experiments) fn begin(run: &Run, bytes_before: u64) -> Self {
        Self {
            before: run.line.glance(),
            began_us: run.clock.elapsed_us(),
            bytes_before,
        }
    }

    /// Looks again as it has ended, records what was seen and says what limited it. A transfer that
    /// broke or was stopped has no result to be limited.
    pub(in crate::experiments) fn end(
        &self,
        run: &Run,
        target: &Target,
        transfer: &Moved,
    ) -> Option<LimitedBy> {
        let seen = self.seen(run, target, transfer);
        let verdict = has_result(transfer.stop).then(|| limit::verdict(&seen));
        let others_bytes = self.others_bytes(run, target);
        run.observe(Observation {
            t_start_us: self.began_us,
            t_end_us: run.clock.elapsed_us(),
            operation: "limits".to_owned(),
            subject: None,
            failure: None,
            detail: detail(&seen, verdict, others_bytes),
        });
        verdict.map(|(limited_by, _)| limited_by)
    }

    /// The transfer as it went, for replay.
    pub(super) fn trace(
        &self,
        run: &Run,
        transfer: &Transfer,
        course: Course,
        scheme: String,
        timing: Timing,
    ) -> Trace {
        let points = course.points.iter();
        Trace {
            trace: trace::FORMAT,
            direction: transfer.direction.as_str().to_owned(),
            scheme,
            stop: transfer.stop.as_str().to_owned(),
            nominal_us: timing.nominal_us,
            interface: self.before.interface.map(str::to_owned),
            others_bytes: self.moved_by_others(run),
            points: points
                .map(|point| (point.elapsed_us, point.bytes))
                .collect(),
            kernel: course.kernel,
        }
    }

    fn seen(&self, run: &Run, target: &Target, transfer: &Moved) -> Seen {
        let now = run.line.glance();
        let plan = &run.line.plan;
        let moved = run.bytes_used().saturating_sub(self.bytes_before);
        let moved = i64::try_from(moved).unwrap_or(i64::MAX);
        Seen {
            direction: transfer.direction,
            is_local: target.path_class == PathClass::Local,
            is_capped: transfer.stop == Stop::Capped,
            rate_bps: transfer.rate_bps,
            sender: transfer.sender.unwrap_or_default(),
            app_limited_ppm: transfer.app_limited_ppm,
            server_busy_ppm: transfer.server_busy_ppm,
            processor: now
                .processor
                .since(&self.before.processor, transfer.elapsed_us),
            interface: now.interface,
            link_rate_bps: now.link_rate_bps,
            // A link at rest reports a low rate.
            wifi_rate_bps: self.before.wifi_rate_bps.max(now.wifi_rate_bps),
            wifi_signal_dbm: now.wifi_signal_dbm,
            plan_bps: match transfer.direction {
                Direction::Download => plan.download_bps,
                Direction::Upload => plan.upload_bps,
            },
            quota: plan.quota,
            others_ppm: limit::ppm(self.others_bytes(run, target), moved),
        }
    }

    /// Bytes that others moved since the beginning. What a local run moves need not pass the
    /// interface, so nothing can be said beside one.
    fn others_bytes(&self, run: &Run, target: &Target) -> Option<i64> {
        if target.path_class == PathClass::Local {
            return None;
        }
        self.moved_by_others(run)
    }

    fn moved_by_others(&self, run: &Run) -> Option<i64> {
        let (before, now) = (self.before.counters?, run.line.glance().counters?);
        let moved = now.bytes.checked_sub(before.bytes)?;
        let own = run.bytes_used().saturating_sub(self.bytes_before);
        i64::try_from(moved.saturating_sub(own)).ok()
    }
}

/// Waits until others leave the line alone, at most so long. True when they did not.
pub(in crate::experiments) async fn wait_for_a_quiet_line(run: &Run) -> bool {
    let began_us = run.clock.elapsed_us();
    loop {
        let Some(others_bps) = others_bps(run).await else {
            return false;
        };
        let limit_bps = run.line.plan.download_bps.unwrap_or(0) / QUIET_SHARE;
        let is_busy = others_bps > limit_bps.max(QUIET_BPS);
        let now_us = run.clock.elapsed_us();
        if is_busy && now_us - began_us < WAIT_MAX_US {
            continue;
        }
        run.observe(Observation {
            t_start_us: began_us,
            t_end_us: now_us,
            operation: "line_before".to_owned(),
            subject: None,
            failure: None,
            detail: BTreeMap::from([
                ("others_bps".to_owned(), Value::from(others_bps)),
                ("waited_us".to_owned(), Value::from(now_us - began_us)),
                ("line_busy".to_owned(), Value::from(is_busy)),
            ]),
        });
        return is_busy;
    }
}

/// What others move over the line, bit/s; `None` where nobody can tell, or the run is to end.
async fn others_bps(run: &Run) -> Option<i64> {
    let before = run.line.glance().counters?;
    let began_us = run.clock.elapsed_us();
    tokio::select! {
        () = run.cancel.cancelled() => return None,
        () = tokio::time::sleep(LOOK) => {}
    }
    let moved = run
        .line
        .glance()
        .counters?
        .bytes
        .checked_sub(before.bytes)?;
    let took_us = (run.clock.elapsed_us() - began_us).max(1);
    i64::try_from(u128::from(moved) * 8_000_000 / u128::from(took_us.unsigned_abs())).ok()
}

fn has_result(stop: Stop) -> bool {
    !matches!(stop, Stop::Broken | Stop::Stalled | Stop::Cancelled)
}

fn detail(
    seen: &Seen,
    verdict: Option<Verdict>,
    others_bytes: Option<i64>,
) -> BTreeMap<String, Value> {
    let numbers = [
        ("rate_bps", seen.rate_bps),
        ("own_cpu_ppm", seen.processor.own_ppm),
        ("busiest_core_ppm", seen.processor.busiest_core_ppm),
        ("packets_ppm", seen.processor.packets_ppm),
        ("all_cores_ppm", seen.processor.all_cores_ppm),
        ("link_rate_bps", seen.link_rate_bps),
        ("wifi_rate_bps", seen.wifi_rate_bps),
        ("wifi_signal_dbm", seen.wifi_signal_dbm),
        ("plan_bps", seen.plan_bps),
        ("others_bytes", others_bytes),
        ("sender_busy_ppm", seen.sender.busy_ppm),
        ("sender_window_ppm", seen.sender.window_ppm),
        ("sender_buffer_ppm", seen.sender.buffer_ppm),
        ("app_limited_ppm", seen.app_limited_ppm),
        ("server_busy_ppm", seen.server_busy_ppm),
    ];
    let known = numbers
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    let words = verdict.map_or(Vec::new(), |(limited_by, rule)| {
        vec![
            ("limited_by".to_owned(), Value::from(limited_by.as_str())),
            ("rule".to_owned(), Value::from(rule)),
        ]
    });
    let direction = ("direction".to_owned(), Value::from(seen.direction.as_str()));
    known.chain(words).chain([direction]).collect()
}
