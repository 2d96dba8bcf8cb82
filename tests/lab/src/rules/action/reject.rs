//! Answers the one who opened a flow with ICMP, administratively prohibited; drops everything.
//!
//! The answer comes from the router before the middlebox, or, where there is none, from the address
//! that the packet was for.
use crate::packet::Packet;
use crate::packet::craft::{Complaint, complain};
use crate::rules::Outcome;
use crate::rules::flows::End;
use crate::rules::routers::address_for;
use std::net::IpAddr;

pub(super) fn reject(packet: &Packet, sender: End, own: &[IpAddr]) -> Outcome {
    if sender == End::Server {
        return Outcome::instead(Vec::new());
    }
    let from = address_for(packet, own).unwrap_or_else(|| packet.destination());
    let answer = complain(packet, from, Complaint::Prohibited);
    Outcome::instead(Vec::from_iter(answer))
}
