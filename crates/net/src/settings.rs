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
/// unique-local, shared (CGNAT), unspecified, multicast, documentation and the like.
#[must_use]
pub fn is_special(address: IpAddr) -> bool {
    let address = address.to_canonical();
    match address {
        IpAddr::V4(v4) => {
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
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || (a & 0xfe00) == 0xfc00
                || (a & 0xffc0) == 0xfe80
                || (a & 0xffc0) == 0xfec0
                || (a == 0x2001 && b == 0x0db8)
                || (a == 0x3fff && b < 0x1000)
                || a == 0x0100
                || (a, b, c) == (0x0064, 0xff9b, 1)
                || embedded_v4(v6).is_some_and(|v4| is_special(v4.into()))
        }
    }
}

/// The IPv4 address that an IPv6 address leads to: of NAT64 (RFC 6052), 6to4 (RFC 3056) and the
/// deprecated IPv4-compatible form.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
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
