//! QUIC: whether a server answers a QUIC Initial under the target's server name, under a neutral one,
//! or under neither. Says what was seen and gives no verdict.
//!
//! 1. The same server is first asked for its page over TCP: whether it can be reached, and whether it
//!    offers HTTP/3 (`Alt-Svc`, RFC 7838), is what silence over UDP is held against.
//! 2. Then each of three rounds shows both names, in an order that the run's seed draws, with a pause
//!    before each: what comes once is chance.
//! 3. The step is [`tonle_net::quic`]; it says `presented` and `round` beside (see
//!    [`crate::contrast`]). No connection is completed.
//! 4. Where an Initial under the target's name got no answer, the controls are asked for the same at the
//!    same address ([`crate::control`]): a server may speak no QUIC.
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::contrast::{Contrast, HANDSHAKE_BYTES, Presented, note, pause};
use crate::control::{self, CONTROLS_BYTES, Question};
use crate::pairing::orders;
use crate::steps;
use std::time::Duration;
use tonle_evidence::record::{Outcome, Stream, Target};
use tonle_net::http::{self, Get, Limits};
use tonle_net::quic::{self, PROBE_BYTES};

/// Times that each name is shown.
const ROUNDS: u32 = 3;
/// Wait before each probe.
const PAUSE: Duration = Duration::from_secs(1);
/// Most of the page that is read, bytes: its head is of interest.
const BODY_MAX_BYTES: usize = 16 << 10;
/// What asking for the page costs, with the lookup.
const PAGE_BYTES: u64 = 2 * BODY_MAX_BYTES as u64 + HANDSHAKE_BYTES + 6_000;

static META: Meta = Meta {
    name: "quic",
    version: 2,
    stream: Stream::Openness,
    about: "whether a server answers QUIC under its own name and under another",
    // The page, six Initials that each wait for an answer, and the controls.
    timeout_s: 160,
};

/// See the top of this file.
pub struct Quic;

impl Experiment for Quic {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: (PAGE_BYTES + 2 * u64::from(ROUNDS) * PROBE_BYTES + CONTROLS_BYTES)
                .min(max_bytes),
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
    ask_over_tcp(run, &contrast).await;
    let kinds = [Presented::Target, Presented::Neutral];
    let mut has_failed = false;
    for (round, order) in (0..).zip(orders(run.seed, ROUNDS, kinds)) {
        (run.progress)(round.into(), ROUNDS.into());
        for presented in order {
            pause(run, PAUSE).await;
            if run.bytes_used() + PROBE_BYTES > run.max_bytes {
                run.ended(Outcome::Capped);
                return Ok(());
            }
            let name = contrast.name(presented);
            let mut seen = quic::probe(&run.net, &run.clock, &run.meter, contrast.peer, name).await;
            note(&mut seen, presented, round);
            has_failed |= presented == Presented::Target && !seen.succeeded();
            run.observe(seen);
        }
    }
    if has_failed {
        let question = Question::about(&contrast.url, vec![contrast.peer]).over_quic();
        control::ask_all(run, &question).await;
    }
    Ok(())
}

async fn ask_over_tcp(run: &Run, contrast: &Contrast) {
    let Some(stream) = contrast.attempt(run, Presented::Target, 0).await else {
        return;
    };
    let limits = Limits {
        body_max_bytes: BODY_MAX_BYTES,
        ..Limits::default()
    };
    let get = Get::to(&contrast.url, contrast.peer.ip());
    let (mut seen, _) = http::get(&run.clock, stream, get, &limits).await;
    note(&mut seen, Presented::Target, 0);
    run.observe(seen);
}
