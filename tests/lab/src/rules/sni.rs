//! Picks flows by the server name in their TLS `ClientHello`, in one segment or in several.
use super::chain::FlowRule;
use super::flows::Seen;
use super::names::Names;
use crate::packet::{Packet, client_hello, protocol};

pub(super) struct Sni {
    names: Names,
}

impl Sni {
    pub(super) fn new(names: &[String]) -> Self {
        Self {
            names: Names::new(names),
        }
    }
}

impl FlowRule for Sni {
    fn picks(&self, packet: &Packet, seen: &Seen<'_>) -> bool {
        packet.protocol() == protocol::TCP
            && client_hello::server_name(seen.stream).is_some_and(|name| self.names.cover(&name))
    }
}
