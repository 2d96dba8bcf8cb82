//! Gates: what is checked around each openness run, so that a run which cannot be believed says so
//! and no verdict is drawn from it. Whether the traffic went through a tunnel and whether the clock
//! is right stand in the context of every record; here is what takes a request.
//!
//! 1. Before and after each run the collector's front is asked for an empty page (`portal`):
//!    whoever answers something else stands between the device and the Internet.
//! 2. Before a run some sites that are reached wherever the Internet is (`known_good`): when none of
//!    them is, the run says something of this line and nothing of its target. Our own collector is
//!    none of them.
//! 3. Checks cost data: what was seen after one run is what was seen before the next one, sites are
//!    asked again after ten minutes, and a silent collector is not asked again for a minute. Each
//!    record still says the result, with `age_s` for one that was seen before its run.
//! 4. What a check saw is an observation, like all else; what it means, the rules say.
mod known_good;
mod portal;
#[cfg(test)]
mod tests;

use crate::config::GatesConfig;
use crate::device::is_on_this_machine;
use crate::experiments::{CannotRun, Run};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Target;
use url::Url;

/// Operation of the check for a captive portal.
pub const PORTAL_CHECK: &str = "portal_check";
/// Operation of the check of a site that is reached wherever the Internet is.
pub const KNOWN_GOOD: &str = "known_good";
/// Path of the empty page, at the measurement servers of every collector.
pub const PORTAL_PATH: &str = "/generate_204";
/// Category of targets that nobody has a reason to block (of the lists of the Citizen Lab).
const CONTROL_CATEGORY: &str = "CTRL";
/// Most sites that are asked: each costs a handshake.
const KNOWN_GOOD_MAX: usize = 3;
/// How long a look at the portal stands for the next run.
const PORTAL_VALID: Duration = Duration::from_mins(1);
/// How long the sites are believed to be as they were.
const KNOWN_GOOD_VALID: Duration = Duration::from_mins(10);
/// Longest time of one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time that the checks add to a run: a portal twice and the sites side by side.
pub const TIME_MAX: Duration = Duration::from_secs(30);
/// Upper bound of what the checks of one moment cost, bytes; a run with less room makes none.
const CHECK_MAX_BYTES: u64 = 64 << 10;

/// On which side of the run a check is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
}

impl When {
    fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// The checks of a round.
#[derive(Debug, Default)]
pub struct Gates {
    portal: Option<Url>,
    known_good: Vec<Url>,
    /// Held during a check, so that runs side by side share it.
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    portal: Option<(Instant, Observation)>,
    known_good: Option<(Instant, Vec<Observation>)>,
}

impl Gates {
    /// The checks as configured; the portal at the collector's measurement server unless another page
    /// is, and the sites of the configuration with those that the lists mark as controls.
    #[must_use]
    pub fn of(config: &GatesConfig, server: Option<&str>, listed: &[Target]) -> Self {
        let portal = match &config.portal_check {
            Some(url) => Url::parse(url).ok(),
            None => server.and_then(portal_page),
        };
        let marked = listed
            .iter()
            .filter(|target| target.category.as_deref() == Some(CONTROL_CATEGORY))
            .map(|target| &target.value);
        let mut known_good: Vec<Url> = Vec::new();
        for text in config.known_good.iter().chain(marked) {
            match Url::parse(text) {
                Ok(url) if url.scheme() == "https" && !known_good.contains(&url) => {
                    known_good.push(url);
                }
                _ => {}
            }
        }
        known_good.truncate(KNOWN_GOOD_MAX);
        Self {
            portal,
            known_good,
            memory: Mutex::default(),
        }
    }

    /// The sites that are reached wherever the Internet is.
    #[must_use]
    pub fn known_good(&self) -> &[Url] {
        &self.known_good
    }

    async fn check(&self, run: &Run, when: When) {
        if run.cancel.is_cancelled() || run.bytes_used() + CHECK_MAX_BYTES > run.max_bytes {
            return;
        }
        let mut memory = self.memory.lock().await;
        if let Some(page) = &self.portal {
            look_at_portal(run, page, when, &mut memory.portal).await;
        }
        if when == When::Before && !self.known_good.is_empty() {
            look_at_sites(run, &self.known_good, &mut memory.known_good).await;
        }
    }
}

/// Runs with its checks before and after; a run that did not run at all has none after it.
pub async fn around(
    run: &Run,
    running: impl Future<Output = Result<(), CannotRun>>,
) -> Result<(), CannotRun> {
    let Some(gates) = run.openness.gates.clone() else {
        return running.await;
    };
    gates.check(run, When::Before).await;
    running.await?;
    gates.check(run, When::After).await;
    Ok(())
}

/// Whether an observation is a check and none of the experiment's own steps.
#[must_use]
pub fn is_check(seen: &Observation) -> bool {
    matches!(seen.operation.as_str(), PORTAL_CHECK | KNOWN_GOOD)
}

/// The empty page of a measurement server, in clear: a portal cannot answer for TLS. A server behind
/// the usual port of TLS is asked at the usual port of HTTP. One on this machine says nothing.
fn portal_page(server: &str) -> Option<Url> {
    let mut page = Url::parse(server).ok()?;
    if is_on_this_machine(server) || page.set_scheme("http").is_err() {
        return None;
    }
    page.set_path(PORTAL_PATH);
    page.set_query(None);
    page.set_fragment(None);
    Some(page)
}

async fn look_at_portal(
    run: &Run,
    page: &Url,
    when: When,
    memory: &mut Option<(Instant, Observation)>,
) {
    let may_share = |at: &Instant, seen: &Observation| {
        at.elapsed() <= PORTAL_VALID && (when == When::Before || seen.failure.is_some())
    };
    let mut seen = match memory {
        Some((at, seen)) if may_share(at, seen) => remembered(run, *at, seen),
        _ => {
            let seen = portal::look(run, page).await;
            *memory = Some((Instant::now(), seen.clone()));
            seen
        }
    };
    seen.detail.insert("when".to_owned(), when.as_str().into());
    run.observe(seen);
}

async fn look_at_sites(run: &Run, sites: &[Url], memory: &mut Option<(Instant, Vec<Observation>)>) {
    let all = match memory {
        Some((at, all)) if at.elapsed() <= KNOWN_GOOD_VALID => {
            let of_then = all.iter().map(|seen| remembered(run, *at, seen));
            of_then.collect()
        }
        _ => {
            let looking = sites.iter().map(|site| known_good::look(run, site));
            let all = futures_util::future::join_all(looking).await;
            *memory = Some((Instant::now(), all.clone()));
            all
        }
    };
    for seen in all {
        run.observe(seen);
    }
}

/// What was seen before this run began, with its age in place of times of the run.
fn remembered(run: &Run, at: Instant, seen: &Observation) -> Observation {
    let now_us = run.clock.elapsed_us();
    let mut seen = seen.clone();
    (seen.t_start_us, seen.t_end_us) = (now_us, now_us);
    seen.detail
        .insert("age_s".to_owned(), at.elapsed().as_secs().into());
    seen
}
