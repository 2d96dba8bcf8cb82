//! Records since version 2: every step names its page (`depth`) and what it belongs to
//! (`transaction`). A handshake or request without a connection is left out, as of OONI.
use super::{controls, endpoint, handshake, late, lookup, request, step, text, texts};
use crate::analysis::web::facts::{Endpoint, Facts, Via, Whoami};
use serde_json::Value;
use std::collections::HashMap;
use tonle_evidence::observation::Observation;

/// The facts of these steps.
pub(super) fn read(observations: &[Observation]) -> Facts {
    let mut reader = Reader::default();
    for (index, seen) in observations.iter().enumerate() {
        reader.add(index, seen);
    }
    let mut facts = reader.facts;
    controls::read(observations, &mut facts);
    facts
}

#[derive(Default)]
struct Reader {
    facts: Facts,
    /// Places of connections by transaction.
    endpoints: HashMap<i64, usize>,
}

impl Reader {
    fn add(&mut self, index: usize, seen: &Observation) {
        let label = label(seen);
        match seen.operation.as_str() {
            "resolve" => {
                let via = via(&text(&seen.detail, "engine"));
                self.facts.late.extend(late(index, seen, label.0));
                self.facts.lookups.push(lookup(index, seen, label, via));
            }
            "connect" => {
                if let Some(endpoint) = endpoint(index, seen, label) {
                    self.endpoints.insert(label.0, self.facts.endpoints.len());
                    self.facts.endpoints.push(endpoint);
                }
            }
            "tls_handshake" => {
                if let Some(endpoint) = self.endpoint(label.0) {
                    endpoint.tls = Some(handshake(index, seen));
                }
            }
            "http_request" => {
                if let Some(endpoint) = self.endpoint(label.0) {
                    request(endpoint, index, seen);
                }
            }
            // One that was not followed is how its request ended.
            "redirect" => {
                let endpoint = self.endpoint(label.0);
                if let Some(http) = endpoint.and_then(|endpoint| endpoint.http.as_mut()) {
                    http.step = step(index, seen);
                }
            }
            "resolver_identity" => self.identity(index, seen),
            _ => {}
        }
    }

    fn endpoint(&mut self, transaction: i64) -> Option<&mut Endpoint> {
        let place = self.endpoints.get(&transaction)?;
        self.facts.endpoints.get_mut(*place)
    }

    fn identity(&mut self, index: usize, seen: &Observation) {
        let resolver = text(&seen.detail, "resolver");
        let addresses = texts(&seen.detail, "addresses");
        let whoami = self.facts.whoami.get_or_insert_with(|| Whoami {
            at: super::at(index),
            ..Whoami::default()
        });
        if resolver == "system" {
            whoami.system.extend(addresses);
        } else {
            whoami.public.push((resolver, addresses));
        }
    }
}

/// (transaction, depth); zeros where a step names none.
fn label(seen: &Observation) -> (i64, u32) {
    let number = |key: &str| seen.detail.get(key).and_then(Value::as_i64);
    let depth = number("depth").and_then(|depth| u32::try_from(depth).ok());
    (number("transaction").unwrap_or(0), depth.unwrap_or(0))
}

/// `system` is what a file of resolvers in place of the system's says.
fn via(engine: &str) -> Via {
    match engine {
        "getaddrinfo" | "system" => Via::System,
        "udp" => Via::Udp,
        "doh" => Via::Doh,
        _ => Via::Other,
    }
}
