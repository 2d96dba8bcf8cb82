//! Tests of rules: what they share. [`Rig`] is a chain at the client's link, [`peer`] two TCP ends that
//! accept what a kernel would.
mod any;
mod conversation;
mod degrade;
mod divert;
mod dns;
mod endpoint;
mod flows;
mod keyword;
mod peer;
mod quic;
mod redirect;
mod routers;
mod sni;
mod throttle;

use super::{Chain, Cx, Outcome, Way};
use crate::packet::{Flow, Packet, craft};
use crate::scenario::model::{Host, Link, Middlebox, Place, Router, Rule};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// A chain with what it is given when a packet crosses.
pub(super) struct Rig {
    chain: Chain,
    rng: StdRng,
    pub(super) now_us: u64,
}

impl Rig {
    /// A chain of these rules behind the client's first router.
    pub(super) fn new(rules: &[Rule]) -> Self {
        Self::after_routers(rules, 1)
    }

    /// A chain of this rule that lets so many bytes of a flow pass first.
    pub(super) fn after_bytes(rule: &Rule, after_bytes: u64) -> Self {
        let middlebox = Middlebox {
            after_bytes,
            ..middlebox(rule, 1)
        };
        Self {
            chain: Chain::new(&[(10, middlebox)], &client()),
            ..Self::new(&[])
        }
    }

    /// A chain behind so many of the client's routers. Rules count from 10 in the scenario's list.
    pub(super) fn after_routers(rules: &[Rule], after_routers: u8) -> Self {
        let boxes: Vec<_> = rules
            .iter()
            .enumerate()
            .map(|(index, rule)| (10 + index, middlebox(rule, after_routers)))
            .collect();
        Self {
            chain: Chain::new(&boxes, &client()),
            rng: StdRng::seed_from_u64(1),
            now_us: 0,
        }
    }

    pub(super) fn cross(&mut self, packet: Packet, way: Way) -> Outcome {
        let mut cx = Cx {
            now_us: self.now_us,
            way,
            rng: &mut self.rng,
        };
        self.chain.cross(packet, &mut cx)
    }

    /// Asserts that a packet passes with every byte, at once and alone.
    pub(super) fn assert_passes(&mut self, packet: &Packet) {
        let outcome = self.cross(packet.clone(), Way::Up);
        assert_eq!(
            outcome,
            Outcome {
                forward: Some(packet.clone()),
                ..Outcome::default()
            }
        );
    }

    /// Asserts that a packet ends here by the first rule; what came in its place.
    pub(super) fn assert_ends(&mut self, packet: &Packet) -> Vec<Packet> {
        let outcome = self.cross(packet.clone(), Way::Up);
        assert_eq!(outcome.forward, None);
        assert_eq!(outcome.rule, Some(10));
        outcome.inject
    }
}

fn middlebox(rule: &Rule, after_routers: u8) -> Middlebox {
    Middlebox {
        on: "client".to_owned(),
        place: Place::Far,
        after_routers,
        after_bytes: 0,
        rule: rule.clone(),
    }
}

/// A client behind two routers; the second has no IPv6 address.
fn client() -> Host {
    Host {
        name: "client".to_owned(),
        addresses: vec!["10.1.0.2".parse().unwrap(), "fd00::2".parse().unwrap()],
        names: vec![],
        resolvers: vec![],
        routers: vec![
            router(&["10.1.0.1", "fd00::1"], false),
            router(&["10.2.0.1"], false),
        ],
        up: Link::default(),
        down: Link::default(),
        changes: vec![],
        unprivileged_icmp: false,
        congestion_control: None,
        vpn: false,
    }
}

pub(super) fn router(addresses: &[&str], silent: bool) -> Router {
    Router {
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        silent,
    }
}

/// Names as a scenario has them.
pub(super) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A datagram of this flow.
pub(super) fn datagram(flow: &Flow, payload: &[u8]) -> Packet {
    craft::udp(flow, payload).unwrap()
}
