//! Facts grouped as rules ask for them: what each resolver said of a name, what came of each page on
//! the way, and what the controls saw of the same.
use super::super::facts::{Address, Control, Endpoint, Facts, Late, Lookup, Via, Witness};
use super::super::fingerprints::Fingerprints;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::State;

/// What controls say of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sees {
    /// It works for at least one.
    Works(Vec<Witness>),
    /// It fails for all that tried.
    Fails(Vec<Witness>),
    /// None tried.
    Silent,
}

/// What one resolver said of one name.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) depth: u32,
    pub(super) via: Via,
    pub(super) resolver: &'a str,
    pub(super) name: &'a str,
    pub(super) lookups: Vec<&'a Lookup>,
    pub(super) late: Vec<&'a Late>,
}

/// One page on the way and the connections made for it that can be trusted.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) depth: u32,
    pub(super) endpoints: Vec<&'a Endpoint>,
}

/// A visit as rules see it.
pub(super) struct Case<'a> {
    pub(super) facts: &'a Facts,
    pub(super) prints: &'a Fingerprints,
    asked: Vec<Asked<'a>>,
    control_addresses: BTreeSet<String>,
    control_networks: BTreeSet<u32>,
    distrusted: BTreeSet<String>,
    vouched: BTreeSet<String>,
}

impl<'a> Case<'a> {
    pub(super) fn new(facts: &'a Facts, prints: &'a Fingerprints) -> Self {
        let known = facts
            .controls
            .iter()
            .filter_map(|control| control.dns.as_ref());
        let known: Vec<&Address> = known.flat_map(|dns| &dns.addresses).collect();
        Self {
            facts,
            prints,
            asked: asked(facts),
            control_addresses: known.iter().map(|address| address.text.clone()).collect(),
            control_networks: known.iter().filter_map(|address| address.asn).collect(),
            distrusted: BTreeSet::new(),
            vouched: BTreeSet::new(),
        }
    }

    /// What resolvers said in a way that can be read and changed on the path.
    pub(super) fn asked(&self) -> &[Asked<'a>] {
        &self.asked
    }

    /// Takes note of what was found of a resolver's answers.
    pub(super) fn trust(&mut self, asked: usize, state: State) {
        let addresses = self.asked[asked]
            .addresses()
            .map(|address| address.text.clone());
        let addresses: Vec<String> = addresses.collect();
        match state {
            State::Ok => self.vouched.extend(addresses),
            state if state.is_blocking() => self.distrusted.extend(addresses),
            _ => {}
        }
    }

    /// The pages of the visit, from the first on, with connections to addresses that can be trusted:
    /// of no false answer, and known to be the page's where that can be known.
    pub(super) fn pages(&self) -> Vec<Page<'a>> {
        let mut pages: BTreeMap<u32, Vec<&'a Endpoint>> = BTreeMap::new();
        for endpoint in &self.facts.endpoints {
            if let Some(depth) = endpoint
                .depth
                .filter(|depth| self.is_trusted(*depth, endpoint))
            {
                pages.entry(depth).or_default().push(endpoint);
            }
        }
        let in_order = |mut endpoints: Vec<&'a Endpoint>| {
            sort(&mut endpoints);
            endpoints
        };
        let pages = pages.into_iter();
        pages
            .map(|(depth, endpoints)| Page {
                depth,
                endpoints: in_order(endpoints),
            })
            .collect()
    }

    fn is_trusted(&self, depth: u32, endpoint: &Endpoint) -> bool {
        let address = &endpoint.address.text;
        if self.distrusted.contains(address) {
            return false;
        }
        let host = self
            .facts
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        depth > 0
            || self.facts.controls.is_empty()
            || self.vouched.contains(address)
            || self.is_known(&endpoint.address)
            || endpoint.is_authentic()
            || host.parse::<IpAddr>().is_ok()
    }

    /// Whether a control found this address.
    pub(super) fn is_known(&self, address: &Address) -> bool {
        self.control_addresses.contains(&address.text)
    }

    /// Whether a control found an address of the same network.
    pub(super) fn is_of_known_network(&self, address: &Address) -> bool {
        address
            .asn
            .is_some_and(|asn| self.control_networks.contains(&asn))
    }

    /// Whether controls found addresses that no public service can have.
    pub(super) fn controls_see_bogon(&self) -> bool {
        let known = self
            .facts
            .controls
            .iter()
            .filter_map(|control| control.dns.as_ref());
        known.flat_map(|dns| &dns.addresses).any(Address::is_bogon)
    }

    /// What DNS over HTTPS said of a name: nobody on the path can have changed it.
    pub(super) fn private_lookups(&self, name: &str) -> impl Iterator<Item = &'a Lookup> {
        let lookups = self.facts.lookups.iter();
        lookups.filter(move |lookup| lookup.via == Via::Doh && lookup.name == name)
    }

    /// Connections to an address of this answer, for the same page.
    pub(super) fn connections_of(&self, asked: &Asked<'_>) -> Vec<&'a Endpoint> {
        let addresses: BTreeSet<&str> = asked.addresses().map(|one| one.text.as_str()).collect();
        let endpoints = self.facts.endpoints.iter();
        let mut found: Vec<&Endpoint> = endpoints
            .filter(|endpoint| endpoint.depth == Some(asked.depth))
            .filter(|endpoint| addresses.contains(endpoint.address.text.as_str()))
            .collect();
        sort(&mut found);
        found
    }

    /// What controls say of resolving a name: the page's own; of another the page itself speaks.
    pub(super) fn control_lookup(&self, asked: &Asked<'_>) -> Sees {
        if asked.name != self.facts.host() {
            return self.control_page();
        }
        self.ask(|control| {
            let dns = control.dns.as_ref()?;
            let works = dns.failure.is_none() && !dns.addresses.is_empty();
            Some((works, format!("{}/dns", control.at)))
        })
    }

    /// What controls say of the page as a whole.
    pub(super) fn control_page(&self) -> Sees {
        self.ask(|control| {
            let http = control.http.as_ref()?;
            Some((
                http.failure.is_none(),
                format!("{}/http_request", control.at),
            ))
        })
    }

    /// What controls say of a connection: of redirects the page itself speaks.
    pub(super) fn control_connection(&self, endpoint: &Endpoint) -> Sees {
        if endpoint.depth != Some(0) {
            return self.control_page();
        }
        self.ask(|control| {
            let (peer, failure) = control
                .tcp
                .iter()
                .find(|(peer, _)| *peer == endpoint.peer)?;
            Some((
                failure.is_none(),
                format!("{}/tcp_connect/{peer}", control.at),
            ))
        })
    }

    /// What controls say of a handshake.
    pub(super) fn control_handshake(&self, endpoint: &Endpoint) -> Sees {
        if endpoint.depth != Some(0) {
            return self.control_page();
        }
        let name = endpoint.tls.as_ref().map(|tls| tls.server_name.as_str());
        self.ask(|control| {
            let mut seen = control.tls.iter();
            let (peer, _, failure) = seen
                .find(|(peer, asked, _)| *peer == endpoint.peer && Some(asked.as_str()) == name)?;
            let at = format!("{}/tls_handshake/{peer}", control.at);
            Some((failure.is_none(), at))
        })
    }

    fn ask(&self, of: impl Fn(&Control) -> Option<(bool, Witness)>) -> Sees {
        let seen: Vec<(bool, Witness)> = self.facts.controls.iter().filter_map(of).collect();
        let of_kind = |wanted: bool| {
            let kept = seen.iter().filter(|(works, _)| *works == wanted);
            kept.map(|(_, at)| at.clone()).collect::<Vec<_>>()
        };
        match (of_kind(true), of_kind(false)) {
            (works, _) if !works.is_empty() => Sees::Works(works),
            (_, fails) if !fails.is_empty() => Sees::Fails(fails),
            _ => Sees::Silent,
        }
    }

    /// Whether the line carried other traffic meanwhile: a control answered, and the device's own
    /// resolver was not silent. Only then does silence of the page say something of the page.
    pub(super) fn line_works(&self) -> bool {
        let mut lookups = self.facts.lookups.iter();
        let silent = |lookup: &Lookup| {
            lookup.via == Via::System && lookup.failure == Some(Failure::GenericTimeout)
        };
        !self.facts.controls.is_empty() && !lookups.any(silent)
    }
}

