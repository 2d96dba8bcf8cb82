//! What of a way may be written: nothing of the volunteer's side. Pure.
//!
//! A hop is hidden when
//! 1. it is the first: the volunteer's own router, or the operator's port for this very line;
//! 2. its address is not on the public Internet: private, shared (CGNAT), link-local and the like;
//! 3. it lies in a network of this device, by the interface's own prefix and at least a /24 of IPv4
//!    or a /48 of IPv6.
//!
//! So everything before the first public hop is hidden. What remains are routers of operators, which
//! the way of every other customer shows as well.
use std::net::IpAddr;
use tonle_evidence::special::is_special;
use tonle_net::trace::Network;

/// Hides the volunteer's side of one way.
#[derive(Debug)]
pub struct Veil {
    own: Vec<Network>,
}

impl Veil {
    /// A veil over these networks and what the rules say besides.
    #[must_use]
    pub fn new(own: Vec<Network>) -> Self {
        Self { own }
    }

    /// Whether an answer from this address at this TTL may be written.
    #[must_use]
    pub fn shows(&self, ttl: u8, from: IpAddr) -> bool {
        let is_own = self.own.iter().any(|network| network.contains(from));
        ttl > 1 && !is_special(from) && !is_own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_volunteers_side_is_shown() {
        let own = ["36.37.1.20", "2400:1234:5::7"].map(|own| {
            let own: IpAddr = own.parse().unwrap();
            Network::around(own, if own.is_ipv4() { 30 } else { 64 })
        });
        let veil = Veil::new(own.to_vec());
        for (ttl, from, shown) in [
            (1, "1.1.1.1", false),
            (2, "1.1.1.1", true),
            (2, "192.168.1.1", false),
            (3, "10.1.2.3", false),
            (4, "100.64.0.1", false),
            (9, "169.254.1.1", false),
            (2, "36.37.1.1", false),
            (2, "36.37.2.1", true),
            (2, "fe80::1", false),
            (2, "fd00::1", false),
            (2, "2400:1234:5:ffff::1", false),
            (3, "2400:1234:6::1", true),
        ] {
            assert_eq!(
                veil.shows(ttl, from.parse().unwrap()),
                shown,
                "{ttl} {from}"
            );
        }
    }
}
