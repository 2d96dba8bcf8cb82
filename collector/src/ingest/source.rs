//! Whose address a request comes from, and over what: the peer, or what a trusted proxy says.
//!
//! Only peers named in `trusted_proxies` are believed, and of what they forward only the part that
//! trusted ones wrote: the list is read from its end, past trusted addresses, to the first other.
use axum::http::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The other end of a connection, as the listener saw it.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether this program terminated TLS.
    pub tls: bool,
}

/// Where a request came from. In memory only; has no `Debug` so that it cannot be logged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The client's address; `None` when a trusted proxy does not tell.
    pub client: Option<IpAddr>,
    /// The peer's address, for limits when the client's is not known.
    pub peer: IpAddr,
    /// `collector`, `proxy` or `none`: who terminated TLS.
    pub tls: &'static str,
}

impl Source {
    /// The source of a request with these headers.
    #[must_use]
    pub fn of(peer: Peer, headers: &HeaderMap, trusted: &[Cidr]) -> Self {
        let address = peer.address.ip().to_canonical();
        let is_trusted = |address: IpAddr| trusted.iter().any(|cidr| cidr.contains(address));
        let own_tls = if peer.tls { "collector" } else { "none" };
        let direct = Self {
            client: Some(address),
            peer: address,
            tls: own_tls,
        };
        if !is_trusted(address) {
            return direct;
        }
        let Some((hops, proto)) = forwarded(headers) else {
            return direct;
        };
        let hop = hops
            .iter()
            .rev()
            .find(|hop| !hop.is_some_and(is_trusted))
            .or(hops.first());
        Self {
            client: hop.copied().flatten(),
            peer: address,
            tls: if proto.as_deref() == Some("https") {
                "proxy"
            } else {
                own_tls
            },
        }
    }
}

type Hops = Vec<Option<IpAddr>>;

/// The hops and the last hop's protocol: `Forwarded` (RFC 7239) if there is one, else the older
/// `X-Forwarded-For` and `X-Forwarded-Proto`. A hop that is not an address is `None`.
fn forwarded(headers: &HeaderMap) -> Option<(Hops, Option<String>)> {
    let all = |name: &str| -> Option<String> {
        let values = headers.get_all(name).iter();
        let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        (!texts.is_empty()).then(|| texts.join(","))
    };
    if let Some(text) = all("forwarded") {
        return Some(parse_forwarded(&text));
    }
    let hops = all("x-forwarded-for")?;
    let hops = hops.split(',').map(|hop| node(hop.trim())).collect();
    let proto = all("x-forwarded-proto").and_then(|text| last_of(&text));
    Some((hops, proto))
}

fn last_of(list: &str) -> Option<String> {
    let word = list.rsplit(',').next()?;
    Some(word.trim().to_ascii_lowercase())
}

/// `for=192.0.2.43;proto=https, for="[2001:db8::1]:4711"`: one element per hop.
fn parse_forwarded(text: &str) -> (Hops, Option<String>) {
    let mut proto = None;
    let mut hops = Vec::new();
    for element in split_outside_quotes(text, ',') {
        proto = None;
        let mut hop = None;
        for pair in split_outside_quotes(element, ';') {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop = node(value),
                "proto" => proto = Some(value.to_ascii_lowercase()),
                _ => {}
            }
        }
        hops.push(hop);
    }
    (hops, proto)
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut in_quotes = false;
    text.split(|c: char| {
        in_quotes ^= c == '"';
        c == separator && !in_quotes
    })
    .collect()
}

/// A node of RFC 7239 section 6: an address, with or without port; `unknown` and obfuscated names
/// are none.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// A block of addresses, such as `10.0.0.0/8`; an address alone is a block of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    bits: u32,
}

/// Text that is not a block of addresses.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not an address or a block such as 10.0.0.0/8")]
pub struct NotACidr(String);

impl FromStr for Cidr {
    type Err = NotACidr;

