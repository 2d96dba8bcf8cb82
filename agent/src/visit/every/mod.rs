//! Every way to a page, as OONI Web Connectivity 0.5 tries them (ts-017 of the OONI specification, and
//! what its probe does where the two differ):
//!
//! 1. The name is looked up by the system, by a public resolver over UDP and now and then over HTTPS,
//!    side by side ([`lookups`]).
//! 2. Every address is connected to, and shakes hands where the port is one of TLS ([`endpoints`]).
//!    Of the connections that may fetch the page one does ([`winner`]).
//! 3. On the first page the controls are asked what they see; addresses that only they know are
//!    measured too ([`control`]).
//! 4. A redirect begins the same again, one deeper, while slower connections of the page before go
//!    on.
//!
//! Every step says in `depth` how many redirects led to its page, and in `transaction` what it belongs
//! to: 10000 and up lookups of the system, 20000 of UDP, 30000 over HTTPS, 40000 connections in
//! clear, 50000 with TLS. What was left out for want of bytes or places is a `cap` observation.
mod control;
mod endpoints;
mod lookups;
#[cfg(test)]
mod tests;
mod whoami;
mod winner;

pub use endpoints::ENDPOINTS_MAX;

use super::End;
use super::page::{Page, Visitor};
use crate::steps::left_device;
use endpoints::{Endpoint, Tried};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use lookups::Looked;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Outcome;
use tonle_net::http::Limits;
use tonle_net::scrub;
use tonle_net::step::Step;
use winner::Ready;

/// Longest time for a request with its body.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);
/// Redirects that are followed (OONI follows no 303).
const FOLLOWED: [u16; 4] = [301, 302, 307, 308];

/// Visits the page and where it leads.
pub(super) async fn visit(visitor: &Visitor<'_>, page: Page) -> End {
    let every = Every {
        visitor,
        transactions: Transactions::default(),
    };
    every.page(page).await
}

struct Every<'a> {
    visitor: &'a Visitor<'a>,
    transactions: Transactions,
}

/// Numbers of transactions, by kind.
#[derive(Debug, Default)]
struct Transactions {
    used: [AtomicI64; 5],
}

/// Kinds of transactions, in the order of their numbers.
#[derive(Debug, Clone, Copy)]
enum Kind {
    System,
    Udp,
    Doh,
    Clear,
    Secure,
}

impl Transactions {
    fn next(&self, kind: Kind) -> i64 {
        let place = kind as usize;
        let used = self.used[place].fetch_add(1, Ordering::Relaxed);
        let first = (i64::try_from(place).unwrap_or(0) + 1) * 10_000;
        first + 1 + used
    }
}

/// Where a step belongs.
#[derive(Debug, Clone, Copy)]
struct Label {
    transaction: i64,
    depth: u32,
}

impl Label {
    fn put_on(self, seen: &mut Observation) {
        let detail = &mut seen.detail;
        detail.insert("transaction".to_owned(), self.transaction.into());
        detail.insert("depth".to_owned(), self.depth.into());
    }
}

impl Every<'_> {
    /// One page, and the page that it leads to, whose end is the end of both.
    fn page(&self, page: Page) -> BoxFuture<'_, End> {
        self.one_page(page).boxed()
    }

    async fn one_page(&self, page: Page) -> End {
        if self.visitor.room_for_body().is_none() {
            self.capped(&page, "bytes", 1);
            self.visitor.run.ended(Outcome::Capped);
            return End::Capped;
        }
        let looked = self.look_up(&page).boxed().await;
        let (planned, left_out) = endpoints::plan(&page, &looked.candidates);
        if left_out > 0 {
            self.capped(&page, "endpoints", left_out);
        }
        let (ready, offers) = mpsc::channel(ENDPOINTS_MAX);
        let trying = self.try_all(&page, &planned, ready.clone());
        let asking = async {
            // Keeps the offers open until the controls have said what they know.
            let ready = ready;
            if page.depth > 0 {
                return Vec::new();
            }
            let found = self.ask_controls(&page, &looked, &planned).await;
            self.try_all(&page, &found, ready).await
        };
        let fetching = self.fetch(&page, &looked, offers);
        let (tried, also, fetched) = tokio::join!(trying, asking, fetching);
        match fetched {
            Some(end) => end,
            None => self.nothing_connected(&looked, [tried, also].concat()),
        }
    }

    async fn try_all(
        &self,
        page: &Page,
        endpoints: &[Endpoint],
        ready: mpsc::Sender<Ready>,
    ) -> Vec<Tried> {
        let attempts: Vec<_> = endpoints
            .iter()
            .map(|endpoint| self.attempt(page, *endpoint, ready.clone()))
            .collect();
        // Only the attempts hold the offers open.
        drop(ready);
        join_all(attempts).await
    }

    /// Fetches the page over the connection that wins, and goes where it leads; nothing when none
    /// does.
    async fn fetch(
        &self,
        page: &Page,
        looked: &Looked,
        offers: mpsc::Receiver<Ready>,
    ) -> Option<End> {
        let won = winner::choose(offers).await?;
        let visitor = self.visitor;
        visitor.went(looked.steps_of(won.endpoint.origin));
        visitor.went(won.steps);
        let Some(body_max_bytes) = visitor.room_for_body() else {
            self.capped(page, "bytes", 1);
            visitor.run.ended(Outcome::Capped);
            return Some(End::Capped);
        };
        let limits = Limits {
            head: HTTP_TIMEOUT,
            whole: HTTP_TIMEOUT,
            body_max_bytes,
            notes_progress: true,
        };
        let peer = won.endpoint.peer.ip();
        let (mut seen, fetched) = visitor.request(page, peer, won.opened, limits).await;
        won.label.put_on(&mut seen);
        let fetched = match visitor.arrived(page, (seen, fetched)) {
            Ok(fetched) => fetched,
            Err(end) => return Some(end),
        };
        let is_followed = FOLLOWED.contains(&fetched.status);
        let Some(to) = fetched.redirect.filter(|_| is_followed) else {
            return Some(End::Reached);
        };
        if let Some(mut refusal) = visitor.refusal(page, &to) {
            won.label.put_on(&mut refusal);
            return Some(visitor.refuse(refusal));
        }
        Some(self.page(page.next(to)).await)
    }

    /// How a page ends that no connection was there for. Its way is that of the first address which
    /// was to fetch it.
    fn nothing_connected(&self, looked: &Looked, tried: Vec<Tried>) -> End {
        if tried.iter().any(Tried::was_left_out) {
            return End::Capped;
        }
        let left = looked.left || tried.iter().flat_map(|tried| &tried.steps).any(left_device);
        let mut fetching = tried
            .into_iter()
            .filter(|tried| tried.endpoint.fetches_body);
        let first = fetching.next();
        let origin = first.as_ref().and_then(|tried| tried.endpoint.origin);
        self.visitor.went(looked.steps_of(origin));
        self.visitor
            .went(first.map(|tried| tried.steps).unwrap_or_default());
        if left { End::Failed } else { End::NeverLeft }
    }

    /// Records that something was left out.
    fn capped(&self, page: &Page, what: &str, left_out: usize) {
        let clock = &self.visitor.run.clock;
        let mut step = Step::start(clock, "cap", &*scrub::host(page.host()));
        step.fact("depth", page.depth);
        step.fact("of", what);
        step.fact("left_out", left_out);
        self.visitor.run.observe(step.fail(Failure::Interrupted));
    }
}
