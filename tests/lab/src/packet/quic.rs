//! The first packet of a QUIC connection, recognised from outside, and what anybody can read in it: its keys
//! come from the connection id that stands in it in clear.
//!
//! Sources: RFC 9000 section 17.2 and 17.2.2 (version 1), RFC 9369 section 3.2 (version 2); RFC 9001 section 5
//! (protection), RFC 9000 sections 16 and 19.6 (what is in it).
use super::client_hello;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::quic::Version;
use rustls::{Side, Tls13CipherSuite};

/// Long header and fixed bit.
const LONG_HEADER: u8 = 0xc0;
/// Where the type is in the first byte.
const TYPE: u8 = 0x30;
/// Version 1.
const VERSION_1: u32 = 1;
/// Version 2.
const VERSION_2: u32 = 0x6b33_43cf;
/// Most bytes of a packet number.
const NUMBER_MAX_BYTES: usize = 4;
const PADDING: u8 = 0;
const PING: u8 = 1;
const CRYPTO: u8 = 6;

/// Whether a UDP payload begins as a QUIC initial packet. Version negotiation (version 0) is none.
#[must_use]
pub fn is_initial(payload: &[u8]) -> bool {
    let Some((&[first, a, b, c, d], _)) = payload.split_first_chunk::<5>() else {
        return false;
    };
    let initial = match u32::from_be_bytes([a, b, c, d]) {
        0 => return false,
        VERSION_2 => 0x10,
        _ => 0x00,
    };
    first & LONG_HEADER == LONG_HEADER && first & TYPE == initial
}

/// The server name that the `ClientHello` in a client's Initial of version 1 asks for, lower case, without a
/// final dot; as far as it stands in this datagram.
#[must_use]
pub fn server_name(payload: &[u8]) -> Option<String> {
    client_hello::server_name_in_message(&hello(&frames(payload)?))
}

/// The frames of a client's first packet.
fn frames(datagram: &[u8]) -> Option<Vec<u8>> {
    let mut rest = datagram.get(1..)?;
    let (version, after) = rest.split_first_chunk::<4>()?;
    if !is_initial(datagram) || u32::from_be_bytes(*version) != VERSION_1 {
        return None;
    }
    rest = after;
    let id_length = usize::from(take(&mut rest, 1)?[0]);
    let server_id = take(&mut rest, id_length)?;
    let id_length = usize::from(take(&mut rest, 1)?[0]);
    take(&mut rest, id_length)?;
    let token_length = varint(&mut rest)?;
    take(&mut rest, token_length)?;
    let length = varint(&mut rest)?;
    let number_at = datagram.len() - rest.len();
    let mut packet = datagram.get(..number_at.checked_add(length)?)?.to_vec();
    let suite = TLS13_AES_128_GCM_SHA256.tls13();
    let suite = suite.and_then(Tls13CipherSuite::quic_suite)?;
    let keys = suite.keys(server_id, Side::Server, Version::V1).remote;
    // The sample begins where the number would end, had it its full length.
    let sample_at = number_at + NUMBER_MAX_BYTES;
    let sample = packet.get(sample_at..sample_at + keys.header.sample_len())?;
    let sample = sample.to_vec();
    let (first, behind) = packet.split_at_mut(1);
    let number = behind.get_mut(number_at - 1..sample_at - 1)?;
    let unmasked = keys.header.decrypt_in_place(&sample, &mut first[0], number);
    unmasked.ok()?;
    let number_length = usize::from(first[0] & 0b11) + 1;
    let number = number[..number_length].iter();
    let number = number.fold(0, |number, byte| number << 8 | u64::from(*byte));
    let (header, payload) = packet.split_at_mut(number_at + number_length);
    let opened = keys.packet.decrypt_in_place(number, header, payload).ok()?;
    Some(opened.to_vec())
}

/// What the CRYPTO frames bring, in order from the first byte up to the first gap.
fn hello(frames: &[u8]) -> Vec<u8> {
    let mut rest = frames;
    let mut parts = Vec::new();
    while let Some(part) = part(&mut rest) {
        parts.push(part);
    }
    parts.sort_unstable();
    let mut hello = Vec::new();
    for (place, bytes) in parts {
        match hello.len().checked_sub(place) {
            Some(known) => hello.extend(bytes.iter().skip(known)),
            None => break,
        }
    }
    hello
}

