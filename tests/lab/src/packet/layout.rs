//! Where the parts of an IP packet lie: header, extension headers, fragment, transport.
//!
//! Sources: RFC 791 section 3.1, RFC 8200 section 4, RFC 4302 section 2.2 (authentication header).
use super::NotAPacket;

/// Length of an IPv4 header without options, bytes.
const IPV4_HEADER_BYTES: usize = 20;
/// Length of an IPv6 header, bytes.
const IPV6_HEADER_BYTES: usize = 40;
/// Length of an IPv6 fragment header, bytes.
const FRAGMENT_HEADER_BYTES: usize = 8;

/// IPv6 extension headers that are passed over on the way to the transport.
mod extension {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION: u8 = 60;
}

/// The version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V6,
}

/// Which part of a datagram a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragment {
    /// All of it.
    Whole,
    /// Its beginning: has the transport header.
    First,
    /// A later part: has no transport header.
    Later,
}

/// What was read from the headers of a packet, so that it needs no second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) version: Version,
    /// What the header that begins at `transport_at` is (IANA protocol number).
    pub(super) protocol: u8,
    /// Where what follows the IP headers begins, bytes from the start.
    pub(super) transport_at: usize,
    /// Where the packet ends by its own length field, bytes from the start.
    pub(super) end: usize,
    pub(super) fragment: Fragment,
}

/// Reads the layout of a packet from its first byte on.
pub(super) fn read(bytes: &[u8]) -> Result<Layout, NotAPacket> {
    match bytes.first().map(|first| first >> 4) {
        None => Err(NotAPacket::Empty),
        Some(4) => ipv4(bytes),
        Some(6) => ipv6(bytes),
        Some(other) => Err(NotAPacket::Version(other)),
    }
}

fn ipv4(bytes: &[u8]) -> Result<Layout, NotAPacket> {
    has(bytes, IPV4_HEADER_BYTES)?;
    let transport_at = usize::from(bytes[0] & 0x0f) * 4;
    let end = usize::from(u16_at(bytes, 2));
    if transport_at < IPV4_HEADER_BYTES || end < transport_at {
        return Err(NotAPacket::HeaderLength);
    }
    has(bytes, end)?;
    let more = bytes[6] & 0x20 != 0;
    let offset = u16_at(bytes, 6) & 0x1fff;
    Ok(Layout {
        version: Version::V4,
        protocol: bytes[9],
        transport_at,
        end,
        fragment: fragment(offset, more),
    })
}

fn ipv6(bytes: &[u8]) -> Result<Layout, NotAPacket> {
    has(bytes, IPV6_HEADER_BYTES)?;
    let end = IPV6_HEADER_BYTES + usize::from(u16_at(bytes, 4));
    has(bytes, end)?;
    let bytes = &bytes[..end];
    let mut layout = Layout {
        version: Version::V6,
        protocol: bytes[6],
        transport_at: IPV6_HEADER_BYTES,
        end,
        fragment: Fragment::Whole,
    };
    while layout.fragment != Fragment::Later {
        let at = layout.transport_at;
        let length = match layout.protocol {
            extension::HOP_BY_HOP | extension::ROUTING | extension::DESTINATION => {
                has(bytes, at + 2)?;
                (usize::from(bytes[at + 1]) + 1) * 8
            }
            extension::AUTHENTICATION => {
                has(bytes, at + 2)?;
                (usize::from(bytes[at + 1]) + 2) * 4
            }
            extension::FRAGMENT => {
                has(bytes, at + FRAGMENT_HEADER_BYTES)?;
                let place = u16_at(bytes, at + 2);
                layout.fragment = fragment(place >> 3, place & 1 != 0);
                FRAGMENT_HEADER_BYTES
            }
            _ => return Ok(layout),
        };
        has(bytes, at + length)?;
        layout.protocol = bytes[at];
        layout.transport_at = at + length;
    }
    Ok(layout)
}

fn fragment(offset: u16, more: bool) -> Fragment {
    match (offset, more) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        _ => Fragment::Later,
    }
}

fn has(bytes: &[u8], needs: usize) -> Result<(), NotAPacket> {
    if bytes.len() < needs {
        return Err(NotAPacket::Truncated {
            needs,
            has: bytes.len(),
        });
    }
    Ok(())
}

/// Two bytes in network order; the caller knows that they are there.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
