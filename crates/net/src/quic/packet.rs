//! Packets of QUIC version 1, as far as a client's first flight and what answers it: Initial packets
//! that are made (RFC 9000, section 17.2.2; RFC 9001, section 5), long headers that are read.
use rustls::Error;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::quic::{Keys, Version};
use rustls::{Side, Tls13CipherSuite};

/// Bytes of a connection id of ours.
pub(super) const ID_BYTES: usize = 8;
/// Smallest datagram with an Initial of a client (RFC 9000, section 14.1).
const DATAGRAM_MIN_BYTES: usize = 1_200;
/// Bytes of a packet number of ours.
const NUMBER_BYTES: usize = 4;
/// Largest variable-length integer of two bytes (RFC 9000, section 16).
const VARINT2_MAX: usize = 0x3fff;

/// Both connection ids of a connection that we begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    /// What we call the server until it chooses for itself; the keys come from it.
    pub(super) server: [u8; ID_BYTES],
    /// What the server is to call us.
    pub(super) client: [u8; ID_BYTES],
}

/// What answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    VersionNegotiation,
    Initial,
    Handshake,
    Retry,
}

impl Answer {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::VersionNegotiation => "version_negotiation",
            Self::Initial => "initial",
            Self::Handshake => "handshake",
            Self::Retry => "retry",
        }
    }
}

/// A number as a variable-length integer (RFC 9000, section 16), in two bytes as far as it fits.
fn varint(number: usize) -> Option<[u8; 2]> {
    let number = u16::try_from(number)
        .ok()
        .filter(|_| number <= VARINT2_MAX)?;
    Some((0x4000 | number).to_be_bytes())
}

/// A CRYPTO frame at the start of its stream (RFC 9000, section 19.6).
pub(super) fn crypto_frame(hello: &[u8]) -> Option<Vec<u8>> {
    let mut frame = vec![0x06, 0x00];
    frame.extend(varint(hello.len())?);
    frame.extend(hello);
    Some(frame)
}

/// A `CONNECTION_CLOSE` frame without an error (RFC 9000, section 19.19).
pub(super) const CLOSE_FRAME: [u8; 4] = [0x1c, 0x00, 0x00, 0x00];

/// Our transport parameters (RFC 9000, section 18): room for an answer, and the id that must agree with
/// the header's.
pub(super) fn transport_parameters(ids: &Ids) -> Vec<u8> {
    let mut parameters = Vec::new();
    // max_idle_timeout 10 s, initial_max_data and _stream_data_bidi_local 16 KiB less one, 1 stream each.
    for (id, value) in [
        (0x01, 10_000),
        (0x04, VARINT2_MAX),
        (0x05, VARINT2_MAX),
        (0x08, 1),
        (0x09, 3),
    ] {
        let Some(value) = varint(value) else { continue };
        parameters.extend([id, 2]);
        parameters.extend(value);
    }
    parameters.extend([0x0f, u8::try_from(ID_BYTES).unwrap_or(0)]);
    parameters.extend(ids.client);
    parameters
}

/// A datagram of one protected Initial with these frames, padded as it must be.
pub(super) fn initial(ids: &Ids, number: u32, frames: &[u8]) -> Result<Vec<u8>, Error> {
    let suite = TLS13_AES_128_GCM_SHA256
        .tls13()
        .and_then(Tls13CipherSuite::quic_suite);
    let too_long = || Error::General("frames do not fit an Initial".to_owned());
    let suite = suite.ok_or_else(|| Error::General("no cipher for QUIC".to_owned()))?;
    let keys: Keys = suite.keys(&ids.server, Side::Client, Version::V1);
    let packet = &keys.local.packet;
    let id_length = u8::try_from(ID_BYTES).map_err(|_| too_long())?;
    let mut header = vec![0xc0 | u8::try_from(NUMBER_BYTES - 1).map_err(|_| too_long())?];
    header.extend(1u32.to_be_bytes());
    header.push(id_length);
    header.extend(ids.server);
    header.push(id_length);
    header.extend(ids.client);
    header.push(0); // no token
    let fixed = header.len() + 2 + NUMBER_BYTES + packet.tag_len();
    let mut payload = frames.to_vec();
    payload.resize(payload.len().max(DATAGRAM_MIN_BYTES - fixed), 0);
    let length = varint(NUMBER_BYTES + payload.len() + packet.tag_len()).ok_or_else(too_long)?;
    header.extend(length);
    let number_at = header.len();
    header.extend(number.to_be_bytes());
    let tag = packet.encrypt_in_place(number.into(), &header, &mut payload)?;
    let mut datagram = header;
    datagram.extend(payload);
    datagram.extend(tag.as_ref());
    // The sample begins four bytes behind the number's start (RFC 9001, section 5.4.2).
    let sample_at = number_at + 4;
    let sample = datagram[sample_at..sample_at + keys.local.header.sample_len()].to_vec();
    let (first, rest) = datagram.split_at_mut(1);
    let number_bytes = &mut rest[number_at - 1..number_at - 1 + NUMBER_BYTES];
    keys.local
        .header
        .encrypt_in_place(&sample, &mut first[0], number_bytes)?;
    Ok(datagram)
}

