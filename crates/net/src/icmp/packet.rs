//! ICMP echo messages as bytes (RFC 792, RFC 4443): requests made, replies and quoted requests read.
//! No IO.
//!
//! A request is type, code, checksum, identifier, sequence, then 56 bytes of payload as `ping`
//! sends: the train's cookie, the complement of the sequence, and zeros. The cookie tells our
//! replies from those to other programs. The complement keeps the checksum the same throughout a
//! train, so that routers which spread flows by it send every probe the same way (as Paris
//! traceroute does).

/// Bytes of an ICMP header.
const HEADER_BYTES: usize = 8;
/// Bytes of payload.
const PAYLOAD_BYTES: usize = 56;
/// Bytes of an echo message.
pub(super) const MESSAGE_BYTES: usize = HEADER_BYTES + PAYLOAD_BYTES;
/// Protocol number of ICMP in an IPv4 header.
const PROTOCOL_ICMP: u8 = 1;

/// Random bytes that every probe of a train carries.
pub(super) type Cookie = [u8; 8];

/// The version of IP that carries the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// Type of an echo request.
    fn request_type(self) -> u8 {
        match self {
            Self::V4 => 8,
            Self::V6 => 128,
        }
    }

    /// Type of an echo reply.
    fn reply_type(self) -> u8 {
        match self {
            Self::V4 => 0,
            Self::V6 => 129,
        }
    }
}

/// What tells one probe from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) identifier: u16,
    pub(super) sequence: u16,
}

/// An echo request. The checksum of IPv6 covers addresses and is the kernel's work; with a datagram
/// socket so is the other, and the identifier.
pub(super) fn request(family: Family, echo: Echo, cookie: Cookie) -> [u8; MESSAGE_BYTES] {
    let mut message = [0; MESSAGE_BYTES];
    message[0] = family.request_type();
    message[4..6].copy_from_slice(&echo.identifier.to_be_bytes());
    message[6..8].copy_from_slice(&echo.sequence.to_be_bytes());
    message[8..16].copy_from_slice(&cookie);
    message[16..18].copy_from_slice(&(!echo.sequence).to_be_bytes());
    if family == Family::V4 {
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

/// The echo that `message` replies to, when it is a sound reply to a request with this cookie.
pub(super) fn reply(family: Family, message: &[u8], cookie: Cookie) -> Option<Echo> {
    let echo = echo_of(message, family.reply_type())?;
    let is_sound = family == Family::V6 || checksum(message) == 0;
    (is_sound && carries(message, echo, cookie)).then_some(echo)
}

/// The echo whose request an ICMP error quotes. Routers may quote no more than the header
/// (RFC 792); what more they quote must be ours.
pub(super) fn quoted(family: Family, message: &[u8], cookie: Cookie) -> Option<Echo> {
    let echo = echo_of(message, family.request_type())?;
    let payload = &message[HEADER_BYTES..];
    let known = payload.len().min(cookie.len());
    (payload[..known] == cookie[..known]).then_some(echo)
}

/// What follows the IPv4 header of a packet from a raw socket; `None` when it is no ICMP.
pub(super) fn behind_ip_header(packet: &[u8]) -> Option<&[u8]> {
    let first = *packet.first()?;
    let header_bytes = usize::from(first & 0x0f) * 4;
    let is_icmp = first >> 4 == 4 && header_bytes >= 20 && *packet.get(9)? == PROTOCOL_ICMP;
    packet.get(header_bytes..).filter(|_| is_icmp)
}

fn echo_of(message: &[u8], kind: u8) -> Option<Echo> {
    let header = message.first_chunk::<HEADER_BYTES>()?;
    let is_of_kind = header[0] == kind && header[1] == 0;
    is_of_kind.then(|| Echo {
        identifier: u16::from_be_bytes([header[4], header[5]]),
        sequence: u16::from_be_bytes([header[6], header[7]]),
    })
}

fn carries(message: &[u8], echo: Echo, cookie: Cookie) -> bool {
    let complement = (!echo.sequence).to_be_bytes();
    message.get(8..16) == Some(&cookie[..]) && message.get(16..18) == Some(&complement[..])
}

/// The Internet checksum (RFC 1071); 0 over a message that holds its own right one.
fn checksum(message: &[u8]) -> u16 {
    let words = message
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("it was folded to sixteen bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COOKIE: Cookie = *b"a cookie";

    fn reply_to(family: Family, request: &[u8; MESSAGE_BYTES]) -> [u8; MESSAGE_BYTES] {
        let mut message = *request;
        message[0] = family.reply_type();
        message[2..4].fill(0);
        if family == Family::V4 {
            let sum = checksum(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        message
    }

    fn family(is_v6: bool) -> Family {
        if is_v6 { Family::V6 } else { Family::V4 }
    }

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        // The example of RFC 1071, section 3: the sum of these words is ddf2.
        let words = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&words), !0xddf2);
        assert_eq!(checksum(&[0xff]), !0xff00);
    }

    #[test]
    fn every_probe_of_a_train_has_the_same_checksum() {
        let sums: Vec<[u8; 2]> = (0..1_000)
            .map(|sequence| {
                let echo = Echo {
                    identifier: 7,
                    sequence,
                };
                let message = request(Family::V4, echo, COOKIE);
                assert_eq!(checksum(&message), 0);
                [message[2], message[3]]
            })
            .collect();
        assert!(sums.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn an_ip_header_is_passed_with_its_options() {
        let mut packet = vec![0; 24];
        packet[0] = 0x46;
        packet[9] = PROTOCOL_ICMP;
        packet.extend(b"icmp");
        assert_eq!(behind_ip_header(&packet), Some(&b"icmp"[..]));
        packet[9] = 17;
        assert_eq!(behind_ip_header(&packet), None);
    }

    proptest! {
        #[test]
        fn a_reply_reads_back_and_another_programs_does_not(is_v6: bool, identifier: u16, sequence: u16, other: Cookie) {
            let (family, echo) = (family(is_v6), Echo { identifier, sequence });
            let message = reply_to(family, &request(family, echo, COOKIE));
            prop_assert_eq!(reply(family, &message, COOKIE), Some(echo));
            prop_assume!(other != COOKIE);
            prop_assert_eq!(reply(family, &message, other), None);
        }

        #[test]
        fn a_changed_bit_is_no_reply_of_ours(sequence: u16, bit in 0..MESSAGE_BYTES * 8) {
            let echo = Echo { identifier: 1, sequence };
            let mut message = reply_to(Family::V4, &request(Family::V4, echo, COOKIE));
            message[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(reply(Family::V4, &message, COOKIE), None);
        }

        #[test]
        fn a_quoted_request_is_known_however_little_is_quoted(is_v6: bool, identifier: u16, sequence: u16, length in 8..MESSAGE_BYTES) {
            let (family, echo) = (family(is_v6), Echo { identifier, sequence });
            let message = request(family, echo, COOKIE);
            prop_assert_eq!(quoted(family, &message[..length], COOKIE), Some(echo));
            prop_assert_eq!(quoted(family, &message[..7], COOKIE), None);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), is_v6: bool) {
            let family = family(is_v6);
            let _ = reply(family, &bytes, COOKIE);
            let _ = quoted(family, &bytes, COOKIE);
            let _ = behind_ip_header(&bytes).map(checksum);
        }
    }
}
