//! The device's own addresses and its gateways: known only so that they can be scrubbed.
use super::route::Route;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Every address of this side that is not loopback: interfaces and gateways, each once.
pub(super) fn own(fib_trie: &str, if_inet6: &str, routes: &[Route]) -> Vec<IpAddr> {
    let v4 = local_v4(fib_trie).into_iter().map(IpAddr::from);
    let v6 = local_v6(if_inet6).into_iter().map(IpAddr::from);
    let gateways = routes.iter().map(|route| route.gateway);
    let mut own: Vec<IpAddr> = v4
        .chain(v6)
        .chain(gateways)
        .filter(|address| !address.is_loopback() && !address.is_unspecified())
        .collect();
    own.sort_unstable();
    own.dedup();
    own
}

/// Addresses of interfaces in `/proc/net/fib_trie`: a leaf `|-- address` followed by a line
/// `/32 host LOCAL`.
fn local_v4(text: &str) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let mut leaf = None;
    for line in text.lines() {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.trim().parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(leaf);
        }
    }
    found
}

/// First column of `/proc/net/if_inet6`.
fn local_v6(text: &str) -> Vec<Ipv6Addr> {
    let address = |line: &str| {
        let first = line
            .split_whitespace()
            .next()
            .filter(|text| text.len() == 32)?;
        u128::from_str_radix(first, 16)
            .ok()
            .map(Ipv6Addr::from_bits)
    };
    text.lines().filter_map(address).collect()
}
