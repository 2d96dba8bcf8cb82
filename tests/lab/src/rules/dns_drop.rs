//! Drops DNS questions over UDP.
use super::chain::PacketRule;
use super::dns_spoof::asked;
use super::names::Names;
use super::{Cx, Outcome};
use crate::packet::Packet;

pub(super) struct DnsDrop {
    names: Names,
}

impl DnsDrop {
    pub(super) fn new(names: &[String]) -> Self {
        Self {
            names: Names::new(names),
        }
    }
}

impl PacketRule for DnsDrop {
    fn meet(&mut self, packet: &Packet, _cx: &mut Cx<'_>) -> Option<Outcome> {
        let question = asked(packet)?;
        self.names
            .cover(&question.name)
            .then(|| Outcome::instead(Vec::new()))
    }
}
