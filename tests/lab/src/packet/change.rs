//! What routers and redirecting middleboxes change in a packet, with every checksum mended.
use super::checksum::mended;
use super::layout::{Fragment, Version, u16_at};
use super::{Packet, protocol};
use std::net::IpAddr;

/// An IPv4 packet cannot get an IPv6 address, nor the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is not of the packet's family")]
pub struct OtherFamily;

/// Where the checksum of an IPv4 header lies.
const IPV4_CHECKSUM_AT: usize = 10;

impl Packet {
    /// Takes one hop off. False: the packet ends here and is unchanged.
    pub fn decrement_ttl(&mut self) -> bool {
        if self.ttl() <= 1 {
            return false;
        }
        let at = self.ttl_at();
        let word_at = at & !1;
        let old = [self.bytes[word_at], self.bytes[word_at + 1]];
        self.bytes[at] -= 1;
        let new = [self.bytes[word_at], self.bytes[word_at + 1]];
        self.mend_header(&old, &new);
        true
    }

    /// The same packet to another address; the sum behind it stays right where it was right.
    pub fn with_destination(mut self, address: IpAddr) -> Result<Self, OtherFamily> {
        match (self.layout.version, address) {
            (Version::V4, IpAddr::V4(address)) => self.set_address(16, &address.octets()),
            (Version::V6, IpAddr::V6(address)) => self.set_address(24, &address.octets()),
            _ => return Err(OtherFamily),
        }
        Ok(self)
    }

    /// The same packet from another address.
    pub fn with_source(mut self, address: IpAddr) -> Result<Self, OtherFamily> {
        match (self.layout.version, address) {
            (Version::V4, IpAddr::V4(address)) => self.set_address(12, &address.octets()),
            (Version::V6, IpAddr::V6(address)) => self.set_address(8, &address.octets()),
            _ => return Err(OtherFamily),
        }
        Ok(self)
    }

    fn set_address(&mut self, at: usize, new: &[u8]) {
        let old = self.bytes[at..at + new.len()].to_vec();
        self.bytes[at..at + new.len()].copy_from_slice(new);
        self.mend_header(&old, new);
        self.mend_transport(&old, new);
    }

    /// IPv6 has no checksum of its header.
    fn mend_header(&mut self, old: &[u8], new: &[u8]) {
        if self.layout.version == Version::V4 {
            self.mend_at(IPV4_CHECKSUM_AT, old, new);
        }
    }

    /// Transports whose checksum covers the addresses.
    fn mend_transport(&mut self, old: &[u8], new: &[u8]) {
        if self.layout.fragment == Fragment::Later {
            return;
        }
        let start = self.layout.transport_at;
        let at = match self.layout.protocol {
            protocol::TCP => start + 16,
            protocol::UDP => start + 6,
            protocol::ICMPV6 => start + 2,
            _ => return,
        };
        if self.bytes.len() < at + 2 {
            return;
        }
        if self.layout.protocol != protocol::UDP {
            self.mend_at(at, old, new);
            return;
        }
        // RFC 768: zero says that there is no checksum, so a sum of zero is sent as all ones.
        if u16_at(&self.bytes, at) == 0 {
            return;
        }
        self.mend_at(at, old, new);
        if u16_at(&self.bytes, at) == 0 {
            self.bytes[at..at + 2].copy_from_slice(&[0xff, 0xff]);
        }
    }

    fn mend_at(&mut self, at: usize, old: &[u8], new: &[u8]) {
        let checksum = mended(u16_at(&self.bytes, at), old, new);
        self.bytes[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
    }
}
