//! Favoured tests: whether the network carries a speed test faster than an ordinary download from
//! the same server.
//!
//! 1. Both fetch as many bytes, each on a connection of its own: one as an ndt7 download, one as a
//!    file that looks like any file on any server, asked for as a browser asks (`transfer`).
//!    The server may keep its files under another name or port of its machine, so that nothing about
//!    them tells of tests: the agent asks once, and goes to the address that it knows (`places`).
//! 2. A first pair says how fast the line is, and is not counted. Transfers are then so long that the
//!    slower of the two takes about a second.
//! 3. Pairs come two by two in the order test, file, file, test, or the other way round, as the run's
//!    seed says: what drifts slowly weighs on both alike.
//! 4. The result is the ratio of each pair, their median, and an interval that holds it whatever the
//!    distribution ([`compare`]). Fewer pairs than that needs are `insufficient`, and no sample.
//! 5. Nothing begins that could take the run beyond its bytes or half a minute of transfers.
//!
//! Observation `favoured`: `files_elsewhere` (whether files had a place of their own), `pairs`, `transfer_bytes`, `ratios_ppm` (the test's rate in millionths of
//! the file's, in their order); `verdict` and `rule` (see [`compare`]); and with enough pairs
//! `median_ppm`, `low_ppm`, `high_ppm`, `coverage_ppm`.
pub mod compare;
mod places;
mod transfer;

use super::bulk::base_url;
use super::bulk::connection::Server;
use super::throughput::witness;
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::pairing::orders;
use crate::steps;
use compare::verdict;
use places::Places;
use tonle_evidence::paired::Comparison;
use tonle_evidence::record::{Outcome, PathClass, Stream, Target};
use tonle_net::step::Step;
use transfer::Kind;

static META: Meta = Meta {
    name: "favoured",
    version: 1,
    stream: Stream::Quality,
    about: "whether the network carries a speed test faster than an ordinary download",
    timeout_s: 90,
};

/// Pairs of a run, the first one aside.
const PAIRS: u32 = 8;
/// Bytes of each transfer of the first pair, and fewest of any: a network that lets the first
/// kilobytes of everything pass must still be seen.
const TRANSFER_MIN_BYTES: u64 = 200_000;
/// Most bytes of a transfer.
const TRANSFER_MAX_BYTES: u64 = 8_000_000;
/// Of the run's bytes, one part in this many is kept for headers and what is on its way.
const RESERVE_SHARE: u64 = 4;
/// When no further pair begins, microseconds.
const LAST_START_US: i64 = 30_000_000;

/// See the top of this file.
pub struct Favoured;

