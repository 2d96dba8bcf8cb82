//! The segment files of the spool: how records lie in them, and how they are found again.
//!
//! ```text
//! spool/<20 digits>.seg = header frame*
//! header = "TONLSPL1"                                      8 bytes; the last one is the format
//! frame  = mark length crc body
//! mark   = F5 'T' 'N' 'L'                                  F5 never occurs in UTF-8, so not in a line
//! length = bytes of body                                   u32, little endian
//! crc    = CRC-32 (IEEE 802.3) of length and body          u32, little endian
//! body   = kept_at_us chain_id sequence hash line          i64, 8 bytes, u64, 32 bytes, UTF-8
//! ```
//! All integers are little endian. `line` is the envelope exactly as it travels, without a newline.
//! A frame is written once and never changed; a damaged one is stepped over by looking for the next
//! mark behind which a whole frame with the right checksum stands.
use crate::identity::Link;
use tonle_evidence::envelope::LINE_MAX_BYTES;
use tonle_evidence::hash::Hex;

/// What a segment file begins with.
pub(super) const HEADER: &[u8; 8] = b"TONLSPL1";
/// What a segment file of any format begins with.
const HEADER_FAMILY: &[u8; 7] = b"TONLSPL";
const MARK: &[u8; 4] = b"\xF5TNL";
/// Mark, length and checksum.
const PREFIX_BYTES: usize = 12;
/// Body without the line.
const META_BYTES: usize = 8 + 8 + 8 + 32;
/// What a frame adds to its line.
pub(super) const FRAME_OVERHEAD_BYTES: usize = PREFIX_BYTES + META_BYTES;

/// What a frame says beside its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meta {
    /// When it was kept, microseconds since the Unix epoch by the device's wall clock.
    pub(super) kept_at_us: i64,
    /// The record's place in its chain, and its hash.
    pub(super) link: Link,
}

/// A frame found in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it begins, bytes from the start of the file.
    pub(super) offset: usize,
    /// Its whole length, bytes.
    pub(super) length: usize,
    /// What it says.
    pub(super) meta: Meta,
    /// Its record was erased.
    pub(super) is_blank: bool,
}

/// What is in a segment file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Scan {
    /// Whole frames, in order.
    pub(super) frames: Vec<Found>,
    /// Stretches of damage that had to be stepped over.
    pub(super) damaged: u64,
    /// End of the last whole frame (or of the header), when bytes that are no frame follow it.
    pub(super) torn_at: Option<usize>,
}

/// A frame as it is written.
pub(super) fn encode(meta: &Meta, line: &str) -> Vec<u8> {
    let length = u32::try_from(META_BYTES + line.len()).expect("a line is at most a few MiB");
    let mut frame = Vec::with_capacity(FRAME_OVERHEAD_BYTES + line.len());
    frame.extend_from_slice(MARK);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&meta.kept_at_us.to_le_bytes());
    frame.extend_from_slice(&meta.link.chain_id.0);
    frame.extend_from_slice(&meta.link.sequence.to_le_bytes());
    frame.extend_from_slice(&meta.link.hash.0);
    frame.extend_from_slice(line.as_bytes());
    let crc = checksum(&frame[4..8], &frame[PREFIX_BYTES..]);
    frame[8..PREFIX_BYTES].copy_from_slice(&crc.to_le_bytes());
    frame
}

fn checksum(length: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(length);
    crc.update(body);
    crc.finalize()
}

