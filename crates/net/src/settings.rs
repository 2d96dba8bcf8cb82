//! What every step needs to know of its surroundings: resolvers, roots, permissions.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Surroundings of the steps. Tests give their own; the agent fills it from its configuration.
#[derive(Debug, Clone)]
pub struct NetSettings {
    /// Resolvers of the device, from `resolv.conf` or a file given in its place.
    pub resolvers: Vec<SocketAddr>,
    /// Public resolvers that the `dns` experiment asks beside the device's own.
    pub public_resolvers: Vec<IpAddr>,
    /// Roots that certificates must lead to: the built-in set plus `extra_roots`.
    pub roots: Arc<rustls::RootCertStore>,
    /// Whether loopback and private addresses may be measured: tests and labs only.
    pub allow_loopback: bool,
}

impl NetSettings {
    /// Whether a step may send anything to `address`. A name that leads to a private address leads
    /// into the volunteer's own network, which nobody agreed to measure.
    #[must_use]
    pub fn may_contact(&self, address: IpAddr) -> bool {
        self.allow_loopback || !is_special(address)
    }

    /// The same surroundings for a server that the volunteer named himself (his collector on this
    /// machine or in his network): it may be contacted wherever it stands.
    #[must_use]
    pub fn for_named_server(&self) -> Self {
        Self {
            allow_loopback: true,
            ..self.clone()
        }
    }
}

/// True for an address that is not on the public Internet: loopback, private, link-local,
/// unique-local, shared (CGNAT), unspecified, multicast, documentation and the like (RFC 6890 and its
/// registries); of IPv6 everything outside global unicast that is not NAT64.
#[must_use]
pub fn is_special(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_special_v4(v4),
        IpAddr::V6(v6) => is_special_v6(v6),
    }
}

fn is_special_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99) // relays of 6to4
}

fn is_special_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    let is_global = (a & 0xe000) == 0x2000;
    let is_nat64 = matches!(v6.segments(), [0x0064, 0xff9b, 0, 0, 0, 0, ..]);
    !(is_global || is_nat64)
        || (a == 0x2001 && b < 0x0200) // protocols, Teredo among them
        || (a == 0x2001 && b == 0x0db8)
        || (a == 0x3fff && b < 0x1000)
        || a == 0x3ffe // the test network of old
        || embedded_v4(v6).is_some_and(is_special_v4)
}

/// The IPv4 address that an IPv6 address leads to: of NAT64 (RFC 6052), 6to4 (RFC 3056) and the
/// deprecated IPv4-compatible form.
#[must_use]
pub fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let from = match address.segments() {
        [0x0064, 0xff9b, 0, ..] | [0, 0, 0, ..] => 12,
        [0x2002, ..] => 2,
        _ => return None,
    };
    let [a, b, c, d] = *octets[from..].first_chunk()?;
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_outside_the_public_internet_are_special() {
        for text in [
            "127.0.0.1",
            "10.10.10.1",
            "100.64.0.1",
            "169.254.169.254",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "fec0::1",
            "3fff::1",
            "2002:c0a8:101::1",
            "64:ff9b::192.168.1.1",
            "64:ff9b:1::1",
            "::10.0.0.1",
            "64:ff9b::1:0:1.1.1.1",
            "2001::1",
            "2001:2::1",
            "3ffe::1",
            "5f00::1",
            "ff02::1",
            "192.88.99.1",
        ] {
            assert!(is_special(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_not_special() {
        for text in [
            "1.1.1.1",
            "36.37.242.94",
            "2606:4700:4700::1111",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ] {
            assert!(!is_special(text.parse().unwrap()), "{text}");
        }
    }
}
