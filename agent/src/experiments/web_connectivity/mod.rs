//! Web connectivity: whether a page can be reached as a browser would ([`crate::visit`]). Says what
//! was seen and gives no verdict.
//!
//! Every way to the page is tried and compared with what controls see; the figures are those of the
//! way that fetched it.
//!
//! 1. The page is accessible when its first content arrived, whatever its status (TS 102 250-2:
//!    non-accessibility is failing to reach first content).
//! 2. Set-up time is the sum of the steps on the way to the first byte of content, from resolving
//!    on (TS 102 250-2); our own pauses between steps, such as listening for late DNS answers, are
//!    no part of it.
//! 3. An attempt that never left the device says nothing of access: no sample.
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::steps;
use crate::visit::{self, Breadth, End, Manner, PAGE_OVERHEAD_BYTES, kpi};
use tonle_evidence::record::{Outcome, PathClass, Stream, Target};
use tonle_net::dns::Patience;

/// Longest body read, bytes (OONI Web Connectivity 0.5 reads as much).
const BODY_MAX_BYTES: u64 = 1 << 19;
/// Pages of this overhead that the bound of a run is made of: the page on every way, with the
/// controls, and three redirects.
const PAGES: u64 = 12;
/// Late DNS answers are listened for and bodies are kept: both may tell who interferes.
const MANNER: Manner = Manner {
    breadth: Breadth::Every,
    patience: Patience::FULL,
    body_max_bytes: BODY_MAX_BYTES,
    keeps_bodies: true,
};

static META: Meta = Meta {
    name: "web_connectivity",
    version: 2,
    stream: Stream::Openness,
    about: "whether a page can be reached, and how long its first content takes",
    timeout_s: 300,
};

/// See the top of this file.
pub struct WebConnectivity;

impl Experiment for WebConnectivity {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: (BODY_MAX_BYTES + PAGES * PAGE_OVERHEAD_BYTES).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let class = target.path_class;
    let visited = visit::visit(run, target, MANNER).await?;
    match visited.end {
        End::Reached => report(run, class, kpi::setup_us(&visited.path)),
        End::Failed => report(run, class, None),
        End::NeverLeft => {}
        End::Capped => run.ended(Outcome::Capped),
    }
    Ok(())
}

fn report(run: &Run, class: PathClass, setup_us: Option<i64>) {
    let failed_ppm = if setup_us.is_some() { 0 } else { 1_000_000 };
    run.sample(format!("web.nonaccess_ppm/{class}"), failed_ppm);
    if let Some(setup_us) = setup_us {
        run.sample(format!("web.setup_us/{class}"), setup_us);
    }
}

#[cfg(test)]
mod tests;
