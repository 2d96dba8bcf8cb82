//! The same situation elsewhere: other addresses, other delays, another seed. And its clean twin.
use crate::situations::{Situation, host_of};
use lab::scenario::model::{Rule, Scenario, ServiceKind};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Hosts whose addresses the agent's configuration or an answer of the scenario names.
const KNOWN: [&str; 1] = ["public-resolvers"];
/// Blocks of addresses that the Internet uses.
const BLOCKS: [u8; 12] = [23, 34, 45, 52, 62, 77, 91, 104, 141, 151, 185, 213];
/// Longest delay of a link in one direction, milliseconds.
const DELAY_MS_MAX: f64 = 60.0;

/// Another place for the scenario; 0 is the scenario itself.
pub(crate) fn varied(mut scenario: Scenario, seed: u64) -> Scenario {
    if seed == 0 {
        return scenario;
    }
    let mut rng = StdRng::seed_from_u64(seed);
    scenario.seed = seed;
    for host in &mut scenario.hosts {
        host.up.delay_ms = rng.random_range(1.0..DELAY_MS_MAX);
        host.down.delay_ms = rng.random_range(1.0..DELAY_MS_MAX);
    }
    let moved = moved(&scenario, &mut rng);
    each_address(&mut scenario, |address| {
        if let Some(other) = moved.get(address) {
            *address = *other;
        }
    });
    scenario
}

/// The network without what it does to the situation's page.
pub(crate) fn clean(mut scenario: Scenario, situation: &Situation) -> Scenario {
    let host = host_of(situation.url);
    scenario.middleboxes.clear();
    scenario
        .names
        .retain(|name| name.name != host || name.on.is_none());
    scenario
}

/// New addresses of IPv4 for the hosts, each used once.
fn moved(scenario: &Scenario, rng: &mut StdRng) -> BTreeMap<IpAddr, IpAddr> {
    let hosts = scenario.hosts.iter();
    let movable = hosts.filter(|host| !KNOWN.contains(&host.name.as_str()));
    let old = movable.flat_map(|host| &host.addresses);
    let mut moved = BTreeMap::new();
    for (number, address) in old.filter(|address| address.is_ipv4()).enumerate() {
        let block = BLOCKS[rng.random_range(0..BLOCKS.len())];
        let place = u8::try_from(number + 1).unwrap_or(u8::MAX);
        let new = Ipv4Addr::new(
            block,
            rng.random_range(1..250),
            place,
            rng.random_range(1..250),
        );
        moved.insert(*address, IpAddr::V4(new));
    }
    moved
}

/// Every place where a scenario names an address of a host.
fn each_address(scenario: &mut Scenario, mut change: impl FnMut(&mut IpAddr)) {
    for host in &mut scenario.hosts {
        host.addresses.iter_mut().for_each(&mut change);
        host.resolvers.iter_mut().for_each(&mut change);
    }
    for name in &mut scenario.names {
        name.addresses.iter_mut().for_each(&mut change);
    }
    for service in &mut scenario.services {
        if let ServiceKind::Http { page, .. } | ServiceKind::Https { page, .. } = &mut service.kind
        {
            let clients = page.iter_mut().flat_map(|page| &mut page.clients);
            clients.for_each(&mut change);
        }
    }
    for middlebox in &mut scenario.middleboxes {
        match &mut middlebox.rule {
            Rule::DnsSpoof { addresses, .. }
            | Rule::Endpoint { addresses, .. }
            | Rule::QuicDrop { addresses, .. } => addresses.iter_mut().for_each(&mut change),
            Rule::DnsRedirect { to, resolvers } => {
                change(to);
                resolvers.iter_mut().for_each(&mut change);
            }
            Rule::Divert { to, addresses, .. } => {
                change(to);
                addresses.iter_mut().for_each(&mut change);
            }
            Rule::DnsDrop { .. } | Rule::Sni { .. } | Rule::Ech { .. } | Rule::Keyword { .. } => {}
        }
    }
}
