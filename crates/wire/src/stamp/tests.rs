//! STAMP packets against bytes made elsewhere (Python's struct and hmac), and as properties.
use super::packet::ssid_of;
use super::session::{BadGrant, Grant};
use super::*;
use proptest::prelude::*;

const SENDER_OPEN: &str = "00000007ec1234568000000096011234\
    00000000000000000000000000000000000000000000000000000000";
const REFLECTOR_OPEN: &str = "00000005ec1234569000000000011234ec12345688000000\
    00000007ec123456800000009601000039000000";
const SENDER_AUTHENTICATED: &str = "00000007000000000000000000000000ec12345680000000\
    960112340000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    0000000000000000000000000000000000000000000000005f492cbde56b6951a6a611c31a94d980";
const REFLECTOR_AUTHENTICATED: &str = "00000005000000000000000000000000ec12345690000000\
    0001123400000000ec12345688000000000000000000000000000007000000000000000000000000ec12345680000000\
    960100000000000039000000000000000000000000000000789da0d8532fe00eeaf987225dc9ed42";

fn key() -> Key {
    Key::new((0..32).collect()).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs
        .map(|pair| u8::from_str_radix(&pair, 16).unwrap())
        .collect()
}

fn sender() -> SenderPacket {
    SenderPacket {
        sequence: 7,
        timestamp: Timestamp(0xec12_3456_8000_0000),
        error_estimate: ErrorEstimate::of_clock(true),
        ssid: 0x1234,
    }
}

fn reflector() -> ReflectorPacket {
    ReflectorPacket {
        sequence: 5,
        transmit: Timestamp(0xec12_3456_9000_0000),
        error_estimate: ErrorEstimate::of_clock(false),
        ssid: 0x1234,
        receive: Timestamp(0xec12_3456_8800_0000),
        sender_sequence: 7,
        sender_timestamp: sender().timestamp,
        sender_error_estimate: sender().error_estimate,
        sender_ttl: 57,
    }
}

#[test]
fn packets_are_the_golden_bytes_in_both_layouts() {
    for (key, ours, theirs) in [
        (None, SENDER_OPEN, REFLECTOR_OPEN),
        (Some(&key()), SENDER_AUTHENTICATED, REFLECTOR_AUTHENTICATED),
    ] {
        assert_eq!(sender().write(key), bytes(ours));
        assert_eq!(reflector().write(key), bytes(theirs));
        assert_eq!(SenderPacket::read(&bytes(ours), key), Ok(sender()));
        assert_eq!(ReflectorPacket::read(&bytes(theirs), key), Ok(reflector()));
        assert_eq!(ssid_of(&bytes(ours), key.is_some()), Some(0x1234));
    }
}

#[test]
fn a_short_packet_of_a_sender_reads_as_if_filled_with_zeros() {
    let whole = sender().write(None);
    let without_ssid = SenderPacket {
        ssid: 0,
        ..sender()
    };
    assert_eq!(SenderPacket::read(&whole[..14], None), Ok(without_ssid));
    assert_eq!(
        SenderPacket::read(&whole[..13], None),
        Err(BadPacket::Short(13))
    );
    let reply = reflector().write(None);
    assert_eq!(
        ReflectorPacket::read(&reply[..43], None),
        Err(BadPacket::Short(43))
    );
}

#[test]
fn any_changed_bit_of_an_authenticated_packet_is_noticed() {
    let good = sender().write(Some(&key()));
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(SenderPacket::read(&bad, Some(&key())), Err(BadPacket::Hmac));
    }
}

#[test]
fn ntp_time_has_its_epoch_and_its_next_era() {
    // RFC 5905, figure 4: 1 January 1970 is second 2 208 988 800; era 1 begins 7 February 2036.
    assert_eq!(
        Timestamp::from_unix_ns(0, TimeFormat::Ntp).0,
        2_208_988_800 << 32
    );
    let era_1_ns = 2_085_978_496 * 1_000_000_000;
    assert_eq!(Timestamp::from_unix_ns(era_1_ns, TimeFormat::Ntp).0, 0);
    assert_eq!(Timestamp(0).unix_ns(TimeFormat::Ntp), era_1_ns);
    assert_eq!(
        Timestamp(1 << 32 | 5).unix_ns(TimeFormat::Ptp),
        1_000_000_005
    );
}

#[test]
fn the_error_estimate_says_synchronisation_and_format_and_is_never_zero() {
    assert!(ErrorEstimate::of_clock(true).is_synchronised());
    assert!(!ErrorEstimate::of_clock(false).is_synchronised());
    assert_eq!(ErrorEstimate(0x4001).format(), TimeFormat::Ptp);
    for synchronised in [true, false] {
        let estimate = ErrorEstimate::of_clock(synchronised);
        assert_eq!(estimate.format(), TimeFormat::Ntp);
        assert_ne!(estimate.0 & 0xff, 0, "RFC 8762: the multiplier is not zero");
    }
}

