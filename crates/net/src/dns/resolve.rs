//! From a host to the addresses to try, by the resolvers of the device.
use super::message::QueryType;
use super::query::{Asked, Patience, query};
use crate::clock::Stopwatch;
use crate::meter::Meter;
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use std::net::IpAddr;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// What is known of a host.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Every question asked, in the order of their ends; none for an IP literal.
    pub observations: Vec<Observation>,
    /// Addresses that may be contacted, IPv4 before IPv6, each once.
    pub addresses: Vec<IpAddr>,
}

impl Resolved {
    /// Why there is no address; `None` when there is one.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        if !self.addresses.is_empty() {
            return None;
        }
        self.observations
            .iter()
            .find_map(|observation| observation.failure.as_ref())
    }

    /// From the first question to the answers that settled it, as a program that waits for both
    /// families would: microseconds, 0 for an IP literal.
    #[must_use]
    pub fn duration_us(&self) -> i64 {
        let start = self.observations.iter().map(|seen| seen.t_start_us).min();
        let end = self.observations.iter().map(|seen| seen.t_end_us).max();
        end.unwrap_or(0) - start.unwrap_or(0)
    }
}

/// Asks the device's resolvers in their order for both families of `host`, the next one only when
/// one says nothing of the name, as the C library does. An IP literal needs no question.
pub async fn resolve_host(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    host: &str,
    patience: Patience,
) -> Resolved {
    let mut resolved = Resolved::default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(literal) = bare.parse() {
        resolved.addresses.push(literal);
        return resolved;
    }
    if settings.resolvers.is_empty() {
        let mut step = Step::start(clock, "resolve", &*scrub::host(host));
        step.fact("resolver", "none");
        step.fact("sent", false);
        resolved
            .observations
            .push(step.fail(Failure::DnsTemporaryFailure));
        return resolved;
    }
    for resolver in &settings.resolvers {
        let ask = |query_type| {
            query(
                settings,
                clock,
                meter,
                *resolver,
                (host, query_type),
                patience,
            )
        };
        let (a, aaaa) = tokio::join!(ask(QueryType::A), ask(QueryType::Aaaa));
        let settled = [&a, &aaaa].into_iter().any(says_something);
        resolved.add(a);
        resolved.add(aaaa);
        if settled {
            break;
        }
    }
    resolved
        .observations
        .sort_by_key(|observation| observation.t_end_us);
    resolved
}

impl Resolved {
    fn add(&mut self, asked: Asked) {
        self.observations.push(asked.observation);
        for address in asked.addresses {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
    }
}

/// Whether the resolver answered for the name, be it that there is none.
fn says_something(asked: &Asked) -> bool {
    matches!(
        asked.observation.failure,
        None | Some(Failure::DnsNxdomain | Failure::DnsNoAnswer | Failure::DnsBogon)
    )
}
