//! Packets that a middlebox, a router or a test makes, with all checksums right.
mod icmp;
mod tcp;
mod udp;

pub use icmp::{Complaint, complain};
pub use tcp::{
    FORGED_WINDOW, Segment, reset_to_receiver, reset_to_sender, reset_to_sender_at, tcp,
};
pub use udp::{udp, udp_reply};

use super::flow::{Flow, Pair};
use super::{Packet, layout};
use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep};

/// TTL of everything that is made here: what Linux begins with.
const TTL: u8 = 64;

/// The IP header of a packet of this flow.
fn ip(flow: &Flow) -> PacketBuilderStep<IpHeaders> {
    match flow.pair {
        Pair::V4(from, to) => PacketBuilder::ipv4(from.ip().octets(), to.ip().octets(), TTL),
        Pair::V6(from, to) => PacketBuilder::ipv6(from.ip().octets(), to.ip().octets(), TTL),
    }
}

/// What a builder wrote, as a packet.
fn packet(bytes: Vec<u8>) -> Packet {
    let layout = layout::read(&bytes).expect("a builder writes whole headers");
    Packet { bytes, layout }
}
