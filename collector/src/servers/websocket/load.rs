//! Load messages of every size, framed once for the life of the server. Random, so that nothing on
//! the path can compress them.
use rand::{Rng, rngs::StdRng};
use std::borrow::Cow;
use tonle_wire::ndt7::frames::{Opcode, server_frame};

/// Frames whose payloads double from one to the next.
pub(in crate::servers) struct LoadFrames {
    start_bytes: usize,
    frames: Vec<Vec<u8>>,
}

impl LoadFrames {
    /// Frames of `start_bytes` of payload, twice as much, and so on up to `max_bytes`.
    pub(in crate::servers) fn random(
        rng: &mut StdRng,
        start_bytes: usize,
        max_bytes: usize,
    ) -> Self {
        let sizes = std::iter::successors(Some(start_bytes), |size| Some(size * 2))
            .take_while(|size| *size <= max_bytes);
        let frame = |size| {
            let mut payload = vec![0; size];
            rng.fill_bytes(&mut payload);
            server_frame(Opcode::Binary, &payload)
        };
        Self {
            start_bytes,
            frames: sizes.map(frame).collect(),
        }
    }

    /// The frame with this much payload, up to the largest: one that was made at the beginning, or
    /// else one made of its bytes.
    pub(in crate::servers) fn of_size(&self, payload_bytes: usize) -> Cow<'_, [u8]> {
        match self.whole(payload_bytes) {
            Some(frame) => Cow::Borrowed(frame),
            None => Cow::Owned(self.trimmed(payload_bytes)),
        }
    }

    fn whole(&self, payload_bytes: usize) -> Option<&[u8]> {
        let doublings = (payload_bytes / self.start_bytes).checked_ilog2()? as usize;
        let is_whole = self.start_bytes << doublings == payload_bytes;
        self.frames
            .get(doublings)
            .map(Vec::as_slice)
            .filter(|_| is_whole)
    }

    fn trimmed(&self, payload_bytes: usize) -> Vec<u8> {
        let largest = self.frames.last().map_or(&[][..], Vec::as_slice);
        let from = largest.len().saturating_sub(payload_bytes);
        server_frame(Opcode::Binary, &largest[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use tonle_wire::ndt7;
    use tonle_wire::ndt7::spec::{MESSAGE_SENT_MAX_BYTES, MESSAGE_START_BYTES};

    #[test]
    fn there_is_a_frame_of_every_size_that_scaling_asks_for() {
        let mut rng = StdRng::seed_from_u64(1);
        let load = LoadFrames::random(&mut rng, MESSAGE_START_BYTES, MESSAGE_SENT_MAX_BYTES);
        let mut scaling = ndt7::scaling::Scaling::default();
        for _ in 0..400 {
            let size = scaling.size_bytes();
            let header_bytes = load.whole(size).unwrap().len() - size;
            assert!(header_bytes == 4 || header_bytes == 10, "{size}");
            scaling.sent(size);
        }
        assert_eq!(scaling.size_bytes(), MESSAGE_SENT_MAX_BYTES);
    }

    #[test]
    fn other_sizes_are_framed_when_they_are_needed() {
        let load = LoadFrames::random(&mut StdRng::seed_from_u64(1), 1 << 10, 1 << 20);
        for size in [0, 1, 1023, 1025, 3 << 10, 1 << 21] {
            assert!(load.whole(size).is_none(), "{size}");
        }
        assert_eq!(load.of_size(10).len(), 12);
        assert_eq!(load.of_size(1025).len(), 1029);
    }
}
