//! Picks flows by bytes in the first packets of either end, exactly as written, also when they come in
//! two segments.
use super::chain::FlowRule;
use super::flows::Seen;
use crate::packet::Packet;

pub(super) struct Keyword {
    keyword: Vec<u8>,
    port: Option<u16>,
}

impl Keyword {
    pub(super) fn new(keyword: &str, port: Option<u16>) -> Self {
        Self {
            keyword: keyword.as_bytes().to_vec(),
            port,
        }
    }
}

impl FlowRule for Keyword {
    fn picks(&self, _packet: &Packet, seen: &Seen<'_>) -> bool {
        let wanted = self.port.is_none_or(|port| port == seen.server.port());
        wanted && !self.keyword.is_empty() && contains(seen.stream, &self.keyword)
    }
}

fn contains(stream: &[u8], keyword: &[u8]) -> bool {
    stream
        .windows(keyword.len())
        .any(|window| window == keyword)
}
