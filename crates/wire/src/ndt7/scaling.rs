//! How large the next binary message is: small at first, so that slow lines make progress, then
//! doubling, so that fast ones are not held back by the cost per message.
use super::spec::{MESSAGE_SENT_MAX_BYTES, MESSAGE_START_BYTES};

/// A message may be this part of everything sent before it. It bounds the time one message takes
/// to a sixteenth of the test so far, and so keeps measurements and Close punctual.
const SHARE_OF_TOTAL: u64 = 16;

/// The size of the next message, given what was sent.
///
/// Rule (ndt-server and ndt7-client-go; the appendix of the specification has `<` for the second
/// `<=`): after each message, if `size < max` and `size <= total / 16`, double the size. JSON
/// messages do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    size_bytes: usize,
    total_bytes: u64,
}

impl Default for Scaling {
    fn default() -> Self {
        Self {
            size_bytes: MESSAGE_START_BYTES,
            total_bytes: 0,
        }
    }
}

impl Scaling {
    /// Size of the next message, bytes: a power of two, at most [`MESSAGE_SENT_MAX_BYTES`].
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Payload bytes of all binary messages so far.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// A message with this many payload bytes was sent.
    pub fn sent(&mut self, payload_bytes: usize) {
        self.total_bytes = self.total_bytes.saturating_add(payload_bytes as u64);
        let may_grow = self.size_bytes < MESSAGE_SENT_MAX_BYTES
            && self.size_bytes as u64 <= self.total_bytes / SHARE_OF_TOTAL;
        if may_grow {
            self.size_bytes *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sixteen_first_messages_come_before_the_first_doubling() {
        let mut scaling = Scaling::default();
        for _ in 0..15 {
            scaling.sent(MESSAGE_START_BYTES);
            assert_eq!(scaling.size_bytes(), MESSAGE_START_BYTES);
        }
        scaling.sent(MESSAGE_START_BYTES);
        assert_eq!(scaling.size_bytes(), 2 * MESSAGE_START_BYTES);
    }

    proptest! {
        #[test]
        fn no_message_is_above_a_sixteenth_of_the_total_or_one_mebibyte(count in 0_usize..2_000) {
            let mut scaling = Scaling::default();
            for _ in 0..count {
                let size = scaling.size_bytes();
                prop_assert!(size <= MESSAGE_SENT_MAX_BYTES && size.is_power_of_two());
                prop_assert!(
                    size == MESSAGE_START_BYTES || (size / 2) as u64 <= scaling.total_bytes() / 16
                );
                scaling.sent(size);
            }
        }
    }
}
