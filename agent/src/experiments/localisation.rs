//! Localisation: how far away somebody stands who interferes with the target's server name, by first
//! messages that end on the way (`CenTrace`, Raman et al. 2022; OONI ts-037). Gives no verdict.
//!
//! This is more visible than a visit, so it has a consent of its own ([`Topic::Localisation`]), and stops
//! as soon as there is nothing to locate:
//! 1. A `ClientHello` goes the whole way, under the neutral name and the target's in turn, three times
//!    each ([`tonle_net::ttl_probe`]). Only where each under the neutral name is answered, and each under
//!    the target's is cut off or each is silent, is anything more sent.
//! 2. One trace by SYNs says which routers stand on the way; the volunteer's side is hidden as `path`
//!    hides it.
//! 3. The same messages end at hop 1, 2, 3 …, three times under each name, until the target's fares as it
//!    does the whole way at two hops in a row, or the neutral one has reached the server. A reset that has
//!    not come by then is waited for up to twice as far: a box may send it with the TTL that it found,
//!    and that must last for the way back.
//! 4. There is a pause before each (`localisation_pause_ms`, `CenTrace`'s three seconds), and one target is
//!    localised at most once in 23 hours while the agent runs.
//! 5. Observations: `connect` where it failed, `ttl_probe`, both with `presented` and `round` as those of
//!    `sni`; `trace_hop` and `path` of the trace. There are no metrics.
use super::path::trace_by;
use super::{CannotRun, Cost, Experiment, Meta, Run, Running};
use crate::consent::Topic;
use crate::contrast::{Contrast, Presented, note, pause};
use crate::steps;
use std::time::Duration;
use tonle_evidence::record::{Stream, Target};
use tonle_net::tls::{self, ALPN_HTTP1};
use tonle_net::trace::{HOPS_MAX, Method, PROBE_BYTES, PROBES};
use tonle_net::ttl_probe::{Came, probe};

/// Times that each name is shown at each hop.
const ROUNDS: u32 = 3;
/// Farthest hop.
const TTL_MAX: u8 = 24;
/// Hops in a row at which the target's name fares as it does the whole way.
const CONFIRMED: u8 = 2;
/// Bytes of one probe at most: the connection, the message three times, and the server's first flight.
const PROBE_COST_BYTES: u64 = 8_000;
const TRACE_BYTES: u64 = PROBE_BYTES * PROBES as u64 * HOPS_MAX as u64;
/// Bytes of looking the name up, at most.
const LOOKUP_BYTES: u64 = 6_000;
/// Both names, at every hop and the whole way.
const PROBES_MAX: u64 = 2 * ROUNDS as u64 * (TTL_MAX as u64 + 1);

static META: Meta = Meta {
    name: "localisation",
    version: 1,
    stream: Stream::Openness,
    about: "how far away somebody stands who interferes with the target's name (needs its own agreement)",
    // A pause and a silence each, and for half of them no more than the shorter wait.
    timeout_s: 900,
};

/// See the top of this file.
pub struct Localisation;

impl Experiment for Localisation {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn own_consent(&self) -> Option<Topic> {
        Some(Topic::Localisation)
    }

    fn estimate(&self, _target: &Target, max_bytes: u64) -> Cost {
        let bytes = LOOKUP_BYTES + TRACE_BYTES + PROBES_MAX * PROBE_COST_BYTES;
        Cost {
            bytes: bytes.min(max_bytes),
        }
    }

    fn run<'a>(&'a self, run: &'a Run, target: &'a Target) -> Running<'a> {
        Box::pin(steps::until_cancelled(run, measure(run, target)))
    }
}

/// What one message came to, as far as localising goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    Cut,
    Ended,
    Silent,
    Unknown,
}

impl Fate {
    fn of(came: Option<&[Came]>) -> Self {
        let Some(came) = came else {
            return Self::Unknown;
        };
        let has = |one| came.contains(&one);
        match () {
            () if has(Came::Other) => Self::Unknown,
            () if has(Came::Reset) || (has(Came::Closed) && !has(Came::Data)) => Self::Cut,
            () if has(Came::Data) => Self::Answered,
            () if has(Came::Router) => Self::Ended,
            () => Self::Silent,
        }
    }
}

