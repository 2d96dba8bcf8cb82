//! The beginning of one direction of a TCP connection, put in order as a receiver would.
use crate::packet::{Flags, Tcp};

/// How much of a direction is kept, bytes. A `ClientHello` with hybrid key shares has about 2 KiB.
pub(super) const KEPT_BYTES: usize = 8 * 1024;
/// How many segments that came early are kept.
const EARLY_MAX: usize = 10;

/// What came so far.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Sequence number of the first byte, once known.
    start: Option<u32>,
    /// The bytes from there on, without a gap.
    bytes: Vec<u8>,
    /// (place from the start, bytes) of segments behind a gap, cut where what is kept ends.
    early: Vec<(usize, Vec<u8>)>,
}

impl Stream {
    /// Takes a segment. Bytes that are there already stay as they came first. A SYN counts one, and
    /// may bring payload (RFC 7413).
    pub(super) fn take(&mut self, segment: &Tcp<'_>) {
        let syn = segment.flags.has(Flags::SYN);
        let seq = segment.seq.wrapping_add(u32::from(syn));
        if syn {
            self.start = Some(seq);
        }
        if !segment.payload.is_empty() {
            self.push(seq, segment.payload);
        }
    }

    fn push(&mut self, seq: u32, payload: &[u8]) {
        let start = *self.start.get_or_insert(seq);
        let place = usize::try_from(seq.wrapping_sub(start)).expect("32 bits fit in usize");
        let Some(room) = KEPT_BYTES.checked_sub(place) else {
            return;
        };
        let payload = &payload[..payload.len().min(room)];
        if place > self.bytes.len() {
            if self.early.len() < EARLY_MAX {
                self.early.push((place, payload.to_vec()));
            }
            return;
        }
        self.append(place, payload);
        while let Some(index) = self.fitting() {
            let (place, payload) = self.early.swap_remove(index);
            self.append(place, &payload);
        }
    }

    /// The bytes from the beginning on, up to the first gap.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn fitting(&self) -> Option<usize> {
        let has = self.bytes.len();
        self.early.iter().position(|(place, _)| *place <= has)
    }

    fn append(&mut self, place: usize, payload: &[u8]) {
        let known = self.bytes.len() - place;
        self.bytes.extend(payload.iter().skip(known));
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_BYTES, Stream};
    use proptest::prelude::*;

    #[test]
    fn segments_in_any_order_make_the_same_stream() {
        for order in [[0, 1, 2], [0, 2, 1], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
            let mut stream = Stream {
                start: Some(u32::MAX),
                ..Stream::default()
            };
            for index in order {
                let segment = [(u32::MAX, "abc"), (2, "def"), (5, "ghi")][index];
                stream.push(segment.0, segment.1.as_bytes());
            }
            assert_eq!(stream.bytes(), b"abcdefghi", "{order:?}");
        }
    }

    #[test]
    fn what_came_first_stays() {
        let mut stream = Stream::default();
        stream.push(10, b"abc");
        stream.push(10, b"ABCDE");
        assert_eq!(stream.bytes(), b"abcDE");
    }

    #[test]
    fn a_gap_ends_what_is_known() {
        let mut stream = Stream::default();
        stream.push(10, b"abc");
        stream.push(14, b"efg");
        assert_eq!(stream.bytes(), b"abc");
    }

    proptest! {
        #[test]
        fn any_segments_never_panic_and_keep_the_bound(
            segments in prop::collection::vec((0u16..10_000, prop::collection::vec(any::<u8>(), 0..2000)), 0..40)
        ) {
            let mut stream = Stream::default();
            for (seq, payload) in segments {
                stream.push(u32::from(seq), &payload);
                prop_assert!(stream.bytes().len() <= KEPT_BYTES);
            }
        }
    }
}
