//! SNI: whether a handshake with the same address fares otherwise under the target's server name
//! than under a neutral one and under none (the idea of ts-024 of the OONI specification). Says what
//! was seen and gives no verdict.
//!
//! 1. Every round shows each of the three once, in an order that the run's seed draws: what a network
//!    does for a while after it saw a name then weighs on all of them.
//! 2. There are three rounds with a pause before each attempt: a failure that comes once is chance.
//! 3. The name is looked up once, and only the first address that there is a way to is asked.
//! 4. A certificate is held against the target's name whatever name was shown: which one a server
//!    keeps for strangers is no failure of the line.
//! 5. Where a handshake under the target's name failed, the controls are asked for the same name at the
//!    same address ([`crate::control`]): a server may be down, or mind its own name. Where none failed
//!    there is nothing to ask them.
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::contrast::{Contrast, HANDSHAKE_BYTES, Presented, pause};
use crate::control::CONTROLS_BYTES;
use crate::pairing::rounds;
use crate::steps;
use std::time::Duration;
use tonle_evidence::record::{Stream, Target};

/// Times that each name is shown.
const ROUNDS: u32 = 3;
/// Wait before each attempt but the first: nobody's server is hurried.
const PAUSE: Duration = Duration::from_secs(1);
/// Bytes of looking the name up, at most.
const LOOKUP_BYTES: u64 = 6_000;
const KINDS: [Presented; 3] = [Presented::Target, Presented::Neutral, Presented::None];

static META: Meta = Meta {
    name: "sni",
    version: 1,
    stream: Stream::Openness,
    about: "whether handshakes fail for the target's server name and not for another",
    // Nine attempts that each wait for a connection and a handshake, the name, and the controls.
    timeout_s: 250,
};

/// See the top of this file.
pub struct Sni;

impl Experiment for Sni {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        let attempts = u64::from(ROUNDS) * KINDS.len() as u64;
        Cost {
            bytes: (LOOKUP_BYTES + attempts * HANDSHAKE_BYTES + CONTROLS_BYTES).min(max_bytes),
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
    let attempts = rounds(run.seed, ROUNDS, KINDS);
    let mut has_failed = false;
    for (done, (round, presented)) in attempts.iter().enumerate() {
        (run.progress)(done as u64, attempts.len() as u64);
        if done > 0 {
            pause(run, PAUSE).await;
        }
        // Only the handshake is of interest: dropping it closes the connection.
        let failed = contrast.attempt(run, *presented, *round).await.is_none();
        has_failed |= failed && *presented == Presented::Target;
    }
    if has_failed {
        contrast.ask_controls(run).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::{net, resolver, run_with, target};
    use crate::openness::Openness;
    use tonle_net::settings::NetSettings;

    #[tokio::test]
    async fn every_attempt_says_which_name_it_showed() {
        let net = NetSettings {
            resolvers: vec![resolver(&["127.0.0.1"])],
            ..net()
        };
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        let run = run_with(net).compared_with(Openness {
            neutral_name: "example.com".to_owned(),
            ..Openness::default()
        });
        let target = target(format!("site.example:{port}"));
        let contrast = Contrast::find(&run, &target).await.unwrap().unwrap();
        for (round, presented) in rounds(run.seed, ROUNDS, KINDS) {
            assert!(contrast.attempt(&run, presented, round).await.is_none());
        }
        let recorded = run.take();
        let attempts = recorded.observations.iter();
        let attempts: Vec<_> = attempts
            .filter(|seen| seen.operation == "connect")
            .collect();
        assert_eq!(attempts.len(), 9);
        for word in ["target", "neutral", "none"] {
            let is_its = |seen: &&&_| said(seen) == word;
            assert_eq!(attempts.iter().filter(is_its).count(), 3, "{word}");
        }
    }

    fn said(seen: &tonle_evidence::observation::Observation) -> &str {
        seen.detail["presented"].as_str().unwrap()
    }

    #[tokio::test]
    async fn without_a_neutral_name_nothing_is_sent() {
        let run = run_with(net());
        let refused = measure(&run, &target("site.example")).await;
        assert!(matches!(refused, Err(CannotRun::Missing(_))));
        assert!(run.take().observations.is_empty());
    }
}
