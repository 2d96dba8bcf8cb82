//! Sets of transactions: which failed where the control did not, and which answers it does not know.
//!
//! *Expected* failures failed for the control too, *unexpected* ones did not, *unexplained* ones are
//! of redirects, which the control says nothing of one by one.
use super::observe::{ControlStep, Observed};
use crate::analysis::web::facts::{Address, ControlDns, Endpoint, Lookup, Via};
use std::collections::HashSet;
use tonle_evidence::failure::Failure;

/// Transactions by what they say.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pub(super) dns_bogon: HashSet<i64>,
    pub(super) dns_valid: HashSet<i64>,
    /// Answers that the control does not know.
    pub(super) dns_invalid: HashSet<i64>,
    /// Of these, the ones that no handshake vouches for.
    pub(super) dns_invalid_after_tls: HashSet<i64>,
    pub(super) dns_success: bool,
    pub(super) dns: Failed,
    pub(super) tcp: Failed,
    pub(super) tls: Failed,
    pub(super) http: Failed,
    pub(super) dns_experiment_failure: Option<Failure>,
}

/// Failures of one kind of step.
#[derive(Debug, Default)]
pub(super) struct Failed {
    pub(super) expected: HashSet<i64>,
    pub(super) unexpected: HashSet<i64>,
    pub(super) unexplained: HashSet<i64>,
}

impl Sets {
    /// Sorts every observation into its set.
    pub(super) fn of(observed: &Observed<'_>) -> Self {
        let mut sets = Self::default();
        sets.add_answers(observed);
        sets.add_failed_lookups(observed);
        for endpoint in observed.endpoints() {
            sets.add_connection(observed, endpoint);
            sets.add_handshake(observed, endpoint);
            sets.add_request(observed, endpoint);
        }
        sets.vouch(observed);
        sets
    }

    fn add_answers(&mut self, observed: &Observed<'_>) {
        let mut seen = HashSet::new();
        let answers = observed
            .lookups()
            .filter(|lookup| lookup.failure.is_none() && !lookup.addresses.is_empty());
        for lookup in answers.filter(|lookup| lookup.depth == Some(0)) {
            self.dns_success = true;
            if !seen.insert(lookup.transaction) {
                continue;
            }
            if lookup.addresses.iter().any(Address::is_bogon) {
                self.dns_bogon.insert(lookup.transaction);
            }
            let dns = observed.control_dns(lookup);
            let Some(known) = dns.filter(|dns| dns.failure.is_none()) else {
                continue;
            };
            let set = if agrees(lookup, known) {
                &mut self.dns_valid
            } else {
                &mut self.dns_invalid
            };
            set.insert(lookup.transaction);
        }
    }

    fn add_failed_lookups(&mut self, observed: &Observed<'_>) {
        let mut seen = HashSet::new();
        for lookup in observed.lookups() {
            let Some(failure) = &lookup.failure else {
                continue;
            };
            // Both questions of a UDP lookup share their transaction: only the first failure counts.
            if !seen.insert(lookup.transaction) {
                continue;
            }
            let is_empty = *failure == Failure::DnsNoAnswer;
            if lookup.via == Via::Doh || (is_empty && lookup.query_type == "AAAA") {
                continue;
            }
            if lookup.depth != Some(0) {
                self.dns.unexplained.insert(lookup.transaction);
                continue;
            }
            if self.dns_experiment_failure.is_none() {
                self.dns_experiment_failure = Some(failure.clone());
            }
            let Some(dns) = observed.control_dns(lookup) else {
                continue;
            };
            let both_empty = is_empty && dns.addresses.is_empty();
            let set = if dns.failure.is_some() || both_empty {
                &mut self.dns.expected
            } else {
                &mut self.dns.unexpected
            };
            set.insert(lookup.transaction);
        }
    }

    fn add_connection(&mut self, observed: &Observed<'_>, endpoint: &Endpoint) {
        let Some(failure) = &endpoint.tcp.failure else {
            return;
        };
        let control = observed.control_tcp(endpoint);
        self.tcp.add(endpoint, control);
        let no_way = matches!(
            failure,
            Failure::NetworkUnreachable | Failure::HostUnreachable
        );
        if no_way && endpoint.address.is_v6() {
            self.tcp.unexpected.remove(&endpoint.transaction);
            self.tcp.unexplained.remove(&endpoint.transaction);
        }
    }

    fn add_handshake(&mut self, observed: &Observed<'_>, endpoint: &Endpoint) {
        let tls = endpoint.tls.as_ref();
        if tls.is_some_and(|tls| tls.step.failure.is_some()) {
            self.tls.add(endpoint, observed.control_tls(endpoint));
        }
    }

    fn add_request(&mut self, observed: &Observed<'_>, endpoint: &Endpoint) {
        let http = endpoint.http.as_ref();
        if http.is_none_or(|http| http.step.failure.is_none()) {
            return;
        }
        match observed.control_http() {
            None => self.http.unexplained.insert(endpoint.transaction),
            Some(control) if control.failure.is_none() => {
                self.http.unexpected.insert(endpoint.transaction)
            }
            Some(_) => false,
        };
    }

    /// A handshake that succeeded vouches for the lookup that its connection took the address from.
    fn vouch(&mut self, observed: &Observed<'_>) {
        self.dns_invalid_after_tls = self.dns_invalid.clone();
        let vouching = observed
            .endpoints()
            .filter(|endpoint| endpoint.is_authentic());
        for lookup in vouching.filter_map(|endpoint| observed.lookup_of(endpoint)) {
            self.dns_invalid_after_tls.remove(&lookup.transaction);
        }
    }
}

impl Failed {
    /// Sorts a failed step by what the control saw of the same one.
    fn add(&mut self, endpoint: &Endpoint, control: ControlStep) {
        let transaction = endpoint.transaction;
        if endpoint.depth != Some(0) {
            self.unexplained.insert(transaction);
            return;
        }
        match control {
            ControlStep::Untried => false,
            ControlStep::Failed => self.expected.insert(transaction),
            ControlStep::Succeeded => self.unexpected.insert(transaction),
        };
    }
}

/// Whether an answer shares an address, or the network of one, with the control's.
fn agrees(lookup: &Lookup, control: &ControlDns) -> bool {
    let addresses: HashSet<&str> = texts(&control.addresses).collect();
    let networks: HashSet<u32> = networks(&control.addresses).collect();
    texts(&lookup.addresses).any(|address| addresses.contains(address))
        || self::networks(&lookup.addresses).any(|asn| networks.contains(&asn))
}

fn texts(addresses: &[Address]) -> impl Iterator<Item = &str> {
    addresses.iter().map(|address| address.text.as_str())
}

fn networks(addresses: &[Address]) -> impl Iterator<Item = u32> {
    addresses.iter().filter_map(|address| address.asn)
}
