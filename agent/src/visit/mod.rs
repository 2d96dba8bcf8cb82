//! A visit: a page as a browser would reach it, in separate timed steps: resolve, connect, TLS,
//! request; redirects followed step by step. `web_page` and `web_connectivity` are visits, and differ
//! in their breadth:
//!
//! - `web_page` goes one way (`first`): the device's resolvers, addresses in order until one
//!   connects.
//! - `web_connectivity` tries every way (`every`): several resolvers and every address side by side,
//!   and asks controls what they see.
//!
//! In both a handshake or a request that fails is not tried again elsewhere, redirects are followed
//! to the tenth with the cookies they set, and none is followed into the volunteer's own network.
mod every;
mod first;
pub mod kpi;
mod page;

use crate::experiments::{CannotRun, Run};
use crate::steps;
use page::{Page, Visitor};
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Target;
use tonle_net::dns::Patience;
use url::Url;

pub use every::ENDPOINTS_MAX;

/// Most redirects followed (OONI Web Connectivity follows as many).
const REDIRECTS_MAX: u32 = 10;
/// What one page costs beside its body, at most: questions, a handshake, certificates, headers.
pub const PAGE_OVERHEAD_BYTES: u64 = 48 << 10;

/// What kinds of visit differ in.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How many ways are tried.
    pub breadth: Breadth,
    /// How long resolvers are listened to.
    pub patience: Patience,
    /// Longest body read, bytes.
    pub body_max_bytes: u64,
    /// Whether the first bytes of bodies are kept for the private half.
    pub keeps_bodies: bool,
}

/// How many ways to a page are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// The first that works.
    First,
    /// Every one.
    Every,
}

/// What became of a visit.
#[derive(Debug, Clone, PartialEq)]
pub struct Visited {
    /// How it ended.
    pub end: End,
    /// The steps that led to its end, in their order, without those of other ways: what
    /// [`kpi`] speaks of.
    pub path: Vec<Observation>,
}

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// First content of the last page arrived.
    Reached,
    /// It did not; the observations say why.
    Failed,
    /// Nothing left the device.
    NeverLeft,
    /// The run's bytes would not have been enough.
    Capped,
}

/// Visits the target's page on the run's account.
pub async fn visit(run: &Run, target: &Target, manner: Manner) -> Result<Visited, CannotRun> {
    let url = page_url(&target.value)?;
    steps::check_literal(run, &target.value, url.host_str().unwrap_or_default())?;
    let visitor = Visitor::new(run, manner);
    let end = match manner.breadth {
        Breadth::First => first::visit(&visitor, url).await,
        Breadth::Every => {
            let page = Page {
                names_its_port: page::names_its_port(&target.value),
                ..Page::new(url)
            };
            every::visit(&visitor, page).await
        }
    };
    let path = visitor.into_path();
    Ok(Visited { end, path })
}

/// Names are in their ASCII form (IDNA) from here on, as they are sent.
fn page_url(value: &str) -> Result<Url, CannotRun> {
    let bad = |reason: String| CannotRun::Target {
        target: value.to_owned(),
        reason,
    };
    let url = Url::parse(value).map_err(|error| bad(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("it is no http or https URL".to_owned()));
    }
    Ok(url)
}
