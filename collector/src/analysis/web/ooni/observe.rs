//! Observations: facts joined with what the control saw of the same thing.
//!
//! 1. A failed lookup is one observation, a successful one is one per distinct address.
//! 2. A connection takes its lookup from the first one that found its address. Found by none, its
//!    origin is the control where that knows the address, and unknown elsewhere.
//! 3. The control's lookup is attached to lookups of the page's own name only, its addresses only
//!    when it succeeded.
//! 4. The control's connection is attached by `address:port`, its handshake by that and an equal
//!    server name, its final response to everything.
use crate::analysis::web::facts::{
    Address, Control, ControlDns, ControlHttp, Endpoint, Facts, Lookup, Response, Via,
};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use tonle_evidence::failure::Failure;

/// Facts as this layer sees them.
pub(super) struct Observed<'a> {
    host: &'a str,
    control: Option<&'a Control>,
    lookups: Vec<&'a Lookup>,
    endpoints: Vec<&'a Endpoint>,
    /// The lookup that first found each address.
    found_by: HashMap<&'a str, &'a Lookup>,
    tcp: HashMap<&'a str, ControlStep>,
    tls: HashMap<(&'a str, &'a str), ControlStep>,
}

/// What the control saw of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlStep {
    /// It did not try.
    Untried,
    Succeeded,
    Failed,
}

