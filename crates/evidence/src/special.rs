//! Addresses that are not on the public Internet: which may not be contacted, and which no public service can
//! have. One table, for whoever measures, whoever serves and whoever judges.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// True for an address that no public service can have, in whose place an answer gave it: what is special, but
/// for addresses under the prefix that providers of access use for a NAT64 of their own (RFC 8215), where
/// they lead to a public IPv4 address.
#[must_use]
pub fn is_bogon(address: IpAddr) -> bool {
    let translated = match address.to_canonical() {
        IpAddr::V6(v6) if matches!(v6.segments(), [0x0064, 0xff9b, 1, ..]) => local_nat64(v6),
        _ => None,
    };
    translated.map_or_else(|| is_special(address), is_special_v4)
}

/// The IPv4 address at the end of one under `64:ff9b:1::/48`, where its prefix is 96 bits long as a rule.
fn local_nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d] = *address.octets().last_chunk()?;
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

    #[test]
    fn what_an_internet_provider_translates_itself_is_special_and_no_bogon() {
        let of = |text: &str| {
            let address: IpAddr = text.parse().unwrap();
            (is_special(address), is_bogon(address))
        };
        assert_eq!(of("64:ff9b:1::5db8:d822"), (true, false));
        assert_eq!(of("64:ff9b:1::a00:1"), (true, true));
        assert_eq!(of("64:ff9b::5db8:d822"), (false, false));
        assert_eq!(of("10.0.0.1"), (true, true));
        assert_eq!(of("93.184.216.34"), (false, false));
    }
}
