//! Records of version 1: a line of steps.
//!
//! 1. A visit is lookups of a host, connections to its addresses, a handshake, a request; a redirect
//!    begins the next page. So a step belongs to the connection before it.
//! 2. The questions of one host to one resolver are one transaction.
//! 3. The experiment asked the resolvers of the device and no other: every lookup is the system's.
use super::{endpoint, handshake, late, lookup, request, step, text};
use crate::analysis::web::facts::{Facts, Via};
use tonle_evidence::observation::Observation;

/// The facts of these steps.
pub(super) fn read(observations: &[Observation]) -> Facts {
    let mut line = Line::default();
    for (index, seen) in observations.iter().enumerate() {
        line.add(index, seen);
    }
    line.facts
}

#[derive(Default)]
struct Line {
    facts: Facts,
    depth: u32,
    transaction: i64,
}

impl Line {
    fn add(&mut self, index: usize, seen: &Observation) {
        match seen.operation.as_str() {
            "resolve" => self.resolve(index, seen),
            "connect" => self.connect(index, seen),
            "tls_handshake" => {
                if let Some(endpoint) = self.facts.endpoints.last_mut() {
                    endpoint.tls = Some(handshake(index, seen));
                }
            }
            "http_request" => self.request(index, seen),
            "redirect" => self.refused_redirect(index, seen),
            _ => {}
        }
    }

    fn resolve(&mut self, index: usize, seen: &Observation) {
        let name = seen.subject.clone().unwrap_or_default();
        let resolver = text(&seen.detail, "resolver");
        let same = self.facts.lookups.iter().find(|known| {
            (&known.name, &known.resolver, known.depth) == (&name, &resolver, Some(self.depth))
        });
        let transaction = same.map(|known| known.transaction);
        let transaction = transaction.unwrap_or_else(|| self.next());
        self.facts.late.extend(late(index, seen, transaction));
        let label = (transaction, self.depth);
        self.facts
            .lookups
            .push(lookup(index, seen, label, Via::System));
    }

    fn connect(&mut self, index: usize, seen: &Observation) {
        let label = (self.next(), self.depth);
        self.facts.endpoints.extend(endpoint(index, seen, label));
    }

    fn request(&mut self, index: usize, seen: &Observation) {
        if let Some(endpoint) = self.facts.endpoints.last_mut() {
            request(endpoint, index, seen);
        }
        if seen.detail.contains_key("location") {
            self.depth += 1;
        }
    }

    /// A redirect that was not followed is how its request ended.
    fn refused_redirect(&mut self, index: usize, seen: &Observation) {
        let last = self.facts.endpoints.last_mut();
        if let Some(http) = last.and_then(|endpoint| endpoint.http.as_mut()) {
            http.step = step(index, seen);
        }
    }

    fn next(&mut self) -> i64 {
        self.transaction += 1;
        self.transaction
    }
}
