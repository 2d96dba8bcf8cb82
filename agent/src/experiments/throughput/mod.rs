//! Throughput: an ndt7 download and upload against one server, with what the server's kernel
//! counted beside what we counted.
//!
//! 1. Download is counted here, payload over time from the end of the WebSocket handshake; upload
//!    is counted by the server that received it (its `TCPInfo`, else its `AppInfo`), because a
//!    sender counts what still waits in buffers.
//! 2. Set-up is never part of a rate. No rate without a completed handshake.
//! 3. A direction is *full* when it covers four fifths of the nominal ten seconds; only then has it
//!    a rate. How it ended does not matter: servers may end a test by closing the connection. But one
//!    that fell silent has none, for its last seconds are our waiting.
//! 4. A direction that stopped at the byte cap has a rate from two seconds on, of another metric
//!    (`ndt7_capped`): slow start weighs more in it.
//! 5. Less than one message of the smallest size is no rate.
//! 6. Each direction may use half of the run's bytes. An eighth of that is kept for headers and for
//!    what is on its way when we stop; what a download used beyond its half, an upload goes without.
//! 7. When the download does not reach its transfer, the upload is not tried: it would fail alike.
//!    A server that a Locate service named is first replaced by the next one (see `servers`).
//!
//! 8. Every transfer that has a result says what limited it; a line that others use is waited for,
//!    for a while, and then measured all the same (see `witness`, `limit`).
//!
//! 9. Where the line costs by volume a direction ends when its rate is known well enough (see
//!    `early_stop`); its rate is of another metric (`ndt7_early`). Where it does not, whole
//!    transfers leave a trace on the device, for `tonle agent replay`.
//!
//! 10. A STAMP train sees how long packets take before the transfers and beside them (see
//!     `under_load`).
//!
//! Operations: the steps of `tonle_net`, then `transfer` (see `transfer`), `limits` (see `witness`)
//! and those of `under_load`.
pub mod early_stop;
pub(super) mod limit;
mod rate;
mod servers;
pub mod trace;
mod transfer;
mod under_load;
pub(super) mod witness;

use super::bulk::ending::Stop;
use super::bulk::{base_url, stop_at_bytes};
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::steps;
use early_stop::Rule;
use servers::{Servers, Source};
use tonle_evidence::record::{LimitedBy, Outcome, PathClass, Stream, Target};
use tonle_wire::ndt7::Direction;
use tonle_wire::ndt7::spec::{HARD_LIMIT_US, NOMINAL_US};
use transfer::{Limits, Transfer};
use under_load::Companion;
use witness::{Moved, Witness};

static META: Meta = Meta {
    name: "throughput",
    version: 1,
    stream: Stream::Quality,
    about: "how much the line carries, both ways, against an ndt7 server",
    timeout_s: 90,
};

/// How long a test is. The protocol's lengths but for tests.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Nominal length of one direction, microseconds.
    pub nominal_us: i64,
    /// When a download that does not end is ended by us, microseconds.
    pub cut_off_us: i64,
    /// Shortest capped transfer that has a rate, microseconds.
    pub capped_min_us: i64,
}

/// See the top of this file.
pub struct Throughput {
    /// How long a test is.
    pub timing: Timing,
    /// Whether a STAMP train goes beside it.
    pub under_load: bool,
}

impl Throughput {
    /// ndt7 as its specification says.
    pub const STANDARD: Self = Self {
        timing: Timing {
            nominal_us: NOMINAL_US,
            cut_off_us: HARD_LIMIT_US,
            capped_min_us: 2_000_000,
        },
        under_load: true,
    };
}

