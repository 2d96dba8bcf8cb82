//! DNS integrity: whether resolvers say what is true, and whether somebody between says something else.
//! The target is the name asked about, given as one or by a URL. Says what was seen and gives no verdict.
//!
//! 1. Every resolver of the device and a few public ones are asked for the target, for a neutral name,
//!    for one below it that nobody has, and for one that has no address; who asks on their behalf and
//!    who they say they are; and for names with good and with bad signatures.
//! 2. The target and the neutral name are sent to addresses that run no resolver (`silent`): whoever
//!    answers stands between.
//! 3. All of that comes twice or more, after a pause: what comes once is chance.
//! 4. The target is asked over TLS and HTTPS (`encrypted`): whether these ways are open, and what is
//!    said where nobody between can change it.
//! 5. The addresses that were answered are asked for the target's certificate (`certificates`): who
//!    holds one is the site, whatever the address.
//!
//! Beside what the steps say themselves (`resolve`, `server_identity`, `resolver_identity`, `connect`,
//! `tls_handshake`), each has: `question` (`target`, `neutral`, `absent`, `no_data`, `signed`, `bogus`,
//! `identity`, `server`; `own_server` where a server of ours is looked for), `asked` (`configured`,
//! `public`, `silent`, `dot`, `doh`; of handshakes `answered`), `which` of these, from 0, `round` from 0, and
//! `known_public: true` for a resolver of the device that is a public one.
mod certificates;
mod encrypted;
mod names;
mod questions;
mod servers;
mod silent;
#[cfg(test)]
mod tests;

use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::contrast::pause;
use crate::steps;
use names::Names;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{Outcome, Stream, Target};

/// Times that every resolver and every silent address is asked.
const ROUNDS: u32 = 3;
/// Wait before each round but the first: nobody's resolver is hurried.
const PAUSE: Duration = Duration::from_secs(1);
/// Upper bound of one question with its answers, as far as they are not cut.
const QUESTION_BYTES: u64 = 1_500;
/// Upper bound of a usual run: six resolvers and two silent addresses in every round (300 kB), five
/// encrypted resolvers and twelve certificates, all tried twice (500 kB). Most take a fifth of it.
const RUN_BYTES: u64 = 800_000;

static META: Meta = Meta {
    name: "dns_integrity",
    version: 1,
    stream: Stream::Openness,
    about: "whether resolvers tell the truth of a name, and whether somebody between answers for them",
    // Three rounds, and before and after them names, connections and handshakes that may all be slow.
    timeout_s: 180,
};

/// See the top of this file.
pub struct DnsIntegrity;

impl Experiment for DnsIntegrity {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        Cost {
            bytes: RUN_BYTES.min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

/// What all steps of one run share.
struct Trial<'a> {
    run: &'a Run,
    names: Names,
    /// Bytes that nothing was set aside for: steps side by side must not spend the same ones.
    left_bytes: AtomicU64,
    /// Texts by which servers called themselves, in the order in which they came.
    texts: Mutex<Vec<Vec<u8>>>,
}

impl Trial<'_> {
    /// Sets bytes aside for a step, unless they would be more than the run may use.
    fn may_spend(&self, bytes: u64) -> bool {
        let order = Ordering::Relaxed;
        let left = self
            .left_bytes
            .fetch_update(order, order, |left| left.checked_sub(bytes));
        if left.is_err() {
            self.run.ended(Outcome::Capped);
        }
        left.is_ok()
    }
}

/// What an observation is of.
#[derive(Debug, Clone, Copy)]
struct Label {
    asked: &'static str,
    which: usize,
    question: &'static str,
    round: u32,
}

impl Label {
    fn put_on(self, seen: &mut Observation) {
        let detail = &mut seen.detail;
        detail.insert("asked".to_owned(), self.asked.into());
        detail.insert("which".to_owned(), self.which.into());
        detail.insert("question".to_owned(), self.question.into());
        detail.insert("round".to_owned(), self.round.into());
    }
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    let names = Names::of(run, target)?;
    let resolvers = servers::of(run);
    if resolvers.is_empty() {
        return Err(CannotRun::Missing(
            "a resolver, in resolv.conf or in the configuration".to_owned(),
        ));
    }
    let left_bytes = run.max_bytes.saturating_sub(run.bytes_used());
    let trial = Trial {
        run,
        names,
        left_bytes: AtomicU64::new(left_bytes),
        texts: Mutex::default(),
    };
    let silent = silent::find(&trial, &resolvers).await;
    let mut answered = Vec::new();
    for round in 0..ROUNDS {
        (run.progress)(round.into(), u64::from(ROUNDS) + 1);
        if round > 0 {
            pause(run, PAUSE).await;
        }
        let (by_resolvers, by_nobody) = tokio::join!(
            questions::ask_all(&trial, &resolvers, round),
            silent::ask_all(&trial, &silent, round),
        );
        answered.extend(by_resolvers.into_iter().chain(by_nobody));
    }
    (run.progress)(ROUNDS.into(), u64::from(ROUNDS) + 1);
    let in_private = encrypted::ask_all(&trial).await;
    certificates::check(&trial, &in_private, &answered).await;
    Ok(())
}