/// An entry of the walk through observations.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    /// A connection with what became of it.
    Endpoint(&'a Endpoint),
    /// A lookup.
    Lookup(&'a Lookup),
}

impl<'a> Observed<'a> {
    /// Everything.
    pub(super) fn of(facts: &'a Facts) -> Self {
        let control = facts.controls.first();
        let mut found_by = HashMap::new();
        for lookup in &facts.lookups {
            for address in answer(lookup) {
                found_by.entry(address.text.as_str()).or_insert(lookup);
            }
        }
        let tcp = control.into_iter().flat_map(|control| &control.tcp);
        let tls = control.into_iter().flat_map(|control| &control.tls);
        Self {
            host: facts.host(),
            control,
            lookups: facts.lookups.iter().collect(),
            endpoints: facts.endpoints.iter().collect(),
            found_by,
            tcp: tcp
                .map(|(peer, failure)| (peer.as_str(), control_step(failure.as_ref())))
                .collect(),
            tls: tls
                .map(|(peer, name, failure)| {
                    (
                        (peer.as_str(), name.as_str()),
                        control_step(failure.as_ref()),
                    )
                })
                .collect(),
        }
    }

    /// The classic part: lookups of the system resolver; connections that were to fetch the page,
    /// to addresses that it found or whose origin is unknown.
    pub(super) fn classic(&self) -> Self {
        let lookups = self.lookups.iter().copied();
        let lookups: Vec<&Lookup> = lookups.filter(|lookup| lookup.via == Via::System).collect();
        let by_system: HashSet<&str> = lookups
            .iter()
            .flat_map(|lookup| answer(lookup))
            .map(|address| address.text.as_str())
            .collect();
        let belongs = |endpoint: &&Endpoint| {
            let address = endpoint.address.text.as_str();
            let unknown = !self.found_by.contains_key(address) && !self.control_found(address);
            endpoint.fetches_body && (by_system.contains(address) || unknown)
        };
        let endpoints = self.endpoints.iter().copied();
        Self {
            host: self.host,
            control: self.control,
            endpoints: endpoints.filter(belongs).collect(),
            lookups,
            found_by: self.found_by.clone(),
            tcp: self.tcp.clone(),
            tls: self.tls.clone(),
        }
    }

    fn control_found(&self, address: &str) -> bool {
        let dns = self.control.and_then(|control| control.dns.as_ref());
        dns.is_some_and(|dns| dns.addresses.iter().any(|known| known.text == address))
    }

    pub(super) fn lookups(&self) -> impl Iterator<Item = &'a Lookup> {
        self.lookups.iter().copied()
    }

    pub(super) fn endpoints(&self) -> impl Iterator<Item = &'a Endpoint> {
        self.endpoints.iter().copied()
    }

    /// The lookup that a connection takes its address from.
    pub(super) fn lookup_of(&self, endpoint: &Endpoint) -> Option<&'a Lookup> {
        self.found_by.get(endpoint.address.text.as_str()).copied()
    }

    /// Whether there is any control.
    pub(super) fn has_control(&self) -> bool {
        self.control.is_some()
    }

    /// The control's lookup of the name that was looked up here.
    pub(super) fn control_dns(&self, lookup: &Lookup) -> Option<&'a ControlDns> {
        let dns = self.control?.dns.as_ref();
        dns.filter(|_| lookup.name == self.host)
    }

    /// Whether the control found no address for the page's name.
    pub(super) fn control_found_nothing(&self) -> bool {
        let dns = self.control.and_then(|control| control.dns.as_ref());
        dns.is_some_and(|dns| dns.failure.is_some() || dns.addresses.is_empty())
    }

    /// What the control saw of this connection.
    pub(super) fn control_tcp(&self, endpoint: &Endpoint) -> ControlStep {
        let seen = self.tcp.get(endpoint.peer.as_str()).copied();
        seen.unwrap_or(ControlStep::Untried)
    }

    /// What the control saw of this handshake.
    pub(super) fn control_tls(&self, endpoint: &Endpoint) -> ControlStep {
        let name = endpoint.tls.as_ref().map(|tls| tls.server_name.as_str());
        let seen = name.and_then(|name| self.tls.get(&(endpoint.peer.as_str(), name)));
        seen.copied().unwrap_or(ControlStep::Untried)
    }

    /// The control's final response.
    pub(super) fn control_http(&self) -> Option<&'a ControlHttp> {
        self.control?.http.as_ref()
    }

    /// The control, for comparing.
    pub(super) fn control(&self) -> Option<&'a Control> {
        self.control
    }

    /// All observations in the order in which the keys are decided: depth from the last page on (no
    /// depth last), requests before handshakes before connections before lookups, successes before
    /// failures, later transactions first.
    pub(super) fn walk(&self) -> Vec<Entry<'a>> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        entries.extend(self.endpoints().map(Entry::Endpoint));
        let tells = |lookup: &&Lookup| lookup.failure.is_some() || !lookup.addresses.is_empty();
        entries.extend(self.lookups().filter(tells).map(Entry::Lookup));
        entries.sort_by_cached_key(|entry| {
            (
                Reverse(entry.depth().map_or(-1, i64::from)),
                Reverse(entry.rank()),
                entry
                    .failure()
                    .map_or(String::new(), |failure| failure.name().to_owned()),
                Reverse(entry.transaction()),
            )
        });
        entries
    }

    /// The final response: the first in the order of the walk.
    pub(super) fn last_response(&self) -> Option<&'a Response> {
        self.last_endpoint()?.http.as_ref()?.last_response()
    }

    /// The connection that the final response came over.
    pub(super) fn last_endpoint(&self) -> Option<&'a Endpoint> {
        let is_last = |endpoint: &Endpoint| {
            let http = endpoint.http.as_ref();
            http.is_some_and(|http| http.last_response().is_some())
        };
        self.walk().into_iter().find_map(|entry| match entry {
            Entry::Endpoint(endpoint) if is_last(endpoint) => Some(endpoint),
            _ => None,
        })
    }
}

fn control_step(failure: Option<&Failure>) -> ControlStep {
    match failure {
        None => ControlStep::Succeeded,
        Some(_) => ControlStep::Failed,
    }
}

/// The addresses of a lookup that succeeded.
fn answer(lookup: &Lookup) -> &[Address] {
    if lookup.failure.is_some() {
        return &[];
    }
    &lookup.addresses
}

impl<'a> Entry<'a> {
    fn depth(&self) -> Option<u32> {
        match self {
            Self::Endpoint(endpoint) => endpoint.depth,
            Self::Lookup(lookup) => lookup.depth,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Endpoint(endpoint) if endpoint.http.is_some() => 3,
            Self::Endpoint(endpoint) if endpoint.tls.is_some() => 2,
            Self::Endpoint(_) => 1,
            Self::Lookup(_) => 0,
        }
    }

    fn failure(&self) -> Option<&'a Failure> {
        match self {
            Self::Endpoint(endpoint) => endpoint.failure(),
            Self::Lookup(lookup) => lookup.failure.as_ref(),
        }
    }

    fn transaction(&self) -> i64 {
        match self {
            Self::Endpoint(endpoint) => endpoint.transaction,
            Self::Lookup(lookup) => lookup.transaction,
        }
    }
}
