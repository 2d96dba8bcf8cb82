//! Responsiveness: how many round trips a minute the line gives while it is full, in each direction
//! (draft-ietf-ippm-responsiveness-09).
//!
//! 1. One direction after the other, so that it shows which side is bad. The load is added a
//!    connection at a time until goodput has settled, then probes are averaged until their score
//!    has settled too; each of these two stages has a length at most, and its confidence is
//!    recorded: low below four intervals, medium when it did not settle, high when it did.
//! 2. Probes go out from the start, each second one on a connection of its own (`foreign`), the
//!    others on a random connection of the load (`own`): over HTTP/2 beside the load, over HTTP/1.1
//!    as what the kernel knows of the round trip. Together they use at most 5 % of what the load
//!    moved.
//! 3. The interval is one second, as deployed clients have it; the draft's five would cost five
//!    times the data. The metric's id says so, because scores of other intervals are others.
//! 4. The score is the draft's mean of two scores. Without TLS the first of them has two parts and
//!    not three: nothing is put in the place of a handshake that did not happen.
//! 5. A direction whose load broke has no score; nor has one of low confidence, or of fewer than
//!    three probes of a kind. A score of medium confidence is of another metric than a settled one.
//! 6. Each direction may use half of the run's bytes, an eighth of that kept back as in
//!    `throughput`. It ends as soon as it is clear that what is left does not last for a score: such
//!    bytes would be spent for nothing.
//! 7. It fills the line for half a minute and costs accordingly, so it runs by itself only where the
//!    line was declared unmetered; elsewhere by command.
//!
//! Operations: the steps of `tonle_net` on the way to the configuration, `configuration` (detail
//! `status`, and `reason` where it is void), and `responsiveness` for each direction (see `report`).
mod direction;
mod intervals;
mod load;
mod probe;
mod report;
mod server;

use super::bulk::stop_at_bytes;
use super::throughput::witness::wait_for_a_quiet_line;
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::steps;
use direction::{End, Test};
use server::Server;
use tonle_evidence::record::{LimitedBy, Outcome, PathClass, Stream, Target};
use tonle_wire::responsiveness::Direction;
use tonle_wire::responsiveness::spec::INTERVAL_US;

static META: Meta = Meta {
    name: "responsiveness",
    version: 1,
    stream: Stream::Quality,
    about: "round trips per minute while the line is full, both ways (RPM)",
    timeout_s: 120,
};

/// Fewest bytes that a run needs to say anything: a few probes of each direction, and their load.
const RUN_MIN_BYTES: u64 = 1_000_000;

/// How long an interval and each stage of a direction take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// One interval, microseconds.
    pub interval_us: i64,
    /// Most intervals of each stage.
    pub stage_max: usize,
}

/// See the top of this file.
pub struct Responsiveness {
    /// How long it takes.
    pub timing: Timing,
}

impl Responsiveness {
    /// Twenty seconds a direction at most, as deployed clients take.
    pub const STANDARD: Self = Self {
        timing: Timing {
            interval_us: INTERVAL_US,
            stage_max: 10,
        },
    };
}

impl Experiment for Responsiveness {
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

impl Responsiveness {
    async fn measure(&self, run: &Run, target: &Target) -> Result<(), CannotRun> {
        let url = server::configuration_url(&target.value)?;
        let is_local = target.path_class == PathClass::Local;
        if !is_local {
            let host = url.host_str().unwrap_or_default();
            steps::check_literal(run, &target.value, host)?;
        }
        if run.max_bytes < RUN_MIN_BYTES {
            return Err(CannotRun::Missing(format!(
                "a byte cap of {RUN_MIN_BYTES} for one run (`run_max_bytes`)"
            )));
        }
        let finding = async {
            if !is_local {
                wait_for_a_quiet_line(run).await;
            }
            Server::find(run, url, is_local).await
        };
        let found = tokio::select! {
            () = run.cancel.cancelled() => {
                run.ended(Outcome::Cancelled);
                return Ok(());
            }
            found = finding => found,
        };
        let Some(server) = found else {
            return Ok(());
        };
        for direction in Direction::ALL {
            let test = Test {
                run,
                server: &server,
                direction,
                timing: self.timing,
                stop_at_bytes: stop_at_bytes(run, run.bytes_used()),
            };
            let course = test.run().await;
            let (end, connections) = (course.end.clone(), course.connections);
            report::report(run, target, &test, course);
            match end {
                End::Cancelled => {
                    run.ended(Outcome::Cancelled);
                    return Ok(());
                }
                End::Capped => {
                    run.ended(Outcome::Capped);
                    run.limited_by(LimitedBy::Cap);
                }
                // Where no load can be opened, the other direction fails alike.
                End::Broken(_) if connections == 0 => return Ok(()),
                End::Broken(_) | End::Settled | End::TimeUp => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod peer;
#[cfg(test)]
mod tests;
