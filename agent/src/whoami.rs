//! From where resolvers ask on our behalf: a name whose answer is the address that asked.
//!
//! Operation `resolver_identity`, subject the name. Detail: `resolver` (who was asked: `system`, a public
//! resolver, or the device's own by its kind), `addresses` (their networks only, a /24 or /48),
//! `remembered: true` when it was asked less than 45 seconds before.
use crate::steps::left_device;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tonle_evidence::observation::{Detail, Observation};
use tonle_net::dns::Asked;
use tonle_net::scrub;

/// What the answers to the name say of the resolver that was asked.
#[must_use]
pub fn identity_of(name: &str, resolver: &str, asked: &[Asked]) -> Observation {
    let seen = || asked.iter().map(|one| &one.observation);
    let addresses: Vec<IpAddr> = asked.iter().flat_map(|one| one.addresses.clone()).collect();
    let failure = seen().find_map(|one| one.failure.clone());
    let mut written: Vec<String> = addresses.into_iter().map(network_of).collect();
    written.dedup();
    let mut detail = Detail::new();
    detail.insert("resolver".to_owned(), resolver.into());
    let failure = failure.filter(|_| written.is_empty());
    if !written.is_empty() {
        detail.insert("addresses".to_owned(), written.into());
    }
    if !seen().any(left_device) {
        detail.insert("sent".to_owned(), false.into());
    }
    Observation {
        t_start_us: seen().map(|one| one.t_start_us).min().unwrap_or(0),
        t_end_us: seen().map(|one| one.t_end_us).max().unwrap_or(0),
        operation: "resolver_identity".to_owned(),
        subject: Some(name.to_owned()),
        failure,
        detail,
    }
}

/// The first address of the /24 or /48 that an address lies in. It tells the operator of a resolver
/// as well as the address does, and is nobody's own where a resolver of the household asks for
/// itself.
fn network_of(address: IpAddr) -> String {
    let network: IpAddr = match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    };
    scrub::address(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_its_network_is_written() {
        for (address, written) in [
            ("203.0.113.77", "203.0.113.0"),
            ("2a01:4f8:1:2::9", "2a01:4f8:1::"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("192.168.1.7", "lan"),
        ] {
            assert_eq!(network_of(address.parse().unwrap()), written);
        }
    }
}
