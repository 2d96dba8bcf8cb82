//! Recognising a network without knowing it: a salted hash of its gateway.
//!
//! fingerprint = first 8 bytes of SHA-256(salt || gateway || interface || prefix), where the gateway
//! is its MAC address, or its IP address when the kernel does not know the MAC. Salt and fingerprints
//! stay on the device; without the salt a fingerprint says nothing.
use super::route::Route;
use sha2::{Digest, Sha256};
use tonle_evidence::hash::{Hex, Id64, Id128};

/// A network, recognisable on this device only.
pub type Fingerprint = Id64;
/// What makes fingerprints worthless elsewhere.
pub type Salt = Id128;

/// The fingerprint of the network behind a default route.
pub(super) fn fingerprint(salt: &Salt, default: &Route, all: &[Route], arp: &str) -> Fingerprint {
    let gateway = default.gateway.to_string();
    let gateway = mac_of(arp, &gateway).unwrap_or(gateway);
    let is_link = |route: &&Route| {
        route.interface == default.interface
            && route.gateway.is_unspecified()
            && route.destination.is_ipv4() == default.gateway.is_ipv4()
            && !is_everywhere(route)
    };
    let link = all
        .iter()
        .filter(is_link)
        .map(|route| format!("{}/{}", route.destination, route.prefix));
    let link = link.min().unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(salt.0);
    for part in [gateway.as_str(), &default.interface, &link] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    Hex::from_slice(&digest[..8]).expect("eight of thirty-two bytes")
}

/// Link-local and multicast networks are the same at everybody's.
fn is_everywhere(route: &Route) -> bool {
    match route.destination {
        std::net::IpAddr::V4(v4) => v4.is_link_local() || v4.is_multicast(),
        std::net::IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast(),
    }
}

/// The MAC address of a neighbour in `/proc/net/arp`; zeros mean that it is not known.
fn mac_of(arp: &str, address: &str) -> Option<String> {
    let line = arp
        .lines()
        .find(|line| line.split_whitespace().next() == Some(address))?;
    let mac = line.split_whitespace().nth(3)?;
    (mac.len() == 17 && mac != "00:00:00:00:00:00").then(|| mac.to_owned())
}
