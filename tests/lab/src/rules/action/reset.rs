//! Resets a TCP connection at one end or at both; its packets end here from then on.
//!
//! Every later packet is answered again, as an end that still sends has not taken its reset.
use crate::packet::{Flags, Packet, Transport, craft};
use crate::rules::Outcome;
use crate::rules::flows::{End, Seen, is_before};
use crate::scenario::model::Ends;

/// None: the packet passes, because the end that shall be reset has no connection yet.
pub(super) fn reset(packet: &Packet, seen: &Seen<'_>, ends: Ends) -> Option<Outcome> {
    if ends == Ends::Server && opens(packet) {
        return None;
    }
    let mut forged = Vec::new();
    if includes(ends, seen.sender) {
        forged.extend(craft::reset_to_sender(packet));
        forged.extend(reset_behind_what_is_on_its_way(packet, seen));
    }
    let receiver = match seen.sender {
        End::Client => End::Server,
        End::Server => End::Client,
    };
    if includes(ends, receiver) {
        forged.extend(craft::reset_to_receiver(packet));
    }
    Some(Outcome::instead(forged))
}

/// What went to the sender after it sent this packet arrives before the reset does: another reset in
/// its numbers.
fn reset_behind_what_is_on_its_way(packet: &Packet, seen: &Seen<'_>) -> Option<Packet> {
    let Transport::Tcp(segment) = packet.transport() else {
        return None;
    };
    let passed = seen.passed_to_sender?;
    if !segment.flags.has(Flags::ACK) || !is_before(segment.ack, passed) {
        return None;
    }
    craft::reset_to_sender_at(packet, passed)
}

fn includes(ends: Ends, end: End) -> bool {
    match ends {
        Ends::Both => true,
        Ends::Client => end == End::Client,
        Ends::Server => end == End::Server,
    }
}

fn opens(packet: &Packet) -> bool {
    matches!(packet.transport(), Transport::Tcp(segment) if segment.flags.has(Flags::SYN))
}
