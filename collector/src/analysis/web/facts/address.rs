//! An address of an answer, and which addresses no public service can have.
use std::net::{IpAddr, Ipv4Addr};
use tonle_evidence::special;

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

    /// True for text that is no address and for one that no public service can have.
    #[must_use]
    pub fn is_bogon(&self) -> bool {
        self.ip.is_none_or(special::is_bogon)
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
        for text in [
            "93.184.216.34",
            "2606:4700::1",
            "64:ff9b::5db8:d822",
            "64:ff9b:1::5db8:d822",
        ] {
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
