//! The first packet of a QUIC connection, recognised from outside. Nothing is decrypted.
//!
//! Sources: RFC 9000 section 17.2 and 17.2.2 (version 1), RFC 9369 section 3.2 (version 2).

/// Long header and fixed bit.
const LONG_HEADER: u8 = 0xc0;
/// Where the type is in the first byte.
const TYPE: u8 = 0x30;
/// Version 2.
const VERSION_2: u32 = 0x6b33_43cf;

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

#[cfg(test)]
mod tests {
    use super::is_initial;

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
