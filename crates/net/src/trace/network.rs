//! Ranges of addresses: the device's own networks, and the range that an address is written as.
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;
use socket2::Socket;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Length of the prefix that stands for a network, bits: an operator's smallest announcement of
/// IPv4, and what a home gets of IPv6 (RFC 6177) at the most.
const PREFIX_V4: u8 = 24;
const PREFIX_V6: u8 = 48;

/// A range of addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl std::fmt::Debug for Network {
    /// Leaves out the address: most are the volunteer's.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Network(…/{})", self.prefix)
    }
}

impl Network {
    /// The network around an address of prefix `prefix`, at least as wide as a /24 or a /48.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let address = address.to_canonical();
        Self {
            address,
            prefix: prefix.min(widest(address)),
        }
    }

    /// Whether the address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let other = address.to_canonical();
        self.address.is_ipv4() == other.is_ipv4()
            && masked(self.address, self.prefix) == masked(other, self.prefix)
    }
}

/// The networks that the device is part of, besides loopback.
#[must_use]
pub fn own_networks() -> Vec<Network> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    interfaces
        .filter_map(|interface| {
            let address = ip_of(interface.address.as_ref()?)?;
            let prefix = interface.netmask.as_ref().and_then(ip_of).map(ones);
            let prefix = prefix.unwrap_or_else(|| widest(address));
            (!address.is_loopback()).then(|| Network::around(address, prefix))
        })
        .collect()
}

/// The /24 or /48 around an address, as text.
#[must_use]
pub fn range_of(address: IpAddr) -> String {
    let address = address.to_canonical();
    let prefix = widest(address);
    format!("{}/{prefix}", masked(address, prefix))
}

/// Sets the TTL or hop limit of what a socket sends to `target`.
pub(crate) fn set_ttl(socket: &Socket, target: IpAddr, ttl: u8) -> io::Result<()> {
    match target {
        IpAddr::V4(_) => socket.set_ttl_v4(ttl.into()),
        IpAddr::V6(_) => socket.set_unicast_hops_v6(ttl.into()),
    }
}

fn widest(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => PREFIX_V4,
        IpAddr::V6(_) => PREFIX_V6,
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

fn ones(mask: IpAddr) -> u8 {
    let ones = match mask {
        IpAddr::V4(v4) => v4.to_bits().count_ones(),
        IpAddr::V6(v6) => v6.to_bits().count_ones(),
    };
    u8::try_from(ones).expect("at most 128")
}

fn ip_of(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| v6.ip().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_at_least_a_24_or_a_48() {
        let one = Network::around("203.0.113.9".parse().unwrap(), 32);
        assert!(one.contains("203.0.113.200".parse().unwrap()));
        assert!(one.contains("::ffff:203.0.113.1".parse().unwrap()));
        assert!(!one.contains("203.0.114.9".parse().unwrap()));
        assert!(!one.contains("::1".parse().unwrap()));
        let wide = Network::around("203.0.113.9".parse().unwrap(), 16);
        assert!(wide.contains("203.0.1.1".parse().unwrap()));
        let everything = Network::around("203.0.113.9".parse().unwrap(), 0);
        assert!(everything.contains("1.1.1.1".parse().unwrap()));
        let v6 = Network::around("2001:db8:1:2::3".parse().unwrap(), 64);
        assert!(v6.contains("2001:db8:1:ffff::".parse().unwrap()));
        assert!(!v6.contains("2001:db8:2::".parse().unwrap()));
    }

    #[test]
    fn a_range_is_written_by_its_first_address() {
        assert_eq!(range_of("203.0.113.9".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(
            range_of("2001:db8:1:2::3".parse().unwrap()),
            "2001:db8:1::/48"
        );
    }
}
