//! ICMP and ICMPv6 errors about a packet, with the packet quoted.
//!
//! Sources: RFC 792, RFC 1191 section 4 (MTU), RFC 1812 sections 4.3.2.3 (how much is quoted), 4.3.2.7
//! (when to say nothing) and 5.2.7.1 (code 13), RFC 4443 sections 2.4, 3.1, 3.2 and 3.3.
use super::super::{Flow, Fragment, Packet, Transport, protocol};
use super::{ip, packet};
use std::net::{IpAddr, SocketAddr};

/// Longest ICMP error for IPv4, bytes (RFC 1812 section 4.3.2.3).
const IPV4_ERROR_MAX_BYTES: usize = 576;
/// Longest ICMPv6 error, bytes: the least MTU of IPv6 (RFC 4443 section 2.4 c).
const IPV6_ERROR_MAX_BYTES: usize = 1280;
/// IPv4 header and ICMP header, bytes.
const IPV4_OVERHEAD_BYTES: usize = 28;
/// IPv6 header and ICMPv6 header, bytes.
const IPV6_OVERHEAD_BYTES: usize = 48;

/// What a router or a middlebox complains about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// The TTL ended: 11/0, ICMPv6 3/0.
    TimeExceeded,
    /// Communication administratively prohibited: 3/13, ICMPv6 1/1.
    Prohibited,
    /// Larger than this many bytes: fragmentation needed 3/4, ICMPv6 packet too big 2/0.
    TooBig(u16),
}

/// An ICMP error to the sender of a packet. None: `from` is of another family, or the packet is one
/// that nobody may complain about (an ICMP error, a later fragment, to or from no single host).
#[must_use]
pub fn complain(about: &Packet, from: IpAddr, complaint: Complaint) -> Option<Packet> {
    if !may_be_answered(about) {
        return None;
    }
    let ends = (SocketAddr::new(from, 0), SocketAddr::new(about.source(), 0));
    let mut bytes = Vec::new();
    let written = if from.is_ipv4() {
        let flow = Flow::new(ends.0, ends.1, protocol::ICMP)?;
        let (kind, code, rest) = ipv4_form(complaint);
        ip(&flow).icmpv4_raw(kind, code, rest).write_to_vec(
            &mut bytes,
            quoted(about, IPV4_ERROR_MAX_BYTES - IPV4_OVERHEAD_BYTES),
        )
    } else {
        let flow = Flow::new(ends.0, ends.1, protocol::ICMPV6)?;
        let (kind, code, rest) = ipv6_form(complaint);
        ip(&flow).icmpv6_raw(kind, code, rest).write_to_vec(
            &mut bytes,
            quoted(about, IPV6_ERROR_MAX_BYTES - IPV6_OVERHEAD_BYTES),
        )
    };
    written.ok()?;
    Some(packet(bytes))
}

/// (type, code, bytes 5 to 8).
fn ipv4_form(complaint: Complaint) -> (u8, u8, [u8; 4]) {
    match complaint {
        Complaint::TimeExceeded => (11, 0, [0; 4]),
        Complaint::Prohibited => (3, 13, [0; 4]),
        Complaint::TooBig(mtu) => {
            let [high, low] = mtu.to_be_bytes();
            (3, 4, [0, 0, high, low])
        }
    }
}

/// (type, code, bytes 5 to 8).
fn ipv6_form(complaint: Complaint) -> (u8, u8, [u8; 4]) {
    match complaint {
        Complaint::TimeExceeded => (3, 0, [0; 4]),
        Complaint::Prohibited => (1, 1, [0; 4]),
        Complaint::TooBig(mtu) => (2, 0, u32::from(mtu).to_be_bytes()),
    }
}

fn quoted(packet: &Packet, max_bytes: usize) -> &[u8] {
    let bytes = packet.bytes();
    &bytes[..bytes.len().min(max_bytes)]
}

fn may_be_answered(packet: &Packet) -> bool {
    let one_host = |address: IpAddr| {
        let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
        !(address.is_multicast() || address.is_unspecified() || broadcast)
    };
    packet.fragment() != Fragment::Later
        && one_host(packet.source())
        && one_host(packet.destination())
        && !is_error(packet)
}

/// An ICMP error, by its type: unreachable, source quench, redirect, time exceeded and parameter
/// problem; in ICMPv6 everything below 128, and redirects.
fn is_error(packet: &Packet) -> bool {
    match (packet.protocol(), packet.transport()) {
        (protocol::ICMP, Transport::Icmp(message)) => {
            matches!(message.kind, 3 | 4 | 5 | 11 | 12)
        }
        (protocol::ICMPV6, Transport::Icmp(message)) => message.kind < 128 || message.kind == 137,
        _ => false,
    }
}
