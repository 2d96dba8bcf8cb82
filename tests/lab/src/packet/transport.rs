//! What an IP packet carries, as a view into it.
//!
//! Sources: RFC 9293 section 3.1 (TCP), RFC 768 (UDP), RFC 792 and RFC 4443 (ICMP).
use etherparse::{TcpSlice, UdpSlice};
use std::ops::BitOr;

/// IANA protocol numbers.
pub mod protocol {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
}

/// The transport header of a packet and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport<'a> {
    /// A TCP segment.
    Tcp(Tcp<'a>),
    /// A UDP datagram.
    Udp(Udp<'a>),
    /// An ICMP or ICMPv6 message.
    Icmp(Icmp<'a>),
    /// Something else, with its protocol number: unknown, cut short, or a later fragment.
    Other(u8),
}

/// A TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp<'a> {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; means something only with [`Flags::ACK`].
    pub ack: u32,
    /// Control bits.
    pub flags: Flags,
    /// Window as in the header, without its scale.
    pub window: u16,
    /// Payload.
    pub payload: &'a [u8],
}

impl Tcp<'_> {
    /// The sequence number behind this segment: payload, SYN and FIN count (RFC 9293 section 3.4).
    #[must_use]
    pub fn seq_end(&self) -> u32 {
        let flags = u32::from(self.flags.has(Flags::SYN)) + u32::from(self.flags.has(Flags::FIN));
        let payload = u32::try_from(self.payload.len()).expect("a payload is below 64 KiB");
        self.seq.wrapping_add(payload).wrapping_add(flags)
    }
}

/// A UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp<'a> {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// Payload; of a first fragment, what is there of it.
    pub payload: &'a [u8],
}

/// An ICMP or ICMPv6 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The four bytes behind the checksum: identifier and number of an echo, MTU, or unused.
    pub rest: [u8; 4],
    /// What follows the first eight bytes.
    pub body: &'a [u8],
}

/// Control bits of TCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The sender has no more to send.
    pub const FIN: Self = Self(0x01);
    /// Begins a connection.
    pub const SYN: Self = Self(0x02);
    /// Ends a connection at once.
    pub const RST: Self = Self(0x04);
    /// To be handed on at once.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment number counts.
    pub const ACK: Self = Self(0x10);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl<'a> Transport<'a> {
    /// Reads what follows the IP headers of a whole packet or a first fragment.
    pub(super) fn read(number: u8, bytes: &'a [u8]) -> Self {
        let known = match number {
            protocol::TCP => tcp(bytes),
            protocol::UDP => udp(bytes),
            protocol::ICMP | protocol::ICMPV6 => icmp(bytes),
            _ => None,
        };
        known.unwrap_or(Self::Other(number))
    }
}

fn tcp(bytes: &[u8]) -> Option<Transport<'_>> {
    let segment = TcpSlice::from_slice(bytes).ok()?;
    Some(Transport::Tcp(Tcp {
        source_port: segment.source_port(),
        destination_port: segment.destination_port(),
        seq: segment.sequence_number(),
        ack: segment.acknowledgment_number(),
        flags: Flags(bytes[13]),
        window: segment.window_size(),
        payload: segment.payload(),
    }))
}

fn udp(bytes: &[u8]) -> Option<Transport<'_>> {
    let datagram = UdpSlice::from_slice_lax(bytes).ok()?;
    Some(Transport::Udp(Udp {
        source_port: datagram.source_port(),
        destination_port: datagram.destination_port(),
        payload: datagram.payload(),
    }))
}

fn icmp(bytes: &[u8]) -> Option<Transport<'_>> {
    let (header, body) = bytes.split_at_checked(8)?;
    Some(Transport::Icmp(Icmp {
        kind: header[0],
        code: header[1],
        rest: [header[4], header[5], header[6], header[7]],
        body,
    }))
}
