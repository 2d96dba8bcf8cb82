//! On which side of the border a router stands, as far as tables and its round trip tell.
use super::way::Router;
use crate::analysis::exchanges::Exchanges;
use std::net::IpAddr;
use tonle_evidence::country::Country;

/// Least growth of the round-trip time towards a router that cannot be in this country, microseconds:
/// light in fibre goes some 300 km there and back meanwhile. The device's own search for the border
/// uses the same.
pub(super) const FAR_US: i64 = 3_000;

/// What a network table knows of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registered {
    /// Autonomous system that announces it.
    pub asn: Option<u32>,
    /// ISO 3166-1 code under which it is registered: of whoever holds it, not of where it stands.
    pub country: Option<String>,
}

/// What the rules refer to.
pub struct Atlas<'a> {
    /// Clock and operators.
    pub country: &'a Country,
    /// Its exchange points.
    pub exchanges: &'a Exchanges,
    /// The network table.
    pub lookup: &'a dyn Fn(IpAddr) -> Registered,
}

/// Whose a router is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Side {
    /// The operator's of the volunteer's line.
    Own,
    /// On the peering LAN of this exchange.
    Exchange(String),
    /// Another network's of this country.
    Home,
    /// A network's that is registered elsewhere.
    Foreign,
    /// No table knows.
    Unmapped,
}

/// A router with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) router: Router,
    pub(super) asn: Option<u32>,
    pub(super) side: Side,
    /// A foreign network's router, and nothing shows that it stands in this country.
    pub(super) is_abroad: bool,
}

impl Atlas<'_> {
    /// Locates the routers of a way that began in the network `access`.
    pub(super) fn locate(&self, routers: &[Router], access: &[u32]) -> Vec<Located> {
        let least_us = least_from_here_on(routers);
        let mut here_us = None;
        let mut located = Vec::new();
        for (router, least_us) in routers.iter().zip(least_us) {
            let (asn, side) = self.side(router.address, access);
            let is_near = here_us.is_some_and(|here_us| least_us - here_us < FAR_US);
            let is_abroad = side == Side::Foreign && !is_near;
            if matches!(side, Side::Own | Side::Exchange(_) | Side::Home) {
                here_us = Some(least_us);
            }
            located.push(Located {
                router: *router,
                asn,
                side,
                is_abroad,
            });
        }
        located
    }

    fn side(&self, address: IpAddr, access: &[u32]) -> (Option<u32>, Side) {
        let Registered { asn, country } = (self.lookup)(address);
        let side = if let Some(exchange) = self.exchanges.at(address, asn) {
            Side::Exchange(exchange.id.clone())
        } else if asn.is_some_and(|asn| access.contains(&asn)) {
            Side::Own
        } else if asn.is_some_and(|asn| self.country.operator_of(asn).is_some()) {
            Side::Home
        } else {
            match country {
                Some(code) if code == self.country.code => Side::Home,
                Some(_) => Side::Foreign,
                None => Side::Unmapped,
            }
        };
        (asn, side)
    }
}

/// For each router the smallest round trip to it or to anything behind it: what answers from farther
/// away at once passed it at once.
fn least_from_here_on(routers: &[Router]) -> Vec<i64> {
    let mut least_us = i64::MAX;
    let mut all: Vec<i64> = routers
        .iter()
        .rev()
        .map(|router| {
            least_us = least_us.min(router.rtt_us);
            least_us
        })
        .collect();
    all.reverse();
    all
}