#[test]
fn signed_options_come_back_signed_and_unknown_ones_flagged() {
    let sent = bytes("800200040102030480080010ad87edb374bf0d3fecb6769797751769");
    let reply = bytes("800200040102030400080010f6411644e2a6db6faab189912a4b1421");
    assert_eq!(tlv::reflect(&sent, Some(&key()), 7, 5), reply);
    let mut changed = sent.clone();
    changed[5] ^= 1;
    let flagged = tlv::reflect(&changed, Some(&key()), 7, 5);
    assert_eq!(flagged[0], tlv::UNRECOGNISED | tlv::INTEGRITY);
    assert_eq!(flagged[8], tlv::INTEGRITY);
}

#[test]
fn padding_is_understood_and_a_length_beyond_the_packet_is_malformed() {
    let padding = [0x80, tlv::EXTRA_PADDING, 0, 2, 9, 9];
    assert_eq!(tlv::reflect(&padding, None, 0, 0), [0, 1, 0, 2, 9, 9]);
    let too_long = [0x80, tlv::EXTRA_PADDING, 0, 9, 9, 9];
    assert_eq!(tlv::reflect(&too_long, None, 0, 0)[0], tlv::MALFORMED);
}

fn reflection() -> Reflection {
    Reflection {
        sequence: reflector().sequence,
        receive: reflector().receive,
        transmit: reflector().transmit,
        error_estimate: reflector().error_estimate,
        sender_ttl: reflector().sender_ttl,
    }
}

#[test]
fn a_reply_is_the_golden_bytes_and_as_long_as_its_packet() {
    for (key, ours, theirs) in [
        (None, SENDER_OPEN, REFLECTOR_OPEN),
        (Some(&key()), SENDER_AUTHENTICATED, REFLECTOR_AUTHENTICATED),
    ] {
        let packet = bytes(ours);
        let reply = reflect::reply(&packet, &sender(), key, reflection());
        assert_eq!(reply, Some(bytes(theirs)));
        let short = &packet[..packet.len() - 1];
        assert_eq!(reflect::reply(short, &sender(), key, reflection()), None);
        let longer = [&packet[..], &[0x80, tlv::EXTRA_PADDING, 0, 2, 9, 9]].concat();
        let reply = reflect::reply(&longer, &sender(), key, reflection()).unwrap();
        assert_eq!(reply.len(), longer.len());
        assert_eq!(reply[packet.len()..], [0, tlv::EXTRA_PADDING, 0, 2, 9, 9]);
    }
}

#[test]
fn a_grant_reads_back_with_its_key() {
    let grant = Grant {
        port: 8620,
        ssid: 9,
        key: Grant::key_text(&[7; 32]),
        expires_s: 120,
        packets_max: 100,
        rate_max_pps: 50,
    };
    let (read, key) = Grant::read(grant.write().as_bytes()).unwrap();
    assert_eq!(read, grant);
    assert!(key.verifies(&[b"x"], &Key::new(vec![7; 32]).unwrap().sign(&[b"x"])));
    let empty = Grant {
        packets_max: 0,
        ..grant.clone()
    };
    assert!(matches!(
        Grant::read(empty.write().as_bytes()),
        Err(BadGrant::Empty)
    ));
    let short = Grant {
        key: Grant::key_text(&[7; 15]),
        ..grant
    };
    assert!(matches!(
        Grant::read(short.write().as_bytes()),
        Err(BadGrant::Key)
    ));
    assert!(!format!("{key:?}").contains('7'), "a key is never shown");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(packet in proptest::collection::vec(any::<u8>(), 0..300), sequence: u32) {
        for key in [None, Some(&key())] {
            let _ = (SenderPacket::read(&packet, key), ReflectorPacket::read(&packet, key));
            prop_assert_eq!(tlv::reflect(&packet, key, sequence, sequence).len(), packet.len());
        }
        let _ = (ssid_of(&packet, true), ssid_of(&packet, false), Grant::read(&packet));
    }

    #[test]
    fn written_packets_read_back(sequence: u32, time: u64, estimate: u16, ssid: u16, other: u64, number: u32, ttl: u8) {
        let ours = SenderPacket { sequence, timestamp: Timestamp(time), error_estimate: ErrorEstimate(estimate), ssid };
        let theirs = ReflectorPacket {
            sequence: number, transmit: Timestamp(other), error_estimate: ErrorEstimate(estimate), ssid,
            receive: Timestamp(!other), sender_sequence: sequence, sender_timestamp: Timestamp(time),
            sender_error_estimate: ErrorEstimate(!estimate), sender_ttl: ttl,
        };
        for key in [None, Some(&key())] {
            prop_assert_eq!(SenderPacket::read(&ours.write(key), key), Ok(ours));
            prop_assert_eq!(ReflectorPacket::read(&theirs.write(key), key), Ok(theirs));
        }
    }

    #[test]
    fn a_time_survives_both_formats(unix_ns in 0_i64..4_000_000_000_000_000_000) {
        for format in [TimeFormat::Ntp, TimeFormat::Ptp] {
            prop_assert_eq!(Timestamp::from_unix_ns(unix_ns, format).unix_ns(format), unix_ns);
        }
    }
}
