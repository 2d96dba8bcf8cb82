//! Answers DNS questions over UDP with a forgery, in place of the resolver asked or before it.
use super::chain::PacketRule;
use super::names::Names;
use super::{Cx, Outcome};
use crate::packet::dns::{self, Answer, Question};
use crate::packet::{Packet, Transport, craft};
use crate::scenario::model::DnsFailure;
use rand::RngExt;
use std::net::IpAddr;

pub(super) struct DnsSpoof {
    names: Names,
    addresses: Vec<IpAddr>,
    failure: Option<DnsFailure>,
    race: bool,
    chance_permille: Option<u16>,
}

impl DnsSpoof {
    pub(super) fn new(
        names: &[String],
        addresses: &[IpAddr],
        failure: Option<DnsFailure>,
        race: bool,
    ) -> Self {
        Self {
            names: Names::new(names),
            addresses: addresses.to_vec(),
            failure,
            race,
            chance_permille: None,
        }
    }

    /// Only so many questions in a thousand; none: all.
    pub(super) fn by_chance(self, chance_permille: Option<u16>) -> Self {
        Self {
            chance_permille,
            ..self
        }
    }

    /// What the forgery says; none: nothing at all.
    fn answer(&self) -> Option<Answer<'_>> {
        match self.failure {
            None => Some(Answer::Addresses(&self.addresses)),
            Some(DnsFailure::Nxdomain) => Some(Answer::Nxdomain),
            Some(DnsFailure::Servfail) => Some(Answer::Servfail),
            Some(DnsFailure::Refused) => Some(Answer::Refused),
            Some(DnsFailure::Silence) => None,
        }
    }
}

impl PacketRule for DnsSpoof {
    fn meet(&mut self, packet: &Packet, cx: &mut Cx<'_>) -> Option<Outcome> {
        let question = asked(packet)?;
        if !self.names.cover(&question.name) {
            return None;
        }
        let chance = self.chance_permille;
        if chance.is_some_and(|permille| cx.rng.random_range(0..1000) >= permille) {
            return None;
        }
        let forged = self
            .answer()
            .and_then(|answer| dns::answer(&question, answer))
            .and_then(|payload| craft::udp_reply(packet, &payload));
        Some(Outcome {
            forward: self.race.then(|| packet.clone()),
            ..Outcome::instead(Vec::from_iter(forged))
        })
    }
}

/// The question in a packet to a resolver over UDP.
pub(super) fn asked(packet: &Packet) -> Option<Question> {
    match packet.transport() {
        Transport::Udp(datagram) if datagram.destination_port == dns::PORT => {
            dns::question(datagram.payload)
        }
        _ => None,
    }
}
