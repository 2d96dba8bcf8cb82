//! IP packets as they cross the hub: read, changed and made. Every parser takes any bytes.

/// One IPv4 or IPv6 packet, as a kernel wrote it into its TUN interface or as a middlebox made it.
/// The header fields that the hub needs were read when it was made, so they cannot fail later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    bytes: Vec<u8>,
}

impl Packet {
    /// The whole packet.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
