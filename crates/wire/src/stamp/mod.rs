//! STAMP (RFC 8762, options of RFC 8972): a test packet goes out with its send time, and comes back
//! with the times at which the far end received it and sent it on.
//!
//! Read in this order: [`time`] (timestamps, error estimates), [`packet`] (the two packets in their
//! two layouts), [`key`] (HMAC), [`tlv`] (options), [`reflect`] (the reply to a packet), [`session`]
//! (how our agents get a session).
pub mod key;
pub mod packet;
pub mod reflect;
pub mod session;
pub mod time;
pub mod tlv;

pub use key::Key;
pub use packet::{BadPacket, ReflectorPacket, SenderPacket};
pub use reflect::Reflection;
pub use time::{ErrorEstimate, TimeFormat, Timestamp};

/// Length of a packet in open mode (RFC 8762, section 4.2.1).
pub const OPEN_BYTES: usize = 44;
/// Length of a packet in authenticated mode (RFC 8762, section 4.2.2).
pub const AUTHENTICATED_BYTES: usize = 112;
/// Longest packet that is reflected: what fits an Ethernet frame.
pub const PACKET_MAX_BYTES: usize = 1472;

/// Length of a packet without options: with a key it is authenticated, without it is open.
#[must_use]
pub fn base_bytes(key: Option<&Key>) -> usize {
    match key {
        Some(_) => AUTHENTICATED_BYTES,
        None => OPEN_BYTES,
    }
}

#[cfg(test)]
mod tests;
