//! A country's Internet exchange points as data: `exchanges.toml` of its folder.
use serde::Deserialize;
use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Prefix {
    network: IpAddr,
    length: u8,
}

/// An exchange point.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Short id, such as `cnx`.
    pub id: String,
    /// Name as people know it.
    pub name: String,
    /// Ranges of its peering LAN.
    pub prefixes: Vec<Prefix>,
    /// Its own autonomous systems (not its members').
    #[serde(default)]
    pub asns: Vec<u32>,
    /// Where the ranges were read.
    pub source: String,
    /// The day they were read.
    pub as_of: String,
}

/// The exchange points of a country, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchanges(Vec<Exchange>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exchange: Vec<Exchange>,
}

impl Exchanges {
    /// Reads `exchanges.toml`; the error names line and cause.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text).map(|File { exchange }| Self(exchange))
    }

    /// The exchange at which a router with this address and network stands.
    #[must_use]
    pub fn at(&self, address: IpAddr, asn: Option<u32>) -> Option<&Exchange> {
        let address = address.to_canonical();
        self.0.iter().find(|exchange| {
            exchange.prefixes.iter().any(|one| one.contains(address))
                || asn.is_some_and(|asn| exchange.asns.contains(&asn))
        })
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Prefix {
    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let unlike = network.to_bits() ^ address.to_bits();
                unlike.checked_shr(32 - u32::from(self.length)).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let unlike = network.to_bits() ^ address.to_bits();
                unlike
                    .checked_shr(128 - u32::from(self.length))
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no range such as 192.0.2.0/24 or 2001:db8::/32");
        let (network, length) = text.split_once('/').ok_or_else(wrong)?;
        let network: IpAddr = network.parse().map_err(|_| wrong())?;
        let length: u8 = length.parse().map_err(|_| wrong())?;
        let longest = if network.is_ipv4() { 32 } else { 128 };
        if length > longest {
            return Err(wrong());
        }
        Ok(Self { network, length })
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_built_in_list_names_its_sources() {
        let text = include_str!("../../../configs/countries/kh/exchanges.toml");
        let exchanges = Exchanges::parse(text).unwrap();
        let at = |address: &str| exchanges.at(address.parse().unwrap(), None);
        assert_eq!(at("103.7.144.77").unwrap().id, "cnx");
        assert_eq!(at("2001:de8:1d::9").unwrap().id, "cnx");
        assert_eq!(at("103.7.145.1"), None);
        assert!(
            exchanges
                .at("192.0.2.1".parse().unwrap(), Some(132_213))
                .is_some()
        );
        assert!(
            exchanges
                .0
                .iter()
                .all(|one| one.source.starts_with("https://"))
        );
    }

    #[test]
    fn a_country_without_known_exchanges_has_an_empty_file() {
        assert!(Exchanges::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_range_that_is_none_is_named() {
        let text =
            "[[exchange]]\nid='a'\nname='A'\nprefixes=['192.0.2.0/33']\nsource='x'\nas_of='x'\n";
        let error = Exchanges::parse(text).unwrap_err().to_string();
        assert!(error.contains("192.0.2.0/33"), "{error}");
    }

    proptest! {
        #[test]
        fn a_range_holds_exactly_what_shares_its_first_bits(network: u32, address: u32, length in 0u8..=32) {
            let ip = |bits: u32| IpAddr::from(std::net::Ipv4Addr::from_bits(bits));
            let prefix: Prefix = format!("{}/{length}", ip(network)).parse().unwrap();
            let first = |bits: u32| format!("{bits:032b}")[..usize::from(length)].to_owned();
            prop_assert_eq!(prefix.contains(ip(address)), first(network) == first(address));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-f:./]{0,40}", address: u128) {
            if let Ok(prefix) = text.parse::<Prefix>() {
                let _ = prefix.contains(std::net::Ipv6Addr::from_bits(address).into());
            }
        }
    }
}
