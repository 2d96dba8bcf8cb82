//! Picks flows whose TLS `ClientHello` brings an encrypted one (ECH), in one segment or in several.
use super::chain::FlowRule;
use super::flows::Seen;
use super::names::Names;
use crate::packet::{Packet, client_hello, protocol};

pub(super) struct Ech {
    names: Names,
}

impl Ech {
    /// Of hellos under these names, or of all.
    pub(super) fn new(names: &[String]) -> Self {
        Self {
            names: Names::new(names),
        }
    }
}

impl FlowRule for Ech {
    fn picks(&self, packet: &Packet, seen: &Seen<'_>) -> bool {
        let name = || client_hello::server_name(seen.stream).unwrap_or_default();
        packet.protocol() == protocol::TCP
            && client_hello::has_encrypted_hello(seen.stream)
            && self.names.cover(&name())
    }
}
