//! ECH: whether handshakes fail because they carry the extension of Encrypted Client Hello (RFC 9849),
//! which hides the server name from a network (the idea of ts-039 of the OONI specification). Says what was
//! seen and gives no verdict.
//!
//! 1. Every round shakes hands with one address under the target's name, with the extension and without, and
//!    with it under a neutral name, in an order that the run's seed draws. The hellos differ in nothing else.
//! 2. There are three rounds with a pause before each attempt: a failure that comes once is chance.
//! 3. The extension is made up ("GREASE"): servers pass it over, and no name is hidden by it.
//! 4. A server may not bear it, whatever the standard says, and no control can be asked for such a handshake.
//!    So where it failed each time under the target's name, and without it none did, other sites are tried
//!    from here with it and without: those that are reached wherever the Internet is.
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::contrast::{Contrast, HANDSHAKE_BYTES, Presented, are_related, pause};
use crate::pairing::rounds;
use crate::steps;
use std::time::Duration;
use tonle_evidence::record::{PathClass, Stream, Target};
use tonle_net::tls::Ech;

/// Times that each hello is sent to the target.
const ROUNDS: u32 = 3;
/// Other sites that are tried, at most, and how often with each hello.
const WITNESSES: usize = 2;
const WITNESS_ROUNDS: u32 = 2;
/// Wait before each attempt but the first.
const PAUSE: Duration = Duration::from_secs(1);
/// Bytes of looking a name up, at most.
const LOOKUP_BYTES: u64 = 6_000;
const KINDS: [(Presented, Ech); 3] = [
    (Presented::Target, Ech::Absent),
    (Presented::Target, Ech::Grease),
    (Presented::Neutral, Ech::Grease),
];
const WITNESS_KINDS: [Ech; 2] = [Ech::Absent, Ech::Grease];

static META: Meta = Meta {
    name: "ech",
    version: 1,
    stream: Stream::Openness,
    about: "whether handshakes fail because they carry the extension that hides server names",
    // Seventeen attempts that each wait for a connection and a handshake, and three names.
    timeout_s: 420,
};

/// See the top of this file.
pub struct EncryptedHello;

impl Experiment for EncryptedHello {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        let own = u64::from(ROUNDS) * KINDS.len() as u64;
        let of_witness = u64::from(WITNESS_ROUNDS) * WITNESS_KINDS.len() as u64;
        let witnesses = WITNESSES as u64;
        let bytes =
            (own + witnesses * of_witness) * HANDSHAKE_BYTES + (1 + witnesses) * LOOKUP_BYTES;
        Cost {
            bytes: bytes.min(max_bytes),
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
    let (mut failed_with, mut failed_without) = (0, 0);
    for (done, (round, (presented, ech))) in attempts.iter().enumerate() {
        (run.progress)(done as u64, attempts.len() as u64);
        if done > 0 {
            pause(run, PAUSE).await;
        }
        // Only the handshake is of interest: dropping it closes the connection.
        let shaken = contrast.attempt_with_ech(run, *presented, *round, *ech);
        match (shaken.await, presented, ech) {
            (None, Presented::Target, Ech::Grease) => failed_with += 1,
            (None, Presented::Target, Ech::Absent) => failed_without += 1,
            _ => {}
        }
    }
    if failed_with == ROUNDS && failed_without == 0 {
        try_witnesses(run, &contrast).await;
    }
    Ok(())
}

/// Tries sites that are reached wherever the Internet is, with the extension and without.
async fn try_witnesses(run: &Run, contrast: &Contrast) {
    let own = contrast.url.host_str().unwrap_or_default();
    let sites = run
        .openness
        .gates
        .iter()
        .flat_map(|gates| gates.known_good());
    let others = sites.filter(|site| !are_related(site.host_str().unwrap_or_default(), own));
    for site in others.take(WITNESSES) {
        let site = Target {
            value: site.to_string(),
            category: None,
            path_class: PathClass::Unknown,
        };
        // A site that cannot be told from the neutral name, or that has no address, is no witness.
        let Ok(Some(witness)) = Contrast::find(run, &site).await else {
            continue;
        };
        if witness.peer.ip() == contrast.peer.ip() {
            continue;
        }
        for (round, ech) in rounds(run.seed, WITNESS_ROUNDS, WITNESS_KINDS) {
            pause(run, PAUSE).await;
            let shaken = witness.attempt_with_ech(run, Presented::Witness, round, ech);
            drop(shaken.await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GatesConfig;
    use crate::gates::Gates;
    use crate::loopback::{net, page, resolver, run_with, target, web_tls};
    use crate::openness::Openness;
    use std::sync::Arc;
    use tonle_evidence::observation::Observation;
    use tonle_net::settings::NetSettings;

    fn openness(known_good: &str) -> Openness {
        let config = GatesConfig {
            known_good: vec![known_good.to_owned()],
            ..GatesConfig::default()
        };
        Openness {
            neutral_name: "example.com".to_owned(),
            gates: Some(Arc::new(Gates::of(&config, None, &[]))),
            ..Openness::default()
        }
    }

    fn handshakes(seen: &[Observation], presented: &str, ech: &str) -> Vec<bool> {
        let shaken = seen.iter().filter(|one| one.operation == "tls_handshake");
        shaken
            .filter(|one| one.detail["presented"] == presented && one.detail["ech"] == ech)
            .map(|one| one.failure.is_none())
            .collect()
    }

    #[tokio::test]
    async fn a_server_that_knows_nothing_of_the_extension_answers_with_it_and_without() {
        let (server, roots) = web_tls("site.example", |_| page("."));
        let net = NetSettings {
            resolvers: vec![resolver(&["127.0.0.1"])],
            roots,
            ..net()
        };
        let run = run_with(net).compared_with(openness("https://other.test/"));
        let site = target(format!("site.example:{}", server.port()));
        measure(&run, &site).await.unwrap();
        let seen = run.take().observations;
        for (presented, ech) in [
            ("target", "absent"),
            ("target", "grease"),
            ("neutral", "grease"),
        ] {
            let shaken = handshakes(&seen, presented, ech);
            assert_eq!(shaken, [true; 3], "{presented} {ech}");
        }
        assert!(handshakes(&seen, "witness", "grease").is_empty());
    }

    #[tokio::test]
    async fn other_sites_are_tried_with_the_extension_and_without_at_their_own_address() {
        let (server, roots) = web_tls("site.example", |_| page("."));
        let net = NetSettings {
            resolvers: vec![resolver(&["127.0.0.1"])],
            roots,
            ..net()
        };
        let site = target(format!("site.example:{}", server.port()));
        let other = format!("https://other.test:{}/", server.port());
        let run = run_with(net).compared_with(openness(&other));
        let mut contrast = Contrast::find(&run, &site).await.unwrap().unwrap();
        try_witnesses(&run, &contrast).await;
        assert!(handshakes(&run.take().observations, "witness", "grease").is_empty());
        contrast.peer.set_ip("127.66.0.1".parse().unwrap());
        try_witnesses(&run, &contrast).await;
        let seen = run.take().observations;
        for ech in ["absent", "grease"] {
            // The certificate is for another name than the witness's.
            assert_eq!(handshakes(&seen, "witness", ech), [false; 2], "{ech}");
        }
    }
}
