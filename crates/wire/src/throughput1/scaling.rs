//! How large the next binary message is, and where a byte limit cuts the last one.
//!
//! Differs from ndt7 in three things: messages begin at 1 KiB, text counts too, and a limit trims
//! the last message so that it lands on the limit exactly.
use super::spec::{MESSAGE_MAX_BYTES, MESSAGE_START_BYTES};

/// A message may be this part of everything sent before it.
const SHARE_OF_TOTAL: u64 = 16;

/// The size of the next message, given what was sent. Rule (m-lab/msak): after each message, if
/// `size < max` and `size <= sent / 16`, double the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "names carry their unit")]
pub struct Scaling {
    size_bytes: usize,
    sent_bytes: u64,
    limit_bytes: Option<u64>,
}

impl Scaling {
    /// From nothing sent. `limit_bytes`: payload that may be sent in all.
    #[must_use]
    pub fn new(limit_bytes: Option<u64>) -> Self {
        Self {
            size_bytes: MESSAGE_START_BYTES,
            sent_bytes: 0,
            limit_bytes,
        }
    }

    /// Size of the next binary message, bytes; `None` when the limit is reached.
    #[must_use]
    pub fn next_bytes(&self) -> Option<usize> {
        let Some(limit_bytes) = self.limit_bytes else {
            return Some(self.size_bytes);
        };
        let left = limit_bytes.saturating_sub(self.sent_bytes);
        let next = usize::try_from(left).map_or(self.size_bytes, |left| left.min(self.size_bytes));
        Some(next).filter(|bytes| *bytes > 0)
    }

    /// Payload bytes of all messages so far, text and binary.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// A text message was sent.
    pub fn sent_text(&mut self, payload_bytes: usize) {
        self.sent_bytes = self.sent_bytes.saturating_add(payload_bytes as u64);
    }

    /// A binary message was sent.
    pub fn sent_binary(&mut self, payload_bytes: usize) {
        self.sent_text(payload_bytes);
        let may_grow = self.size_bytes < MESSAGE_MAX_BYTES
            && self.size_bytes as u64 <= self.sent_bytes / SHARE_OF_TOTAL;
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
        let mut scaling = Scaling::new(None);
        for _ in 0..16 {
            assert_eq!(scaling.next_bytes(), Some(MESSAGE_START_BYTES));
            scaling.sent_binary(MESSAGE_START_BYTES);
        }
        assert_eq!(scaling.next_bytes(), Some(2 * MESSAGE_START_BYTES));
    }

    #[test]
    fn text_counts_towards_growth_and_towards_the_limit() {
        let mut scaling = Scaling::new(Some(20_000));
        scaling.sent_text(16_000);
        scaling.sent_binary(MESSAGE_START_BYTES);
        assert_eq!(scaling.next_bytes(), Some(2 * MESSAGE_START_BYTES));
        scaling.sent_text(2_000);
        assert_eq!(scaling.next_bytes(), Some(20_000 - 16_000 - 1_024 - 2_000));
    }

    #[test]
    fn the_first_message_may_be_trimmed_and_text_may_use_up_a_limit() {
        assert_eq!(Scaling::new(Some(10)).next_bytes(), Some(10));
        let mut scaling = Scaling::new(Some(10));
        scaling.sent_text(500);
        assert_eq!(scaling.next_bytes(), None);
    }

    proptest! {
        #[test]
        fn messages_land_on_the_limit_exactly(limit in 0_u64..50_000_000) {
            let mut scaling = Scaling::new(Some(limit));
            while let Some(bytes) = scaling.next_bytes() {
                prop_assert!(bytes <= MESSAGE_MAX_BYTES);
                scaling.sent_binary(bytes);
            }
            prop_assert_eq!(scaling.sent_bytes(), limit);
        }
    }
}