/// Takes one frame off the front: where what it brings begins, and that; none where there is no more or a
/// kind of frame that has no place before an answer.
fn part<'a>(rest: &mut &'a [u8]) -> Option<(usize, &'a [u8])> {
    match take(rest, 1)?[0] {
        PADDING | PING => Some((0, &[])),
        CRYPTO => {
            let place = varint(rest)?;
            let length = varint(rest)?;
            Some((place, take(rest, length)?))
        }
        _ => None,
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(taken)
}

/// A variable-length integer.
fn varint(rest: &mut &[u8]) -> Option<usize> {
    let first = take(rest, 1)?[0];
    let more = take(rest, (1 << (first >> 6)) - 1)?.iter();
    let number = more.fold(u64::from(first & 0x3f), |number, byte| {
        number << 8 | u64::from(*byte)
    });
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::{Side, TLS13_AES_128_GCM_SHA256, Version, hello, is_initial, server_name};
    use crate::packet::tests::hello::message;
    use proptest::prelude::*;

    /// A client's Initial with these frames, protected by rustls.
    fn initial(frames: &[u8]) -> Vec<u8> {
        let server_id = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
        let suite = suite.quic_suite().unwrap();
        let keys = suite.keys(&server_id, Side::Client, Version::V1).local;
        let mut payload = frames.to_vec();
        payload.resize(payload.len().max(1_162), 0);
        let length = u16::try_from(payload.len() + 2 + keys.packet.tag_len()).unwrap();
        let mut packet = vec![0xc1, 0, 0, 0, 1, 8];
        packet.extend(server_id);
        packet.extend([0, 0]);
        packet.extend((0x4000 | length).to_be_bytes());
        let number_at = packet.len();
        packet.extend([0, 2]);
        let tag = keys.packet.encrypt_in_place(2, &packet, &mut payload);
        let tag = tag.unwrap();
        packet.extend(payload);
        packet.extend(tag.as_ref());
        let sample = packet[number_at + 4..number_at + 20].to_vec();
        let (first, rest) = packet.split_at_mut(1);
        let number = &mut rest[number_at - 1..=number_at];
        let masked = keys.header.encrypt_in_place(&sample, &mut first[0], number);
        masked.unwrap();
        packet
    }

    /// A CRYPTO frame.
    fn crypto(place: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).unwrap();
        let mut frame = vec![6, place];
        frame.extend((0x4000 | length).to_be_bytes());
        frame.extend(bytes);
        frame
    }

    #[test]
    fn the_name_is_read_in_one_piece_or_in_shuffled_ones() {
        let hello = message(Some("www.Blocked.test"));
        let whole = initial(&crypto(0, &hello));
        assert_eq!(server_name(&whole).unwrap(), "www.blocked.test");
        let (one, other) = hello.split_at(30);
        let shuffled = [crypto(30, other), vec![1, 0, 0], crypto(0, one)].concat();
        assert_eq!(
            server_name(&initial(&shuffled)).unwrap(),
            "www.blocked.test"
        );
    }

    #[test]
    fn a_packet_that_was_changed_or_lacks_the_beginning_has_no_name() {
        let hello = message(Some("blocked.test"));
        let mut packet = initial(&crypto(0, &hello));
        packet[700] ^= 1;
        assert_eq!(server_name(&packet), None);
        assert_eq!(server_name(&initial(&crypto(3, &hello[3..]))), None);
        assert_eq!(server_name(&initial(&[])), None);
    }

    proptest! {
        #[test]
        fn any_datagram_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..1_300)) {
            let _ = server_name(&bytes);
            let _ = hello(&bytes);
            let _ = server_name(&[&[0xc0, 0, 0, 0, 1][..], &bytes].concat());
            let _ = server_name(&initial(&bytes[..bytes.len().min(1_100)]));
        }

        #[test]
        fn a_cut_initial_is_read_without_panic(length in 0usize..1_200) {
            let packet = initial(&crypto(0, &message(Some("blocked.test"))));
            prop_assert_eq!(server_name(&packet[..length.min(packet.len() - 1)]), None);
        }
    }

    #[test]
    fn an_initial_of_version_1_or_2_is_recognised() {
        // RFC 9001 A.2 and RFC 9369 A.2: the protected header of the client's first packet.
        assert!(is_initial(&[0xc0, 0, 0, 0, 1, 8, 0x83, 0x94]));
        assert!(is_initial(&[0xd7, 0x6b, 0x33, 0x43, 0xcf, 8, 0x83, 0x94]));
    }

    #[test]
    fn a_handshake_a_short_header_and_a_negotiation_are_not() {
        assert!(!is_initial(&[0xe0, 0, 0, 0, 1, 8]));
        assert!(!is_initial(&[0x40, 0, 0, 0, 1, 8]));
        assert!(!is_initial(&[0xc0, 0, 0, 0, 0, 8]));
        assert!(!is_initial(&[0xc0, 0, 0, 0]));
    }
}