/// What a datagram says that answers our Initial: its long header must name us.
pub(super) fn read_answer(datagram: &[u8], ids: &Ids) -> Option<Answer> {
    let (first, rest) = datagram.split_first()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    let (id_length, rest) = rest.split_first()?;
    let named = rest.get(..usize::from(*id_length))?;
    if first & 0x80 == 0 || named != ids.client {
        return None;
    }
    match (u32::from_be_bytes(*version), (first >> 4) & 0b11) {
        (0, _) => Some(Answer::VersionNegotiation),
        (1, 0) => Some(Answer::Initial),
        (1, 2) => Some(Answer::Handshake),
        (1, 3) => Some(Answer::Retry),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IDS: Ids = Ids {
        server: [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08],
        client: *b"tonle-me",
    };

    fn keys(side: Side) -> Keys {
        let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
        suite
            .quic_suite()
            .unwrap()
            .keys(&IDS.server, side, Version::V1)
    }

    #[test]
    fn a_server_can_read_an_initial() {
        let frame = crypto_frame(b"hello").unwrap();
        let mut datagram = initial(&IDS, 7, &frame).unwrap();
        assert_eq!(datagram.len(), DATAGRAM_MIN_BYTES);
        let server = keys(Side::Server);
        let number_at = 1 + 4 + 1 + ID_BYTES + 1 + ID_BYTES + 1 + 2;
        let sample = datagram[number_at + 4..number_at + 20].to_vec();
        let (first, rest) = datagram.split_at_mut(1);
        let number = &mut rest[number_at - 1..number_at + 3];
        let header = &server.remote.header;
        header
            .decrypt_in_place(&sample, &mut first[0], number)
            .unwrap();
        assert_eq!(number, [0, 0, 0, 7]);
        assert_eq!(first[0], 0xc3);
        let (header, payload) = datagram.split_at_mut(number_at + 4);
        let plain = server
            .remote
            .packet
            .decrypt_in_place(7, header, payload)
            .unwrap();
        assert!(plain.starts_with(&frame));
        assert!(plain[frame.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn only_an_answer_that_names_us_is_one() {
        let answer = |first: u8, version: u32, id: &[u8]| {
            let mut datagram = vec![first];
            datagram.extend(version.to_be_bytes());
            datagram.push(u8::try_from(id.len()).unwrap());
            datagram.extend(id);
            read_answer(&datagram, &IDS)
        };
        assert_eq!(answer(0xc0, 1, &IDS.client), Some(Answer::Initial));
        assert_eq!(answer(0xe0, 1, &IDS.client), Some(Answer::Handshake));
        assert_eq!(answer(0xf0, 1, &IDS.client), Some(Answer::Retry));
        assert_eq!(
            answer(0x80, 0, &IDS.client),
            Some(Answer::VersionNegotiation)
        );
        assert_eq!(answer(0xc0, 1, &IDS.server), None);
        assert_eq!(answer(0x40, 1, &IDS.client), None);
        // What an echo service sends back is our own packet.
        let own = initial(&IDS, 0, b"").unwrap();
        assert_eq!(read_answer(&own, &IDS), None);
    }

    #[test]
    fn frames_that_do_not_fit_are_refused() {
        assert!(initial(&IDS, 0, &vec![0; 20_000]).is_err());
        assert_eq!(crypto_frame(&vec![0; 20_000]), None);
    }

    proptest! {
        #[test]
        fn any_datagram_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_answer(&bytes, &IDS);
        }
    }
}
