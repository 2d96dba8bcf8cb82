//! Everything the built-in DNS services of a host know. Pure.
use crate::scenario::model::{DnsFailure, Host, Name, Scenario, Signatures};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How many aliases are followed to an address.
const ALIASES_MAX: usize = 8;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// These addresses; none: the name exists and has none.
    Addresses(Vec<IpAddr>),
    /// Another name.
    Alias(String),
    /// A failure in place of an answer.
    Failure(DnsFailure),
}

/// Names with what they stand for. Names are in lower case and have no final dot.
#[derive(Debug, Default)]
pub(in crate::services) struct Zone {
    entries: BTreeMap<String, Entry>,
    /// Names whose records are signed.
    signed: BTreeMap<String, Signatures>,
}

impl Zone {
    /// As the DNS services on the host called `on` see the scenario: the hosts' names, then the
    /// entries for every service, then those for this host alone; the later ones replace.
    pub(in crate::services) fn new(scenario: &Scenario, on: &str) -> Self {
        let mut zone = Self::default();
        for host in &scenario.hosts {
            for name in &host.names {
                zone.add_addresses(name, &host.addresses);
            }
        }
        let for_all = scenario.names.iter().filter(|name| name.on.is_none());
        let for_this = scenario.names.iter();
        let for_this = for_this.filter(|name| name.on.as_deref() == Some(on));
        for name in for_all.chain(for_this) {
            let plain = name.name.to_ascii_lowercase();
            match name.signatures {
                Some(signatures) => zone.signed.insert(plain.clone(), signatures),
                None => zone.signed.remove(&plain),
            };
            zone.entries.insert(plain, entry_of(name));
        }
        zone
    }

    fn add_addresses(&mut self, name: &str, addresses: &[IpAddr]) {
        let entry = self.entries.entry(name.to_ascii_lowercase());
        let entry = entry.or_insert_with(|| Entry::Addresses(Vec::new()));
        if let Entry::Addresses(known) = entry {
            known.extend(addresses);
        }
    }

    /// The addresses that a name leads to, aliases followed; empty: none.
    pub(in crate::services) fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let mut name = name.to_owned();
        for _ in 0..ALIASES_MAX {
            match self.find(&name) {
                Some(Entry::Alias(alias)) => name = alias,
                Some(Entry::Addresses(addresses)) => return addresses,
                Some(Entry::Failure(_)) | None => break,
            }
        }
        Vec::new()
    }

    /// What the signatures of a name are worth; none: it has none.
    pub(super) fn signatures(&self, name: &str) -> Option<Signatures> {
        self.signed.get(&name.to_ascii_lowercase()).copied()
    }

    /// What a name stands for; none: nobody knows it. A name above a known one exists without
    /// addresses (RFC 8020).
    pub(super) fn find(&self, name: &str) -> Option<Entry> {
        let name = name.to_ascii_lowercase();
        if let Some(entry) = self.entries.get(&name) {
            return Some(entry.clone());
        }
        let below = |known: &String| {
            let above = known.strip_suffix(&name);
            name.is_empty() || above.is_some_and(|above| above.ends_with('.'))
        };
        let exists = self.entries.keys().any(below);
        exists.then(|| Entry::Addresses(Vec::new()))
    }
}

fn entry_of(name: &Name) -> Entry {
    match (&name.cname, name.failure) {
        (Some(cname), _) => Entry::Alias(cname.clone()),
        (None, Some(failure)) => Entry::Failure(failure),
        (None, None) => Entry::Addresses(name.addresses.clone()),
    }
}

/// The names that lead to a host: its own, and those of `[[name]]` with one of its addresses or
/// with a `cname` that leads to it. Its certificates are for these.
pub(in crate::services) fn names_of(scenario: &Scenario, host: &Host) -> Vec<String> {
    let mut names: Vec<String> = host.names.clone();
    let mut seen: BTreeSet<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    loop {
        let before = names.len();
        for name in &scenario.names {
            let by_address = name.addresses.iter().any(|ip| host.addresses.contains(ip));
            let cname = name.cname.as_ref().map(|cname| cname.to_ascii_lowercase());
            let by_alias = cname.is_some_and(|cname| seen.contains(&cname));
            if (by_address || by_alias) && seen.insert(name.name.to_ascii_lowercase()) {
                names.push(name.name.clone());
            }
        }
        if names.len() == before {
            return names;
        }
    }
}