/// What the messages of one hop came to.
#[derive(Debug, Default)]
struct Heard {
    neutral: Vec<Fate>,
    target: Vec<Fate>,
}

/// Whether it came out this way each time.
fn always(fates: &[Fate], fate: Fate) -> bool {
    !fates.is_empty() && fates.iter().all(|one| *one == fate)
}

impl Heard {
    /// How the target's name fares where the neutral one is answered; none: nothing to locate.
    fn interference(&self) -> Option<Fate> {
        let is_answered = always(&self.neutral, Fate::Answered);
        let mut kinds = [Fate::Cut, Fate::Silent].into_iter();
        kinds.find(|fate| is_answered && always(&self.target, *fate))
    }

    /// Whether the target's name fares so here, and not because nothing is ever heard from here.
    fn shows(&self, interference: Fate) -> bool {
        let is_heard = |fate: &Fate| matches!(fate, Fate::Answered | Fate::Ended);
        let is_contrast = interference == Fate::Cut
            || (!self.neutral.is_empty() && self.neutral.iter().all(is_heard));
        is_contrast && always(&self.target, interference)
    }
}

struct Probing<'a> {
    run: &'a Run,
    contrast: Contrast,
    neutral: Vec<u8>,
    target: Vec<u8>,
    is_first: bool,
}

async fn measure(run: &Run, target: &Target) -> Result<(), CannotRun> {
    run.openness.may_localise(&target.value)?;
    let Some(contrast) = Contrast::find(run, target).await? else {
        return Ok(());
    };
    let hello = |presented| {
        tls::client_hello(&run.net, contrast.name(presented), ALPN_HTTP1)
            .map_err(CannotRun::Missing)
    };
    let mut probing = Probing {
        neutral: hello(Presented::Neutral)?,
        target: hello(Presented::Target)?,
        run,
        contrast,
        is_first: true,
    };
    let Some(whole) = probing.hop(None, true).await else {
        return Ok(());
    };
    let Some(interference) = whole.interference() else {
        return Ok(());
    };
    trace_by(run, Method::Tcp, probing.contrast.peer.ip()).await;
    probing.walk(interference).await;
    Ok(())
}

