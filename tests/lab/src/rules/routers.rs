//! What routers answer about packets that they do not forward.
use crate::packet::Packet;
use crate::packet::craft::{Complaint, complain};
use crate::scenario::model::Router;
use std::net::IpAddr;

/// The answer of a router at which the packet's TTL ended, from its address of the packet's family.
/// None: the router is silent, has no such address, or the packet must not be answered.
#[must_use]
pub fn time_exceeded(packet: &Packet, router: &Router) -> Option<Packet> {
    if router.silent {
        return None;
    }
    let from = address_for(packet, &router.addresses)?;
    complain(packet, from, Complaint::TimeExceeded)
}

/// The answer to a packet that is longer than `mtu` bytes: fragmentation needed, or packet too big.
/// None: an IPv4 packet that may be cut, or one that must not be answered.
#[must_use]
pub fn packet_too_big(packet: &Packet, mtu: u16, from: IpAddr) -> Option<Packet> {
    if !packet.dont_fragment() {
        return None;
    }
    complain(packet, from, Complaint::TooBig(mtu))
}

/// The first of these addresses that is of the packet's family.
pub(super) fn address_for(packet: &Packet, addresses: &[IpAddr]) -> Option<IpAddr> {
    let family = packet.source().is_ipv4();
    addresses
        .iter()
        .copied()
        .find(|address| address.is_ipv4() == family)
}
