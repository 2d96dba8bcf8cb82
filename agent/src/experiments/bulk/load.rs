//! The load that is sent: random, so that nothing on the path can compress it.
use rand::{Rng, SeedableRng, rngs::StdRng};
use tonle_net::websocket::{Bytes, Message};
use tonle_wire::ndt7::spec::MESSAGE_SENT_MAX_BYTES;

/// What a message costs beside its payload: the frame's header and mask, and TLS records of 16 KiB
/// with 22 bytes each.
const MESSAGE_OVERHEAD_BYTES: u64 = 14 + 22 * (MESSAGE_SENT_MAX_BYTES as u64 / (16 << 10) + 1);

/// The bytes that messages are cut from.
pub(in crate::experiments) struct RandomLoad(Bytes);

impl RandomLoad {
    /// Enough for the largest message.
    pub(in crate::experiments) fn new(seed: u64) -> Self {
        let mut random = vec![0; MESSAGE_SENT_MAX_BYTES];
        StdRng::seed_from_u64(seed).fill_bytes(&mut random);
        Self(Bytes::from(random))
    }

    /// A message of this payload, without a copy; at most the largest.
    pub(in crate::experiments) fn message(&self, payload_bytes: usize) -> Message {
        Message::Binary(self.0.slice(..payload_bytes.min(self.0.len())))
    }
}

/// The most that a message may take of the line.
pub(in crate::experiments) fn bytes_of_message(payload_bytes: usize) -> u64 {
    payload_bytes as u64 + MESSAGE_OVERHEAD_BYTES
}