/// The frame that begins `bytes`: its whole length, what it says and its line.
pub(super) fn decode(bytes: &[u8]) -> Option<(usize, Meta, &str)> {
    let rest = bytes.strip_prefix(MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let body_bytes = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if body_bytes > META_BYTES + LINE_MAX_BYTES {
        return None;
    }
    let body = rest.get(..body_bytes)?;
    if checksum(length, body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (kept_at_us, body) = body.split_first_chunk::<8>()?;
    let (chain_id, body) = body.split_first_chunk::<8>()?;
    let (sequence, body) = body.split_first_chunk::<8>()?;
    let (hash, line) = body.split_first_chunk::<32>()?;
    let meta = Meta {
        kept_at_us: i64::from_le_bytes(*kept_at_us),
        link: Link {
            chain_id: Hex(*chain_id),
            sequence: u64::from_le_bytes(*sequence),
            hash: Hex(*hash),
        },
    };
    let line = std::str::from_utf8(line).ok()?;
    Some((PREFIX_BYTES + body_bytes, meta, line))
}

/// True for a segment that a newer program wrote: it is left alone.
pub(super) fn is_newer(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER.len() && bytes.starts_with(HEADER_FAMILY) && !bytes.starts_with(HEADER)
}

/// Finds every whole frame of a segment file, whatever happened to the file.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan::default();
    let mut at = if bytes.starts_with(HEADER) {
        HEADER.len()
    } else {
        0
    };
    while at < bytes.len() {
        let here = decode(&bytes[at..]);
        if let Some((length, meta, line)) = here {
            scan.frames.push(Found {
                offset: at,
                length,
                meta,
                is_blank: line.bytes().all(|byte| byte == b' '),
            });
            at += length;
            continue;
        }
        let Some(next) = next_frame(bytes, at + 1) else {
            scan.torn_at = Some(at);
            break;
        };
        scan.damaged += 1;
        at = next;
    }
    scan
}

/// Where the next whole frame begins, at `from` or later.
fn next_frame(bytes: &[u8], from: usize) -> Option<usize> {
    let is_frame = |at: &usize| decode(&bytes[*at..]).is_some();
    let marks = bytes[from..]
        .windows(MARK.len())
        .enumerate()
        .filter(|(_, window)| window == MARK);
    marks.map(|(at, _)| from + at).find(is_frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tonle_evidence::hash::sha256;

    fn meta(sequence: u64) -> Meta {
        Meta {
            kept_at_us: 1_700_000_000_000_000,
            link: Link {
                chain_id: Hex([7; 8]),
                sequence,
                hash: sha256(&sequence.to_le_bytes()),
            },
        }
    }

    fn segment(lines: &[&str]) -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        for (sequence, line) in (0..).zip(lines) {
            bytes.extend(encode(&meta(sequence), line));
        }
        bytes
    }

    fn sequences(scan: &Scan) -> Vec<u64> {
        scan.frames
            .iter()
            .map(|frame| frame.meta.link.sequence)
            .collect()
    }

    #[test]
    fn frames_lie_in_the_documented_form() {
        let frame = encode(&meta(5), "{}");
        assert_eq!(&frame[..4], b"\xF5TNL");
        assert_eq!(frame[4..8], 58_u32.to_le_bytes());
        assert_eq!(frame[12..20], 1_700_000_000_000_000_i64.to_le_bytes());
        assert_eq!(frame[20..28], [7; 8]);
        assert_eq!(frame[28..36], 5_u64.to_le_bytes());
        assert_eq!(frame[36..68], sha256(&5_u64.to_le_bytes()).0);
        assert_eq!(&frame[68..], b"{}");
        let mut crc = crc32fast::Hasher::new();
        crc.update(&frame[4..8]);
        crc.update(&frame[12..]);
        assert_eq!(frame[8..12], crc.finalize().to_le_bytes());
    }

    #[test]
    fn a_torn_tail_is_told_from_damage_in_the_middle() {
        let whole = segment(&["a", "b", "c"]);
        let last = whole.len() - FRAME_OVERHEAD_BYTES - 1;
        let torn = scan(&whole[..whole.len() - 1]);
        assert_eq!(
            (sequences(&torn), torn.damaged, torn.torn_at),
            (vec![0, 1], 0, Some(last))
        );
        let mut damaged = whole;
        damaged[HEADER.len() + 20] ^= 1;
        let damaged = scan(&damaged);
        assert_eq!(
            (sequences(&damaged), damaged.damaged, damaged.torn_at),
            (vec![1, 2], 1, None)
        );
    }

    #[test]
    fn frames_behind_a_damaged_header_are_found() {
        let mut bytes = segment(&["a", "b"]);
        bytes[0] = 0;
        assert_eq!(sequences(&scan(&bytes)), [0, 1]);
    }

    #[test]
    fn only_a_whole_header_of_another_format_is_a_newer_one() {
        assert!(is_newer(b"TONLSPL2 whatever"));
        assert!(!is_newer(b"TONLSPL1"));
        assert!(!is_newer(b"TONLSPL"));
        assert!(!is_newer(b"\0\0\0\0\0\0\0\0"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
            let _ = scan(&bytes);
        }

        #[test]
        fn one_damaged_byte_costs_one_frame_at_most(
            lines in prop::collection::vec("[ -~]{0,40}", 1..6), at: prop::sample::Index, flip in 1..=255_u8,
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let mut bytes = segment(&lines);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(scan(&bytes).frames.len() + 1 >= lines.len());
        }

        #[test]
        fn a_cut_costs_no_frame_before_it(
            lines in prop::collection::vec("[ -~]{0,40}", 1..6), at: prop::sample::Index,
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let whole = segment(&lines);
            let cut = at.index(whole.len());
            let before = scan(&whole).frames.iter().filter(|f| f.offset + f.length <= cut).count();
            prop_assert_eq!(scan(&whole[..cut]).frames.len(), before);
        }
    }
}
