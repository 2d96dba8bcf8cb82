//! throughput1: several streams at once against one server (M-Lab's MSAK), each with a byte limit
//! and a length that the server is told and that we keep ourselves.
//!
//! 1. Goodput is what the receiver's program counted, summed over the streams, over the time since
//!    the first stream connected: our own count on a download, the server's messages on an upload.
//! 2. A direction is *full* when every stream ran for four fifths of the length that was asked for,
//!    and *capped* when a byte limit ended one of them; a capped one has a rate from one second on,
//!    of another metric, because slow start weighs more in it.
//! 3. No rate when a stream did not connect, or when the server's counters cannot be: more bytes
//!    than we sent, or a clock that is two seconds off ours.
//! 4. Only tests of the standard form (two streams, five seconds) are samples; what others found
//!    stands in their observations.
//! 5. Each direction may use half of the run's bytes, of which an eighth is kept back for headers
//!    and for what is on its way when we stop. A stream's part of that is told to the server as
//!    `bytes`, and we stop there ourselves too.
//! 6. What limited a direction is judged as for ndt7 (see `throughput`: `limit`), over the sum of its streams; a
//!    run is limited by what limited either. Only what the line limited enters figures.
//! 7. When the first stream of the download does not connect, the rest is not tried.
//!
//! The target's query may ask for another form: `streams` (1 to 4), `duration` (milliseconds),
//! `bytes` (of each stream), `cc`.
//!
//! Operations: the steps of `tonle_net`; `line_before` and `limits` (as those of `throughput`); `stream` for each stream (see `stream`); `streams` for a
//! direction. Detail of `streams`: `direction`, `streams` asked for, `connected`, `limit_bytes` of
//! a stream, `length_ms`, `cc` asked for, `ended_by` (`length`, `bytes_cap`, `server`, `broken`,
//! `stalled`, `cancelled`), `received_bytes`, `elapsed_us`, `rate_bps`, `min_rtt_us`.
mod form;
mod rate;
mod stream;

use super::bulk::connection::{CLIENT_NAME, CLIENT_VERSION, Connected, Server};
use super::bulk::{base_url, stop_at_bytes};
use super::throughput::limit;
use super::throughput::witness::{Witness, wait_for_a_quiet_line};
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::steps;
use form::Form;
use futures_util::FutureExt;
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rate::Test;
use std::future::Future;
use std::pin::Pin;
use stream::{Stream, StreamPlan};
use tonle_evidence::record::{Outcome, PathClass, Target};
use tonle_net::scrub;
use tonle_net::step::Step;
use tonle_wire::throughput1::Direction;
use tonle_wire::throughput1::query::Request;
use tonle_wire::throughput1::spec::{SUBPROTOCOL, path};

static META: Meta = Meta {
    name: "throughput1",
    version: 1,
    stream: tonle_evidence::record::Stream::Quality,
    about: "how much the line carries over several streams at once, against a throughput1 server",
    timeout_s: 90,
};

/// What opening one stream may cost before its first message: TCP, TLS and the handshake.
const OPENING_BYTES: u64 = 8 << 10;
/// A stream that may not even move this much measures nothing.
const STREAM_MIN_BYTES: u64 = 16 << 10;
/// Payload is at most this share of what the socket carries: framing and TLS take the rest.
const PAYLOAD_SHARE: (u64, u64) = (15, 16);

/// See the top of this file.
pub struct Throughput1 {
    /// Length of a direction where the target asks for none, milliseconds.
    length_ms: u64,
    /// Shortest capped test that has a rate, microseconds.
    capped_min_us: i64,
}

impl Throughput1 {
    /// As stock clients measure, but for the congestion control, which is the server's choice.
    pub const STANDARD: Self = Self {
        length_ms: tonle_wire::throughput1::spec::DURATION_DEFAULT_MS,
        capped_min_us: 1_000_000,
    };
}

impl Experiment for Throughput1 {
    fn meta(&self) -> &'static Meta {
        &META
    }

    /// The whole cap: nobody knows the line before it was measured.
    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost { bytes: max_bytes }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(self.measure(run, target))
    }
}

/// A stream in progress: nothing when it did not connect.
type Moving<'a> = Pin<Box<dyn Future<Output = Option<Stream>> + Send + 'a>>;