impl Probing<'_> {
    /// Goes hop by hop until the place is known.
    async fn walk(&mut self, interference: Fate) {
        let (mut server, mut shown) = (None, 0);
        for ttl in 1..=TTL_MAX {
            (self.run.progress)(ttl.into(), TTL_MAX.into());
            let Some(heard) = self.hop(Some(ttl), server.is_none()).await else {
                return;
            };
            shown = if heard.shows(interference) {
                shown + 1
            } else {
                0
            };
            if server.is_none() && heard.neutral.contains(&Fate::Answered) {
                server = Some(ttl);
            }
            let is_past = server.is_some_and(|server| match interference {
                Fate::Cut => ttl >= server.saturating_mul(2),
                _ => true,
            });
            if shown >= CONFIRMED || is_past {
                return;
            }
        }
    }

    /// All messages of a hop; none where the run must end.
    async fn hop(&mut self, ttl: Option<u8>, asks_neutral: bool) -> Option<Heard> {
        let mut heard = Heard::default();
        for round in 0..ROUNDS {
            if asks_neutral {
                let fate = self.send(Presented::Neutral, round, ttl).await?;
                heard.neutral.push(fate);
            }
            let fate = self.send(Presented::Target, round, ttl).await?;
            heard.target.push(fate);
        }
        Some(heard)
    }

    async fn send(&mut self, presented: Presented, round: u32, ttl: Option<u8>) -> Option<Fate> {
        let run = self.run;
        if !std::mem::take(&mut self.is_first) {
            let wait = Duration::from_millis(run.openness.localisation_pause_ms);
            pause(run, wait).await;
        }
        if run.cancel.is_cancelled() || !steps::may_spend(run, PROBE_COST_BYTES) {
            return None;
        }
        let message = match presented {
            Presented::Target => &self.target,
            Presented::Neutral | Presented::None | Presented::Witness => &self.neutral,
        };
        let peer = self.contrast.peer;
        let (mut seen, came) = probe(&run.net, &run.clock, peer, message, ttl).await;
        note(&mut seen, presented, round);
        if let (Some(ttl), None) = (ttl, &came) {
            seen.detail.insert("ttl".to_owned(), ttl.into());
        }
        run.observe(seen);
        Some(Fate::of(came.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::{net, resolver, run_with, target};
    use crate::openness::Openness;
    use proptest::prelude::*;
    use std::io::{Read as _, Write as _};
    use tonle_evidence::observation::Observation;
    use tonle_net::settings::NetSettings;

    /// A server on loopback that answers every name but what holds `cut`, which it hangs up on.
    async fn measured(cut: &'static str) -> Vec<Observation> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut hello = [0; 2_048];
                    let length = stream.read(&mut hello).unwrap_or(0);
                    let text = String::from_utf8_lossy(&hello[..length]).into_owned();
                    if !text.contains(cut) {
                        stream.write_all(b"hello").unwrap();
                        // Until the probe resets.
                        let _ = stream.read(&mut hello);
                    }
                });
            }
        });
        let settings = NetSettings {
            resolvers: vec![resolver(&["127.0.0.1"])],
            roots: tonle_net::roots::load(None).unwrap(),
            ..net()
        };
        let run = run_with(settings).compared_with(Openness {
            neutral_name: "example.com".to_owned(),
            ..Openness::default()
        });
        let value = format!("site.example:{port}");
        measure(&run, &target(value.clone())).await.unwrap();
        let again = measure(&run, &target(value)).await;
        assert!(matches!(again, Err(CannotRun::NotYet { .. })));
        run.take().observations
    }

    fn probes(seen: &[Observation]) -> impl Iterator<Item = &Observation> {
        seen.iter().filter(|one| one.operation == "ttl_probe")
    }

    #[tokio::test]
    async fn where_the_name_is_answered_nothing_is_sent_with_a_small_ttl() {
        let seen = measured("nothing").await;
        assert_eq!(probes(&seen).count(), 6);
        assert!(probes(&seen).all(|one| !one.detail.contains_key("ttl")));
        assert!(seen.iter().all(|one| one.operation != "trace_hop"));
    }

    #[tokio::test]
    async fn a_name_that_is_cut_off_is_followed_until_the_server_has_answered_the_neutral_one() {
        let seen = measured("site.example").await;
        let stepped: Vec<_> = probes(&seen)
            .filter_map(|one| one.detail.get("ttl"))
            .collect();
        // Loopback has no routers: the server stands at the first hop.
        assert!(
            stepped.iter().all(|ttl| ttl.as_i64() <= Some(2)),
            "{stepped:?}"
        );
        let of_target = |one: &&Observation| one.detail["presented"] == "target";
        let cut: Vec<_> = probes(&seen).filter(of_target).collect();
        assert!(cut.len() >= 6);
        assert!(cut.iter().all(|one| one.failure.is_some()));
    }

    #[tokio::test]
    async fn without_a_neutral_name_nothing_is_sent() {
        let run = run_with(net());
        let refused = measure(&run, &target("site.example")).await;
        assert!(matches!(refused, Err(CannotRun::Missing(_))));
        assert!(run.take().observations.is_empty());
    }

    fn any_came() -> impl Strategy<Value = Vec<Came>> {
        let one = prop::sample::select(vec![
            Came::Data,
            Came::Reset,
            Came::Closed,
            Came::Router,
            Came::Other,
        ]);
        prop::collection::vec(one, 0..4)
    }

    proptest! {
        #[test]
        fn a_reset_is_a_cut_whatever_else_came(mut came in any_came()) {
            came.retain(|one| *one != Came::Other);
            came.push(Came::Reset);
            prop_assert_eq!(Fate::of(Some(&came)), Fate::Cut);
        }

        #[test]
        fn nothing_is_located_where_the_neutral_name_is_not_answered_each_time(
            came in prop::collection::vec(any_came(), 1..4),
        ) {
            let mut neutral: Vec<Fate> = came.iter().map(|one| Fate::of(Some(one))).collect();
            neutral.push(Fate::Silent);
            let heard = Heard { neutral, target: vec![Fate::Cut; 3] };
            prop_assert_eq!(heard.interference(), None);
        }
    }
}