/// By what they are and not by where they stand, so that the order of the source does not matter.
fn sort(endpoints: &mut [&Endpoint]) {
    let name = |endpoint: &Endpoint| endpoint.failure().map(|failure| failure.name().to_owned());
    endpoints.sort_by_cached_key(|endpoint| (endpoint.peer.clone(), name(endpoint)));
}

/// Lookups by who was asked what, without DNS over HTTPS and without names of other pages.
fn asked(facts: &Facts) -> Vec<Asked<'_>> {
    let mut groups: BTreeMap<(u32, Via, &str, &str), Vec<&Lookup>> = BTreeMap::new();
    for lookup in &facts.lookups {
        let Some(depth) = lookup.depth else { continue };
        let is_foreign = depth == 0 && lookup.name != facts.host();
        if lookup.via == Via::Doh || is_foreign {
            continue;
        }
        let key = (
            depth,
            lookup.via,
            lookup.resolver.as_str(),
            lookup.name.as_str(),
        );
        groups.entry(key).or_default().push(lookup);
    }
    let mut late: BTreeMap<(i64, &str), Vec<&Late>> = BTreeMap::new();
    for answer in &facts.late {
        late.entry((answer.transaction, &answer.name))
            .or_default()
            .push(answer);
    }
    let groups = groups.into_iter();
    groups
        .map(|((depth, via, resolver, name), lookups)| {
            let of: BTreeSet<i64> = lookups.iter().map(|lookup| lookup.transaction).collect();
            let late = of
                .iter()
                .filter_map(|transaction| late.get(&(*transaction, name)));
            Asked {
                late: late.flatten().copied().collect(),
                depth,
                via,
                resolver,
                name,
                lookups,
            }
        })
        .collect()
}

impl<'a> Asked<'a> {
    /// Every address that was given.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &'a Address> {
        let answered = self
            .lookups
            .iter()
            .filter(|lookup| lookup.failure.is_none());
        answered.flat_map(|lookup| &lookup.addresses)
    }

    /// Whether an address came back: what counts, not how a resolver says that there is none.
    pub(super) fn has_address(&self) -> bool {
        self.addresses().next().is_some()
    }

    /// Why there is no address: the failure that says most. A family without addresses says nothing
    /// while the other failed.
    pub(super) fn failure(&self) -> Option<&'a Failure> {
        let failures = self
            .lookups
            .iter()
            .filter_map(|lookup| lookup.failure.as_ref());
        failures.min_by_key(|failure| {
            let rank = match failure {
                Failure::DnsNxdomain => 0,
                Failure::DnsRefused => 1,
                Failure::DnsNoAnswer => 3,
                _ => 2,
            };
            (rank, failure.name())
        })
    }

    /// Where the answers stand.
    pub(super) fn witnesses(&self) -> Vec<Witness> {
        self.lookups
            .iter()
            .map(|lookup| lookup.at.clone())
            .collect()
    }
}

impl Sees {
    /// Where controls were heard.
    pub(super) fn witnesses(&self) -> Vec<Witness> {
        match self {
            Self::Works(at) | Self::Fails(at) => at.clone(),
            Self::Silent => Vec::new(),
        }
    }
}