impl Throughput1 {
    async fn measure(&self, run: &Run, target: &Target) -> Result<(), CannotRun> {
        let base = base_url(&target.value)?;
        let form = Form::of(&base, self.length_ms).map_err(|reason| CannotRun::Target {
            target: target.value.clone(),
            reason,
        })?;
        let mut server = Server::new(run, base, target.path_class);
        if !server.may_be_local() {
            steps::check_literal(run, &target.value, &server.host())?;
        }
        let needed = 2 * u64::from(form.streams) * (STREAM_MIN_BYTES + OPENING_BYTES);
        if run.max_bytes < 2 * needed {
            return Err(CannotRun::Missing(format!(
                "a byte cap of {} for one run (`run_max_bytes`)",
                2 * needed
            )));
        }
        if target.path_class != PathClass::Local {
            wait_for_a_quiet_line(run).await;
        }
        let measurement_id = measurement_id(run.seed);
        let mut limits = Vec::new();
        for direction in Direction::ALL {
            let before = run.bytes_used();
            let stop_at_bytes = stop_at_bytes(run, before);
            let of_stream = (stop_at_bytes - before) / u64::from(form.streams);
            let room = of_stream.saturating_sub(OPENING_BYTES) / PAYLOAD_SHARE.1 * PAYLOAD_SHARE.0;
            if room < STREAM_MIN_BYTES {
                // What is left after the download is no test.
                run.ended(Outcome::Capped);
                return Ok(());
            }
            let plan = Plan {
                form: &form,
                direction,
                measurement_id: &measurement_id,
                limit_bytes: form.limit_bytes.map_or(room, |asked| asked.min(room)),
                stop_at_bytes,
            };
            let Some((test, witness)) = plan.run(run, &mut server).await else {
                return Ok(());
            };
            limits.extend(witness.end(run, target, &test.moved()));
            if let Some(limited_by) = limit::of_all(&limits) {
                run.limited_by(limited_by);
            }
            self.report(run, target, &form, &test);
            if test.was_cancelled() {
                run.ended(Outcome::Cancelled);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Turns a direction into samples, as far as it has any.
    fn report(&self, run: &Run, target: &Target, form: &Form, test: &Test) {
        let variant = if test.was_capped() {
            run.ended(Outcome::Capped);
            "capped"
        } else {
            "full"
        };
        if !form.is_standard(self.length_ms) {
            return;
        }
        let class = target.path_class;
        for (base, value) in test.samples(form.length_us(), self.capped_min_us) {
            run.sample(format!("throughput1.{base}/{variant}/{class}"), value);
        }
    }
}

/// What the streams of a run have in common: random, and told to the server only.
fn measurement_id(seed: u64) -> String {
    let mut rng = StdRng::seed_from_u64(seed);
    format!("{:032x}", rng.random::<u128>())
}

/// One direction to be measured.
struct Plan<'a> {
    form: &'a Form,
    direction: Direction,
    measurement_id: &'a str,
    /// Payload of each stream.
    limit_bytes: u64,
    /// The run's byte count at which every stream stops.
    stop_at_bytes: u64,
}

impl Plan<'_> {
    /// Opens the streams, moves the load, records both; `None` when nothing connected.
    async fn run(&self, run: &Run, server: &mut Server) -> Option<(Test, Witness)> {
        let bytes_before = run.bytes_used();
        let query = self.query();
        let path = path(self.direction);
        let first = server.connect_to(run, path, &query, SUBPROTOCOL);
        let first = tokio::select! {
            () = run.cancel.cancelled() => {
                run.ended(Outcome::Cancelled);
                return None;
            }
            first = first => first?,
        };
        let begun_us = run.clock.elapsed_us();
        let witness = Witness::begin(run, bytes_before);
        let mut step = Step::start(&run.clock, "streams", scrub::host(&server.host()));
        let plan = |index| StreamPlan {
            index,
            direction: self.direction,
            begun_us,
            length_us: self.form.length_us(),
            limit_bytes: self.limit_bytes,
            stop_at_bytes: self.stop_at_bytes,
        };
        let server = &*server;
        let query = &query;
        let mut moving: Vec<Moving<'_>> =
            vec![Box::pin(stream::run(run, first, plan(0)).map(Some))];
        for index in 1..self.form.streams {
            let plan = plan(index);
            moving.push(Box::pin(async move {
                let connected = self.join(run, server, query).await?;
                Some(stream::run(run, connected, plan).await)
            }));
        }
        let streams: Vec<Stream> = join_all(moving).await.into_iter().flatten().collect();
        step.result_known();
        let test = Test {
            direction: self.direction,
            asked: self.form.streams,
            begun_us,
            streams,
        };
        self.describe(&mut step, &test);
        run.observe(step.succeed());
        Some((test, witness))
    }

    /// Opens one more stream while the others move load already.
    async fn join(&self, run: &Run, server: &Server, query: &str) -> Option<Connected> {
        let opening = server.open_socket(run, path(self.direction), query, SUBPROTOCOL);
        tokio::select! {
            () = run.cancel.cancelled() => None,
            opened = opening => opened.map(|(_, connected)| connected),
        }
    }

    fn query(&self) -> String {
        let request = Request {
            streams: self.form.streams,
            measurement_id: self.measurement_id,
            duration_ms: self.form.length_ms,
            limit_bytes: Some(self.limit_bytes),
            congestion_control: self.form.congestion_control.as_deref(),
            client: (CLIENT_NAME, CLIENT_VERSION),
        };
        request.to_query()
    }

    fn describe(&self, step: &mut Step, test: &Test) {
        step.fact("direction", self.direction.as_str());
        step.fact("streams", self.form.streams);
        step.fact("connected", test.streams.len());
        step.fact("limit_bytes", self.limit_bytes);
        step.fact("length_ms", self.form.length_ms);
        if let Some(name) = &self.form.congestion_control {
            step.fact("cc", name.as_str());
        }
        step.fact("ended_by", test.ended_by());
        let counted = test.counted();
        let known = [
            ("received_bytes", counted.map(|counted| counted.bytes)),
            ("elapsed_us", counted.map(|counted| counted.elapsed_us)),
            ("rate_bps", counted.and_then(rate::Counted::rate_bps)),
            ("min_rtt_us", test.min_rtt_us()),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                step.fact(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
