//! IP packets as they cross the hub: read, changed and made. Every parser takes any bytes.
//!
//! Read in this order: [`Packet`], [`Transport`] (what it carries), [`Flow`] (between whom),
//! `change` (hops and addresses), [`craft`] (forged packets), then what rules look for inside:
//! [`dns`], [`client_hello`], [`quic`].
mod change;
mod checksum;
pub mod client_hello;
pub mod craft;
pub mod dns;
mod flow;
mod layout;
pub mod quic;
#[cfg(test)]
pub(crate) mod tests;
mod transport;

pub use change::OtherFamily;
pub use flow::{Flow, FlowKey};
pub use layout::Fragment;
pub use transport::{Flags, Icmp, Tcp, Transport, Udp, protocol};

use layout::{Layout, Version};
use std::net::IpAddr;

/// One IPv4 or IPv6 packet, as a kernel wrote it into its TUN interface or as a middlebox made it.
/// The header fields that the hub needs were read when it was made, so they cannot fail later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    bytes: Vec<u8>,
    layout: Layout,
}

/// Why bytes are not an IP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPacket {
    /// Nothing there.
    #[error("no bytes")]
    Empty,
    /// Neither 4 nor 6.
    #[error("ip version {0} is neither 4 nor 6")]
    Version(u8),
    /// Shorter than its headers say.
    #[error("packet of {has} bytes, its headers need {needs}")]
    Truncated {
        /// Bytes that the headers speak of.
        needs: usize,
        /// Bytes that are there.
        has: usize,
    },
    /// An IPv4 header length that no packet can have.
    #[error("ip header length is impossible")]
    HeaderLength,
}

impl Packet {
    /// Reads a packet. Bytes behind its own length field are cut off; checksums are not looked at,
    /// so that a wrong one stays wrong.
    pub fn parse(mut bytes: Vec<u8>) -> Result<Self, NotAPacket> {
        let layout = layout::read(&bytes)?;
        bytes.truncate(layout.end);
        Ok(Self { bytes, layout })
    }

    /// The whole packet.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Who sent it, by its header.
    #[must_use]
    pub fn source(&self) -> IpAddr {
        match self.layout.version {
            Version::V4 => self.array::<4>(12).into(),
            Version::V6 => self.array::<16>(8).into(),
        }
    }

    /// Whom it is for.
    #[must_use]
    pub fn destination(&self) -> IpAddr {
        match self.layout.version {
            Version::V4 => self.array::<4>(16).into(),
            Version::V6 => self.array::<16>(24).into(),
        }
    }

    /// Hops it may still take (hop limit in IPv6).
    #[must_use]
    pub fn ttl(&self) -> u8 {
        self.bytes[self.ttl_at()]
    }

    /// The transport protocol (IANA number), behind all extension headers.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.layout.protocol
    }

    /// Which part of a datagram it is.
    #[must_use]
    pub fn fragment(&self) -> Fragment {
        self.layout.fragment
    }

    /// Whether a router must not cut it: every IPv6 packet, IPv4 with the flag.
    #[must_use]
    pub fn dont_fragment(&self) -> bool {
        match self.layout.version {
            Version::V4 => self.bytes[6] & 0x40 != 0,
            Version::V6 => true,
        }
    }

    /// What it carries. A later fragment, or a header that is cut short, is [`Transport::Other`].
    #[must_use]
    pub fn transport(&self) -> Transport<'_> {
        if self.layout.fragment == Fragment::Later {
            return Transport::Other(self.layout.protocol);
        }
        Transport::read(
            self.layout.protocol,
            &self.bytes[self.layout.transport_at..],
        )
    }

    /// Between whom, and which way.
    #[must_use]
    pub fn flow(&self) -> Flow {
        Flow::of(self)
    }

    fn ttl_at(&self) -> usize {
        match self.layout.version {
            Version::V4 => 8,
            Version::V6 => 7,
        }
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[at..at + N]);
        array
    }
}