impl Experiment for Favoured {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        let most = TRANSFER_MAX_BYTES * u64::from(2 * PAIRS);
        Cost {
            bytes: (most + most / RESERVE_SHARE).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let base = base_url(&target.value)?;
    let server = Server::new(run, base, target.path_class);
    if !server.may_be_local() {
        steps::check_literal(run, &target.value, &server.host())?;
        witness::wait_for_a_quiet_line(run).await;
    }
    let mut step = Step::start(&run.clock, "favoured", target.value.clone());
    let Some(mut places) = Places::of(run, server).await else {
        return Ok(());
    };
    step.fact("files_elsewhere", places.are_apart());
    let first = [Kind::Test, Kind::File];
    let first = pair(run, &mut places, first, TRANSFER_MIN_BYTES).await;
    let slower_bps = first.map(|first| first.test_bps.min(first.file_bps));
    let bytes = slower_bps.map(|rate_bps| transfer_bytes(rate_bps, run.max_bytes));
    let mut ratios_ppm = Vec::new();
    if let Some(bytes) = bytes {
        step.fact("transfer_bytes", bytes);
        ratios_ppm = ratios(run, &mut places, bytes).await;
    }
    let comparison = compare::compare(&ratios_ppm);
    let (verdict, rule) = verdict(comparison.as_ref());
    step.fact("pairs", ratios_ppm.len());
    step.fact("verdict", verdict);
    step.fact("rule", rule);
    step.fact("ratios_ppm", ratios_ppm);
    if let Some(comparison) = comparison {
        step.fact("median_ppm", comparison.median_ppm);
        step.fact("low_ppm", comparison.low_ppm);
        step.fact("high_ppm", comparison.high_ppm);
        step.fact("coverage_ppm", comparison.coverage_ppm);
        report(run, target.path_class, &comparison);
    }
    run.observe(step.succeed());
    Ok(())
}

/// The ratio of each pair, until all are made or one cannot be.
async fn ratios(run: &Run, places: &mut Places, bytes: u64) -> Vec<i64> {
    let mut ratios_ppm = Vec::new();
    for (done, order) in (0..).zip(orders(run.seed, PAIRS, [Kind::Test, Kind::File])) {
        (run.progress)(done, PAIRS.into());
        if !may_begin(run, bytes) {
            break;
        }
        let Some(pair) = pair(run, places, order, bytes).await else {
            break;
        };
        ratios_ppm.push(pair.ratio_ppm());
    }
    ratios_ppm
}

fn report(run: &Run, class: PathClass, comparison: &Comparison) {
    run.sample(format!("favoured.ratio_ppm/{class}"), comparison.median_ppm);
    run.sample(
        format!("favoured.ratio_low_ppm/{class}"),
        comparison.low_ppm,
    );
    run.sample(
        format!("favoured.ratio_high_ppm/{class}"),
        comparison.high_ppm,
    );
}

/// The rates of one pair, bit/s.
struct Pair {
    test_bps: i64,
    file_bps: i64,
}

impl Pair {
    /// The test's rate in millionths of the file's.
    fn ratio_ppm(&self) -> i64 {
        compare::ratio_ppm(self.test_bps, self.file_bps)
    }
}

/// Both transfers in this order; `None` as soon as one has no rate.
async fn pair(run: &Run, places: &mut Places, order: [Kind; 2], bytes: u64) -> Option<Pair> {
    let mut pair = Pair {
        test_bps: 0,
        file_bps: 0,
    };
    for kind in order {
        let rate_bps = transfer::rate_bps(run, places, kind, bytes).await?;
        match kind {
            Kind::Test => pair.test_bps = rate_bps,
            Kind::File => pair.file_bps = rate_bps,
        }
    }
    Some(pair)
}

/// Bytes of each transfer: about a second at this rate, as far as the run's bytes allow.
fn transfer_bytes(rate_bps: i64, max_bytes: u64) -> u64 {
    let a_second = rate_bps.unsigned_abs() / 8;
    let usable = max_bytes - max_bytes / RESERVE_SHARE;
    let share = usable.saturating_sub(2 * TRANSFER_MIN_BYTES) / u64::from(2 * PAIRS);
    let thousands = a_second.min(share).min(TRANSFER_MAX_BYTES) / 1_000;
    (thousands * 1_000).max(TRANSFER_MIN_BYTES)
}

/// Whether a pair of such transfers may begin: within the bytes, and in time.
fn may_begin(run: &Run, bytes: u64) -> bool {
    let needed = 2 * (bytes + bytes / RESERVE_SHARE);
    if run.bytes_used().saturating_add(needed) > run.max_bytes {
        run.ended(Outcome::Capped);
        return false;
    }
    run.clock.elapsed_us() < LAST_START_US
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_transfers_together_stay_within_the_runs_bytes(rate_bps in 0i64..100_000_000_000, max_bytes in 10_000_000u64..1_000_000_000) {
            let bytes = transfer_bytes(rate_bps, max_bytes);
            prop_assert!((TRANSFER_MIN_BYTES..=TRANSFER_MAX_BYTES).contains(&bytes));
            prop_assert!(2 * TRANSFER_MIN_BYTES + u64::from(2 * PAIRS) * bytes <= max_bytes);
        }
    }
}
