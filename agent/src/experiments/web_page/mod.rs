//! Web page: what the service of opening a page gives, by the definitions of ETSI TS 102 250-2:
//! non-accessibility, set-up time, cut-off and mean data rate ([`crate::visit::kpi`]).
//!
//! 1. The pages are those of the quality list: well-known public ones, so that a volunteer who
//!    agreed to quality measurements alone opens nothing else.
//! 2. The body is read up to a cap and counted, not kept; a page is the document itself, without
//!    what it would have a browser load besides.
//! 3. A visit that we stopped at the byte cap before its content, or that never left the device,
//!    has no figures.
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::steps;
use crate::visit::{self, Breadth, End, Manner, PAGE_OVERHEAD_BYTES, kpi};
use tonle_evidence::record::{Outcome, Stream, Target};
use tonle_net::dns::Patience;

/// Longest body read, bytes: a second of a slow line, and what three pages an hour may cost.
const BODY_MAX_BYTES: u64 = 256 << 10;
const MANNER: Manner = Manner {
    breadth: Breadth::First,
    patience: Patience::FIRST_ANSWER,
    body_max_bytes: BODY_MAX_BYTES,
    keeps_bodies: false,
};

static META: Meta = Meta {
    name: "web_page",
    version: 1,
    stream: Stream::Quality,
    about: "whether a page opens, how soon its content comes, and at what rate",
    timeout_s: 90,
};

/// See the top of this file.
pub struct WebPage;

impl Experiment for WebPage {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: (BODY_MAX_BYTES + 2 * PAGE_OVERHEAD_BYTES).min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let visited = visit::visit(run, target, MANNER).await?;
    if visited.end == End::Capped {
        run.ended(Outcome::Capped);
        return Ok(());
    }
    let (steps, class) = (visited.path, target.path_class);
    let figures = [
        ("nonaccess_ppm", kpi::nonaccess_ppm(&steps)),
        ("setup_us", kpi::setup_us(&steps)),
        ("cutoff_ppm", kpi::cutoff_ppm(&steps)),
        ("mean_rate_bps", kpi::mean_rate_bps(&steps)),
    ];
    for (base, value) in figures {
        if let Some(value) = value {
            run.sample(format!("web_page.{base}/{class}"), value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
