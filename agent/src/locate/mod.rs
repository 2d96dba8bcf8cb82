//! Which servers M-Lab's Locate (or a service like it) names for this device, and when it may be
//! asked: see [`tonle_wire::locate`].
//!
//! 1. Nothing is asked without the volunteer's consent to its own text: M-Lab publishes the address
//!    of whoever tests. Who holds no [`Locating`] cannot ask.
//! 2. An answer serves both directions of a run, and other runs for as long as its tokens live. It is
//!    kept in memory only: its URLs hold the tokens.
//! 3. After a refusal the service is left alone for the time of [`backoff`], also by an agent that is
//!    started anew (`memory`).
//!
//! Operation `locate`, subject the service, after the steps of the exchange. Detail: `cached` (true:
//! nothing was asked), `status` and `reason` of a refusal, `wait_us` (how long nothing will be
//! asked), and `targets`, each with `machine`, `city`, `country`, `metro_rank` and `index`: the draw
//! is not always the nearest server.
mod exchange;
mod memory;

use crate::experiments::{CannotRun, Run};
use memory::Memory;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonle_evidence::failure::Failure;
use tonle_evidence::record::Target as Evidence;
use tonle_net::clock::{Stopwatch, wall_us};
use tonle_net::scrub;
use tonle_net::step::Step;
use tonle_wire::locate::{ANSWER_LIFE_US, Answer, MLAB, Place, Request, Target, backoff};
use url::Url;

/// The target that stands for M-Lab's own service.
const MLAB_TARGET: &str = "locate";

/// The service that a target names; none when it names a server.
#[must_use]
pub fn service_of(target: &str) -> Option<Url> {
    let url = if target == MLAB_TARGET { MLAB } else { target };
    let url = Url::parse(url).ok()?;
    let is_service = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_service.then_some(url)
}

/// A target as records say it: a service or a server without its query, which may hold a key or a
/// token.
#[must_use]
pub fn published(target: &Evidence) -> Evidence {
    let server = || Url::parse(&target.value).ok();
    let with_query = server().filter(|url| url.has_host() && url.query().is_some());
    let url = service_of(&target.value).or(with_query);
    let value = url.map(|url| scrub::foreign_url(&url));
    Evidence {
        value: value.unwrap_or_else(|| target.value.clone()),
        ..target.clone()
    }
}

/// What all runs of a device know of the service.
#[derive(Debug)]
pub struct Locator {
    memory: Mutex<Memory>,
    clock: Stopwatch,
    answer: Mutex<Option<Held>>,
}

/// An answer that is still good.
#[derive(Debug, Clone)]
struct Held {
    asked: Url,
    answer: Answer,
    /// By the locator's clock, microseconds.
    until_us: i64,
}

/// The right to ask, and from where: given to a run whose volunteer agreed.
#[derive(Debug, Clone)]
pub struct Locating {
    /// What the device knows.
    pub locator: Arc<Locator>,
    /// The middle of the volunteer's province, where it is known.
    pub place: Option<Place>,
    /// ISO 3166-1 alpha-2 of the volunteer's country.
    pub country: String,
}

impl Locator {
    /// Reads what an agent before this one was told.
    #[must_use]
    pub fn open(data_dir: &Path) -> Self {
        Self {
            memory: Mutex::new(Memory::open(data_dir)),
            clock: Stopwatch::start(),
            answer: Mutex::default(),
        }
    }

    fn held(&self, asked: &Url) -> Option<Answer> {
        let held = lock(&self.answer).clone()?;
        let is_good = held.asked == *asked && self.clock.elapsed_us() < held.until_us;
        is_good.then_some(held.answer)
    }

    /// Holds an answer as if it had just come.
    pub(crate) fn hold(&self, asked: Url, answer: Answer) {
        *lock(&self.answer) = Some(Held {
            asked,
            answer,
            until_us: self.clock.elapsed_us() + ANSWER_LIFE_US,
        });
    }

    /// Forgets the answer: its servers did not work.
    pub fn forget(&self) {
        lock(&self.answer).take();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is a single step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Locating {
    /// Servers to test with, best first; none when the service gave none, which is recorded. Fails
    /// when the service may not be asked yet.
    pub async fn servers(
        &self,
        run: &Run,
        service: &Url,
        client: (&str, &str),
    ) -> Result<Vec<Target>, CannotRun> {
        let request = Request {
            service,
            client,
            place: self.place,
        };
        let asked = request.url();
        let mut step = Step::start(&run.clock, "locate", scrub::foreign_url(service));
        if let Some(answer) = self.locator.held(&asked) {
            step.fact("cached", true);
            step.fact("targets", described(&answer));
            run.observe(step.succeed());
            return Ok(answer.targets);
        }
        let left_us = lock(&self.locator.memory).wait_left_us(wall_us());
        if left_us > 0 {
            return Err(CannotRun::NotYet {
                who: "the Locate service".to_owned(),
                wait_s: left_us / 1_000_000 + 1,
            });
        }
        let said = exchange::ask(run, &asked, client).await;
        step.result_known();
        step.fact("cached", false);
        let answer = match said {
            Ok(answer) => answer,
            Err(refused) => {
                self.refused(run, step, &refused);
                return Ok(Vec::new());
            }
        };
        lock(&self.locator.memory).answered();
        step.fact("targets", described(&answer));
        run.observe(step.succeed());
        self.locator.hold(asked, answer.clone());
        Ok(answer.targets)
    }

    /// Records why there is no answer. Whatever the service itself said against us is a reason to
    /// leave it alone; a line that does not reach it is none.
    fn refused(&self, run: &Run, mut step: Step, refused: &exchange::Refused) {
        if let Some(status) = refused.status {
            step.fact("status", status);
            let mut rng = StdRng::seed_from_u64(run.seed);
            let mut memory = lock(&self.locator.memory);
            let wait_us = backoff::wait_us(memory.next_refusal(), [rng.random(), rng.random()]);
            memory.refused(wall_us(), wait_us);
            step.fact("wait_us", wait_us);
        }
        if let Some(reason) = &refused.reason {
            step.fact("reason", reason.as_str());
        }
        run.observe(step.fail(refused.failure.clone()));
    }

    /// Records that a server which the service named may not be contacted.
    pub fn not_contacted(run: &Run, target: &Target) {
        let mut step = Step::start(&run.clock, "locate_target", target.machine.as_str());
        step.fact("contacted", false);
        run.observe(step.fail(Failure::DnsBogon));
    }
}

fn described(answer: &Answer) -> Value {
    let one = |target: &Target| {
        json!({
            "machine": target.machine,
            "city": target.city,
            "country": target.country,
            "metro_rank": target.number("metro_rank"),
            "index": target.number("index"),
        })
    };
    answer.targets.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
