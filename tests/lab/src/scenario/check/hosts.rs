//! Hosts and routers: their names and addresses, and whether resolvers can be reached.
use super::Check;
use crate::scenario::model::{Host, Router};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Longest name of a host: one label.
const NAME_BYTES_MAX: usize = 63;

pub(super) fn check(check: &mut Check<'_>) {
    let scenario = check.scenario;
    if !scenario.hosts.iter().any(|host| host.name == "client") {
        check.say(
            "host",
            "no host is called client: commands run on that one, so one [[host]] needs \
             name = \"client\"",
        );
    }
    let mut names = BTreeSet::new();
    let mut owners: BTreeMap<IpAddr, &str> = BTreeMap::new();
    for (index, host) in scenario.hosts.iter().enumerate() {
        let path = format!("host[{index}]");
        name(check, &path, host);
        if !names.insert(&host.name) {
            check.say(
                format!("{path}.name"),
                format!("a second host called {:?}: names are used once", host.name),
            );
        }
        addresses(check, &path, host, &mut owners);
        check.dns_names(&format!("{path}.names"), &host.names);
    }
    for (index, host) in scenario.hosts.iter().enumerate() {
        let path = format!("host[{index}]");
        routers(check, &path, host, &owners);
        resolvers(check, &path, host, &owners);
    }
}

fn name(check: &mut Check<'_>, path: &str, host: &Host) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let length = (1..=NAME_BYTES_MAX).contains(&host.name.len());
    if !length || !host.name.bytes().all(fits) {
        check.say(
            format!("{path}.name"),
            format!(
                "{:?} does not name a host: 1 to {NAME_BYTES_MAX} letters, digits or - are wanted",
                host.name
            ),
        );
    }
}

fn addresses<'a>(
    check: &mut Check<'_>,
    path: &str,
    host: &'a Host,
    owners: &mut BTreeMap<IpAddr, &'a str>,
) {
    if host.addresses.is_empty() {
        check.say(
            format!("{path}.addresses"),
            "is empty: a host has at least one address",
        );
    }
    for (index, address) in host.addresses.iter().enumerate() {
        let key = format!("{path}.addresses[{index}]");
        usable(check, &key, *address);
        if let Some(owner) = owners.insert(*address, &host.name) {
            check.say(
                key,
                format!("{address} is already an address of {owner}: an address is used once"),
            );
        }
    }
}

/// Complains about addresses that no computer in a network can have.
fn usable(check: &mut Check<'_>, key: &str, address: IpAddr) {
    let what = match address {
        _ if address.is_unspecified() => "unspecified",
        _ if address.is_loopback() => "loopback",
        _ if address.is_multicast() => "multicast",
        IpAddr::V4(v4) if v4.is_broadcast() => "broadcast",
        IpAddr::V4(v4) if v4.octets()[0] == 0 || v4.octets()[0] >= 240 => "reserved",
        IpAddr::V6(v6) if v6.is_unicast_link_local() => "link-local",
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => "IPv4-mapped",
        _ => return,
    };
    check.say(
        key,
        format!("{address} is a {what} address: packets cannot be routed to it"),
    );
}

fn routers(check: &mut Check<'_>, path: &str, host: &Host, owners: &BTreeMap<IpAddr, &str>) {
    let mut seen = BTreeSet::new();
    for (index, router) in host.routers.iter().enumerate() {
        let path = format!("{path}.routers[{index}].addresses");
        router_families(check, &path, router);
        for (index, address) in router.addresses.iter().enumerate() {
            let key = format!("{path}[{index}]");
            usable(check, &key, *address);
            if let Some(owner) = owners.get(address) {
                check.say(&key, format!("{address} is already an address of {owner}"));
            }
            if !seen.insert(address) {
                check.say(
                    &key,
                    format!("{address} is already a router of this host: an address is used once"),
                );
            }
        }
    }
}

fn router_families(check: &mut Check<'_>, path: &str, router: &Router) {
    let v4 = router.addresses.iter().filter(|ip| ip.is_ipv4()).count();
    let v6 = router.addresses.len() - v4;
    if v4 > 1 || v6 > 1 || v4 + v6 == 0 {
        check.say(
            path,
            "a router has one IPv4 address, one IPv6 address, or one of each",
        );
    }
}

fn resolvers(check: &mut Check<'_>, path: &str, host: &Host, owners: &BTreeMap<IpAddr, &str>) {
    for (index, resolver) in host.resolvers.iter().enumerate() {
        let key = format!("{path}.resolvers[{index}]");
        if !owners.contains_key(resolver) {
            check.say(
                &key,
                format!(
                    "{resolver} is no host's address: give it to a host with a service of kind \
                     dns, or to one without services for a resolver that never answers"
                ),
            );
        }
        let has_family = |own: &IpAddr| own.is_ipv4() == resolver.is_ipv4();
        if !host.addresses.iter().any(has_family) {
            let family = if resolver.is_ipv4() { "IPv4" } else { "IPv6" };
            check.say(
                &key,
                format!(
                    "{} has no {family} address to ask {resolver} from",
                    host.name
                ),
            );
        }
    }
}