impl Experiment for Throughput {
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

impl Throughput {
    async fn measure(&self, run: &Run, target: &Target) -> Result<(), CannotRun> {
        let source = Source::of(run, target)?;
        if target.path_class != PathClass::Local {
            witness::wait_for_a_quiet_line(run).await;
        }
        let mut servers = tokio::select! {
            () = run.cancel.cancelled() => {
                run.ended(Outcome::Cancelled);
                return Ok(());
            }
            servers = source.servers(run) => servers?,
        };
        let beginning = Box::pin(self.companion(run, target));
        let begun = run.cancel.run_until_cancelled(beginning).await;
        let mut companion = begun.flatten();
        self.transfer(run, target, &mut servers, companion.as_mut())
            .await;
        if let Some(companion) = companion {
            companion.end(run, target.path_class).await;
        }
        Ok(())
    }

    /// The train beside the transfers, where the server is one that may have a reflector of ours.
    async fn companion(&self, run: &Run, target: &Target) -> Option<Companion> {
        if !self.under_load {
            return None;
        }
        let Ok(base) = base_url(&target.value) else {
            under_load::without(run, "no_reflector");
            return None;
        };
        let net = steps::surroundings(run, target);
        Companion::begin(run, &net, &base).await
    }

    /// Both directions, one after the other.
    async fn transfer(
        &self,
        run: &Run,
        target: &Target,
        servers: &mut Servers<'_>,
        mut companion: Option<&mut Companion>,
    ) {
        let mut limits_seen = Vec::new();
        for direction in Direction::ALL {
            let connecting = servers.connect(run, direction);
            let connected = tokio::select! {
                () = run.cancel.cancelled() => {
                    run.ended(Outcome::Cancelled);
                    return;
                }
                connected = connecting => connected,
            };
            let Some(connected) = connected else {
                return;
            };
            let limits = Limits {
                timing: self.timing,
                stop_at_bytes: stop_at_bytes(run, connected.bytes_before),
                early: self.early_rule(run, target),
            };
            let scheme = connected.url.scheme().to_owned();
            let witness = Witness::begin(run, connected.bytes_before);
            let from_us = run.clock.elapsed_us();
            let (transfer, course) = transfer::run(run, connected, direction, limits).await;
            if let Some(companion) = companion.as_deref_mut() {
                companion.saw(&transfer, from_us);
            }
            if self.keeps_trace(run, target, &transfer) {
                run.keep_trace(&witness.trace(run, &transfer, course, scheme, self.timing));
            }
            limits_seen.extend(witness.end(run, target, &Moved::from(&transfer)));
            self.report(run, servers.path_class(), &transfer, &limits_seen);
            if transfer.stop == Stop::Cancelled {
                run.ended(Outcome::Cancelled);
                return;
            }
        }
    }

    /// The rule that may end a direction early: what does not leave the building costs nothing.
    fn early_rule(&self, run: &Run, target: &Target) -> Option<Rule> {
        let is_wanted = run.line.early_stop && target.path_class != PathClass::Local;
        is_wanted.then_some(Rule {
            nominal_us: self.timing.nominal_us,
            ..Rule::STANDARD
        })
    }

    /// Only what ran to its end says what a rule would have missed.
    fn keeps_trace(&self, run: &Run, target: &Target, transfer: &Transfer) -> bool {
        run.line.keeps_traces
            && target.path_class != PathClass::Local
            && matches!(transfer.stop, Stop::ServerClosed | Stop::TimeUp)
            && !rate::samples(transfer, self.timing).is_empty()
    }

    /// Turns a transfer into samples, as far as it has any.
    fn report(&self, run: &Run, class: PathClass, transfer: &Transfer, limits: &[LimitedBy]) {
        if transfer.stop == Stop::Capped {
            run.ended(Outcome::Capped);
        }
        if let Some(limited_by) = limit::of_all(limits) {
            run.limited_by(limited_by);
        }
        for (base, value) in rate::samples(transfer, self.timing) {
            let variant = transfer.variant();
            run.sample(format!("throughput.{base}/{variant}/{class}"), value);
        }
    }
}

#[cfg(test)]
mod peer;
#[cfg(test)]
mod tests;
