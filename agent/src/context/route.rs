//! The routing tables of the kernel, `/proc/net/route` and `/proc/net/ipv6_route`.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Flag of a route that is in use (`RTF_UP`).
const UP: u32 = 0x1;
/// Flag of a route that refuses (`RTF_REJECT`): every offline IPv6 host has one as its default.
const REJECT: u32 = 0x200;

/// One route in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// Name of the interface.
    pub(super) interface: String,
    /// Destination network.
    pub(super) destination: IpAddr,
    /// Length of its prefix, bits.
    pub(super) prefix: u32,
    /// Next hop; unspecified on a directly connected network.
    pub(super) gateway: IpAddr,
    metric: u32,
}

/// Reads the IPv4 table; a line that is no route is skipped.
pub(super) fn parse_v4(text: &str) -> Vec<Route> {
    text.lines().filter_map(line_v4).collect()
}

/// Reads the IPv6 table; a line that is no route is skipped.
pub(super) fn parse_v6(text: &str) -> Vec<Route> {
    text.lines().filter_map(line_v6).collect()
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, addresses in the byte order of the
/// machine.
fn line_v4(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [
        interface,
        destination,
        gateway,
        flags,
        _,
        _,
        metric,
        mask,
        ..,
    ] = fields.as_slice()
    else {
        return None;
    };
    let address = |text: &str| {
        let number = u32::from_str_radix(text, 16).ok()?;
        Some(Ipv4Addr::from(number.to_ne_bytes()))
    };
    is_used(u32::from_str_radix(flags, 16).ok()?).then_some(Route {
        interface: (*interface).to_owned(),
        destination: address(destination)?.into(),
        prefix: address(mask)?.to_bits().count_ones(),
        gateway: address(gateway)?.into(),
        metric: metric.parse().ok()?,
    })
}

/// `destination prefix source prefix next-hop metric refcount use flags interface`, all in hex.
fn line_v6(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [
        destination,
        prefix,
        _,
        _,
        gateway,
        metric,
        _,
        _,
        flags,
        interface,
    ] = fields.as_slice()
    else {
        return None;
    };
    let address = |text: &str| {
        let number = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok())?;
        number.map(Ipv6Addr::from_bits)
    };
    is_used(u32::from_str_radix(flags, 16).ok()?).then_some(Route {
        interface: (*interface).to_owned(),
        destination: address(destination)?.into(),
        prefix: u32::from_str_radix(prefix, 16).ok()?,
        gateway: address(gateway)?.into(),
        metric: u32::from_str_radix(metric, 16).ok()?,
    })
}

fn is_used(flags: u32) -> bool {
    flags & UP != 0 && flags & REJECT == 0
}

impl Route {
    fn is_default(&self) -> bool {
        self.destination.is_unspecified() && self.prefix == 0 && self.interface != "lo"
    }
}

/// The default route that the kernel prefers.
pub(super) fn default_of(routes: &[Route]) -> Option<&Route> {
    let defaults = routes.iter().filter(|route| route.is_default());
    defaults.min_by_key(|route| route.metric)
}

/// Families with a default route, in the words of the record format.
pub(super) fn families(v4: &[Route], v6: &[Route]) -> &'static str {
    match (default_of(v4).is_some(), default_of(v6).is_some()) {
        (true, true) => "both",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "none",
    }
}
