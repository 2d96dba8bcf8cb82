//! An address of an answer, and which addresses no public service can have.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as the source writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// As written. In our own records an address of the volunteer's side is written `lan`, and one
    /// of the device `loopback`, which is read as `127.0.0.1`.
    pub text: String,
    /// As an address; none for text that is none.
    pub ip: Option<IpAddr>,
    /// Its autonomous system, where known.
    pub asn: Option<u32>,
}

impl Address {
    /// Reads an address. `asn` of 0 is not known.
    #[must_use]
    pub fn new(text: &str, asn: Option<i64>) -> Self {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let (bare, ip) = match bare {
            "loopback" => ("127.0.0.1", Some(Ipv4Addr::LOCALHOST.into())),
            other => (other, other.parse::<IpAddr>().ok()),
        };
        Self {
            text: bare.to_owned(),
            ip,
            asn: asn
                .and_then(|asn| u32::try_from(asn).ok())
                .filter(|asn| *asn > 0),
        }
    }

    /// True for text that is no address and for ranges that no public service can have (the
    /// special-purpose registries of RFC 6890).
    #[must_use]
    pub fn is_bogon(&self) -> bool {
        self.ip.is_none_or(|ip| is_special(ip.to_canonical()))
    }

    /// True for the device itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.ip.is_some_and(|ip| ip.to_canonical().is_loopback())
    }

    /// True for IPv6.
    #[must_use]
    pub fn is_v6(&self) -> bool {
        self.ip.is_some_and(|ip| ip.to_canonical().is_ipv6())
    }
}

fn is_special(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_special_v4(v4),
        IpAddr::V6(v6) => is_special_v6(v6),
    }
}

fn is_special_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || a == 0
        || a >= 224 // multicast, reserved, broadcast
        || (a == 100 && (64..128).contains(&b)) // shared
        || (a == 198 && (18..20).contains(&b)) // benchmarking
        || (a == 192 && b == 0 && c == 0)
}

/// Addresses behind NAT64 (`64:ff9b::/96`, RFC 6052) lead to public ones and are none of these.
fn is_special_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    v6.is_unspecified()
        || v6.is_loopback()
        || v6.is_multicast()
        || (a & 0xfe00) == 0xfc00 // unique local
        || (a & 0xffc0) == 0xfe80 // link local
        || (a & 0xffc0) == 0xfec0 // site local
        || (a == 0x2001 && b == 0x0db8) // documentation
        || (a == 0x3fff && b < 0x1000) // documentation
        || (a == 0x2001 && (b == 0 || b == 2)) // Teredo, benchmarking
        || a == 0x0100 // discard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_no_public_service_can_have_are_bogons() {
        for text in [
            "10.10.34.35",
            "127.0.0.1",
            "100.64.0.1",
            "169.254.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:10.0.0.1",
            "lan",
            "loopback",
            "",
            "example.org",
        ] {
            assert!(Address::new(text, None).is_bogon(), "{text}");
        }
        for text in ["93.184.216.34", "2606:4700::1", "64:ff9b::5db8:d822"] {
            assert!(!Address::new(text, None).is_bogon(), "{text}");
        }
    }

    #[test]
    fn a_system_of_zero_is_not_known() {
        assert_eq!(Address::new("1.1.1.1", Some(0)).asn, None);
        assert_eq!(Address::new("1.1.1.1", Some(13_335)).asn, Some(13_335));
        assert_eq!(Address::new("1.1.1.1", Some(-1)).asn, None);
    }
}
