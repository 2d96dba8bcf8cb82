//! Throttling: whether a target's object comes slower under the target's server name than under a
//! neutral one, from the same address.
//!
//! 1. Both transfers of a pair fetch the same object from the same server, each on a connection of its
//!    own; only the name in the ClientHello differs. The request names the target either way.
//! 2. A first pair warms both ways up and is not counted. Pairs come two by two mirrored, as the run's
//!    seed says ([`crate::pairing`]): what drifts slowly weighs on both alike.
//! 3. Each transfer reads a bounded part of the object, and one that runs out of time counts by what
//!    came until then. The observations are `http_request` with `presented` and `round` beside the
//!    ordinary facts (see [`crate::contrast`]); round 0 is the pair that is not counted.
//! 4. The sample is the median of the pairs' ratios, target in millionths of neutral, where they are
//!    enough for an interval ([`tonle_evidence::paired`]). The verdict is the collector's, who reckons
//!    from the observations.
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::contrast::{Contrast, HANDSHAKE_BYTES, Presented, note};
use crate::pairing::orders;
use crate::steps;
use std::time::Duration;
use tonle_evidence::paired::{compare, rate_bps, ratio_ppm};
use tonle_evidence::record::{Outcome, Stream, Target};
use tonle_net::http::{self, Get, Limits};

/// Pairs that count: two more than an interval needs, for those that fail.
const PAIRS: u32 = 8;
/// Most of the object that a transfer reads, bytes: beyond the first kilobytes, which some throttles let
/// pass, and a few seconds of a line that is held back hard.
const TRANSFER_MAX_BYTES: usize = 200_000;
/// Longest transfer.
const TRANSFER_MAX: Duration = Duration::from_secs(10);
/// What a transfer costs on the line at most: the object, what had already been sent when we closed,
/// headers and the handshake.
const TRANSFER_COST_BYTES: u64 = 2 * TRANSFER_MAX_BYTES as u64 + HANDSHAKE_BYTES;
/// When no further pair begins, microseconds.
const LAST_START_US: i64 = 90_000_000;

static META: Meta = Meta {
    name: "throttling",
    version: 1,
    stream: Stream::Openness,
    about: "whether an object comes slower under the target's server name than under another",
    timeout_s: 150,
};

/// See the top of this file.
pub struct Throttling;

impl Experiment for Throttling {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        let transfers = u64::from(2 * (PAIRS + 1));
        Cost {
            bytes: (transfers * TRANSFER_COST_BYTES).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let Some(contrast) = Contrast::find(run, target).await? else {
        return Ok(());
    };
    let kinds = [Presented::Target, Presented::Neutral];
    let counted = orders(run.seed, PAIRS, kinds);
    let all = std::iter::once(kinds).chain(counted);
    let mut ratios_ppm = Vec::new();
    for (round, order) in (0..).zip(all) {
        (run.progress)(round.into(), PAIRS.into());
        if run.bytes_used() + 2 * TRANSFER_COST_BYTES > run.max_bytes {
            run.ended(Outcome::Capped);
            break;
        }
        if run.clock.elapsed_us() > LAST_START_US {
            break;
        }
        let mut pair = [None, None];
        for presented in order {
            let rate_bps = transfer(run, &contrast, presented, round).await;
            pair[usize::from(presented == Presented::Neutral)] = rate_bps;
        }
        if let [Some(of_target), Some(of_neutral)] = pair
            && round > 0
        {
            ratios_ppm.push(ratio_ppm(of_target, of_neutral));
        }
    }
    if let Some(comparison) = compare(&ratios_ppm) {
        let class = target.path_class;
        run.sample(
            format!("throttling.ratio_ppm/{class}"),
            comparison.median_ppm,
        );
    }
    Ok(())
}

/// One transfer; its rate in bit/s where the object came, or as much of it as counts.
async fn transfer(run: &Run, contrast: &Contrast, presented: Presented, round: u32) -> Option<i64> {
    let stream = contrast.attempt(run, presented, round).await?;
    let limits = Limits {
        head: TRANSFER_MAX,
        whole: TRANSFER_MAX,
        body_max_bytes: TRANSFER_MAX_BYTES,
        notes_progress: false,
    };
    let get = Get::to(&contrast.url, contrast.peer.ip());
    let (mut seen, _) = http::get(&run.clock, stream, get, &limits).await;
    note(&mut seen, presented, round);
    let rate = rate_bps(&seen);
    run.observe(seen);
    rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::{net, run_with, target};

    #[tokio::test]
    async fn only_an_https_object_is_a_target() {
        let run = run_with(net());
        let refused = measure(&run, &target("http://site.example/large")).await;
        assert!(matches!(refused, Err(CannotRun::Target { .. })));
    }

    #[test]
    fn a_run_stays_below_eight_megabytes() {
        let cost = Throttling.estimate(&target("https://site.example/"), u64::MAX);
        assert!(cost.bytes < 8_000_000, "{}", cost.bytes);
    }
}
