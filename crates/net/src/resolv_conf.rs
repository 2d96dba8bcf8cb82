//! The resolvers that the device uses, from the text of `resolv.conf`.
//!
//! Only `nameserver` lines are read: search lists and options would let the system change the
//! question. An address may carry a port in the form `[address]:port` (as OpenBSD writes it), so
//! that laboratories can give resolvers of their own.
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::{Path, PathBuf};

/// Port of DNS.
const DNS_PORT: u16 = 53;
/// More resolvers than this are ignored, as the C library does (MAXNS of resolv.h).
const RESOLVERS_MAX: usize = 3;

/// Why the list of resolvers cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read resolvers from {0}: {1}")]
pub struct ResolvConfError(PathBuf, std::io::Error);

/// Where a resolver stands, as far as its address tells. Of the first two only the kind may be
/// written, never the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolverKind {
    /// A stub on this device: its own upstream is not visible.
    Loopback,
    /// On the volunteer's own network, usually the home router.
    Lan,
    /// On the Internet.
    Public,
}

/// Reads the file at `path`.
pub fn read(path: &Path) -> Result<Vec<SocketAddr>, ResolvConfError> {
    let text = std::fs::read(path).map_err(|error| ResolvConfError(path.to_owned(), error))?;
    Ok(parse(&String::from_utf8_lossy(&text), interface_index))
}

/// The resolvers named in `text`, in order, without repetitions. A link-local address is kept only
/// when `interface_index` knows its interface. Lines that cannot be read are skipped, as every
/// system resolver does.
#[must_use]
pub fn parse(text: &str, interface_index: impl Fn(&str) -> Option<u32>) -> Vec<SocketAddr> {
    let mut resolvers = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        let Some(resolver) = words
            .next()
            .and_then(|word| resolver(word, &interface_index))
        else {
            continue;
        };
        if !resolvers.contains(&resolver) && resolvers.len() < RESOLVERS_MAX {
            resolvers.push(resolver);
        }
    }
    resolvers
}

/// Where the resolver stands.
#[must_use]
pub fn kind(resolver: IpAddr) -> ResolverKind {
    let resolver = resolver.to_canonical();
    if resolver.is_loopback() || resolver.is_unspecified() {
        ResolverKind::Loopback
    } else if tonle_evidence::special::is_special(resolver) {
        ResolverKind::Lan
    } else {
        ResolverKind::Public
    }
}

fn resolver(word: &str, interface_index: &impl Fn(&str) -> Option<u32>) -> Option<SocketAddr> {
    let (address, port) = match word.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, port.strip_prefix(':')?.parse().ok()?),
        None => (word, DNS_PORT),
    };
    if let Ok(ip) = address.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, port));
    }
    let (ip, interface) = address.split_once('%')?;
    let ip: Ipv6Addr = ip.parse().ok()?;
    let scope = interface
        .parse()
        .ok()
        .or_else(|| interface_index(interface))?;
    Some(SocketAddrV6::new(ip, port, 0, scope).into())
}

/// The kernel's number of an interface.
fn interface_index(interface: &str) -> Option<u32> {
    if interface.contains('/') {
        return None;
    }
    let path = Path::new("/sys/class/net").join(interface).join("ifindex");
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Vec<String> {
        parse(text, |name| (name == "wlan0").then_some(7))
            .iter()
            .map(SocketAddr::to_string)
            .collect()
    }

    #[test]
    fn nameserver_lines_are_read_in_order() {
        let text = "# comment\n; comment\nsearch lan\nnameserver 192.168.1.1\n  nameserver\t1.1.1.1 # router\noptions edns0\n";
        assert_eq!(parsed(text), ["192.168.1.1:53", "1.1.1.1:53"]);
    }

    #[test]
    fn a_port_may_be_given_in_brackets() {
        assert_eq!(
            parsed("nameserver [127.0.0.1]:5353\nnameserver [::1]:54"),
            ["127.0.0.1:5353", "[::1]:54"]
        );
    }

    #[test]
    fn a_link_local_resolver_needs_its_interface() {
        assert_eq!(
            parsed("nameserver fe80::1%wlan0\nnameserver fe80::2%nowhere"),
            ["[fe80::1%7]:53"]
        );
    }

    #[test]
    fn repetitions_and_a_fourth_resolver_are_ignored() {
        let text = "nameserver 1.1.1.1\nnameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4";
        assert_eq!(parsed(text), ["1.1.1.1:53", "2.2.2.2:53", "3.3.3.3:53"]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nonexistent/resolv.conf")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/resolv.conf"));
    }

    #[test]
    fn a_stub_on_the_device_is_told_from_the_router_and_the_internet() {
        assert_eq!(kind("127.0.0.53".parse().unwrap()), ResolverKind::Loopback);
        assert_eq!(kind("192.168.0.1".parse().unwrap()), ResolverKind::Lan);
        assert_eq!(kind("8.8.8.8".parse().unwrap()), ResolverKind::Public);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s).{0,200}") {
            prop_assert!(parse(&text, |_| Some(1)).len() <= RESOLVERS_MAX);
        }

        #[test]
        fn any_nameserver_word_is_read_without_panic(word in "[\\[\\]0-9a-f:.%]{0,40}") {
            let _ = parse(&format!("nameserver {word}"), |_| None);
        }
    }
}