    fn from_str(text: &str) -> Result<Self, NotACidr> {
        let wrong = || NotACidr(text.to_owned());
        let (network, bits) = match text.split_once('/') {
            Some((network, bits)) => (network, Some(bits)),
            None => (text, None),
        };
        let network: IpAddr = network.trim().parse().map_err(|_| wrong())?;
        let width = if network.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.trim().parse().map_err(|_| wrong())?,
            None => width,
        };
        if bits > width {
            return Err(wrong());
        }
        Ok(Self { network, bits })
    }
}

impl Cidr {
    /// True when the address lies in the block.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let shift = width - self.bits;
            a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
        };
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same(network.to_bits().into(), address.to_bits().into(), 32)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same(network.to_bits(), address.to_bits(), 128)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(peer: &str, headers: &[(&'static str, &str)]) -> (Option<String>, &'static str) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let peer = Peer {
            address: SocketAddr::new(peer.parse().unwrap(), 9),
            tls: false,
        };
        let source = Source::of(peer, &map, &trusted);
        (source.client.map(|address| address.to_string()), source.tls)
    }

    #[test]
    fn a_stranger_cannot_claim_another_address() {
        let headers = [("forwarded", "for=203.0.113.9;proto=https")];
        let found = client("198.51.100.1", &headers);
        assert_eq!(found, (Some("198.51.100.1".into()), "none"));
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_what_its_client_wrote_is_not() {
        let headers = [("forwarded", "for=1.2.3.4, for=203.0.113.9;proto=https")];
        let found = client("10.0.0.1", &headers);
        assert_eq!(found, (Some("203.0.113.9".into()), "proxy"));
        let found = client(
            "10.0.0.1",
            &[("x-forwarded-for", "1.2.3.4, 203.0.113.9, 10.0.0.7")],
        );
        assert_eq!(found, (Some("203.0.113.9".into()), "none"));
    }

    #[test]
    fn ports_brackets_and_quotes_are_read() {
        let found = client("::1", &[("forwarded", r#"For="[2001:db8::17]:4711""#)]);
        assert_eq!(found.0.as_deref(), Some("2001:db8::17"));
        let found = client("::1", &[("x-forwarded-for", "203.0.113.9:80")]);
        assert_eq!(found.0.as_deref(), Some("203.0.113.9"));
    }

    #[test]
    fn a_hidden_client_has_no_address_rather_than_the_proxys() {
        assert_eq!(client("10.0.0.1", &[("forwarded", "for=unknown")]).0, None);
        assert_eq!(client("10.0.0.1", &[("forwarded", "for=_secret")]).0, None);
    }

    #[test]
    fn blocks_are_read_and_compared() {
        let block: Cidr = "192.0.2.0/24".parse().unwrap();
        assert!(block.contains("192.0.2.255".parse().unwrap()));
        assert!(block.contains("::ffff:192.0.2.1".parse().unwrap()));
        assert!(!block.contains("192.0.3.0".parse().unwrap()));
        assert!(
            "0.0.0.0/0"
                .parse::<Cidr>()
                .unwrap()
                .contains("8.8.8.8".parse().unwrap())
        );
        assert!(
            "::/0"
                .parse::<Cidr>()
                .unwrap()
                .contains("::1".parse().unwrap())
        );
        assert!("192.0.2.0/33".parse::<Cidr>().is_err());
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "[ -~]{0,120}") {
            let _ = parse_forwarded(&text);
            let _ = node(&text);
            let _ = text.parse::<Cidr>();
        }

        #[test]
        fn the_last_hop_written_by_the_proxy_wins(a: [u8; 4], forged in "[ -!#-~]{0,40}") {
            let address = IpAddr::from(a);
            prop_assume!(a[0] != 10);
            let found = client("10.0.0.1", &[("forwarded", &format!("{forged}, for={address}"))]);
            prop_assert_eq!(found.0, Some(address.to_string()));
        }
    }
}
