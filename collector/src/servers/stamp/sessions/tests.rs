//! The reflector's rules on made packets, and as properties over any bytes from anywhere.
use super::*;
use proptest::prelude::*;
use tonle_wire::stamp::ReflectorPacket;

const T3: Timestamp = Timestamp(0xec12_3456_9000_0000);

fn key() -> Key {
    Key::new(vec![7; 32]).unwrap()
}

fn client() -> IpAddr {
    "192.0.2.7".parse().unwrap()
}

fn packet(ssid: u16, sequence: u32, key: Option<&Key>) -> Vec<u8> {
    let sender = SenderPacket {
        sequence,
        timestamp: Timestamp(5),
        error_estimate: ErrorEstimate::of_clock(false),
        ssid,
    };
    sender.write(key)
}

fn send(
    sessions: &mut Sessions,
    now_us: i64,
    from: IpAddr,
    bytes: &[u8],
) -> Result<Vec<u8>, Dropped> {
    let arrived = Arrived {
        bytes,
        from,
        receive: Timestamp(6),
        ttl: Some(57),
    };
    sessions.reflect(now_us, arrived, || (T3, ErrorEstimate::of_clock(true)))
}

/// A session of the client's, at time 0.
fn granted() -> (Sessions, u16) {
    let mut sessions = Sessions::new(8, Vec::new());
    let ssid = sessions.grant(0, client(), key(), 9).unwrap();
    (sessions, ssid)
}

#[test]
fn a_session_numbers_its_replies_from_zero_whatever_the_sender_counts() {
    let (mut sessions, ssid) = granted();
    for (number, sequence) in [(0, 70), (1, 71), (2, 71), (3, 2)] {
        let reply = send(
            &mut sessions,
            0,
            client(),
            &packet(ssid, sequence, Some(&key())),
        )
        .unwrap();
        let reply = ReflectorPacket::read(&reply, Some(&key())).unwrap();
        assert_eq!((reply.sequence, reply.sender_sequence), (number, sequence));
        assert_eq!((reply.receive, reply.transmit), (Timestamp(6), T3));
        assert_eq!((reply.sender_ttl, reply.ssid), (57, ssid));
        assert!(reply.error_estimate.is_synchronised());
    }
}

#[test]
fn a_packet_that_breaks_a_rule_is_dropped() {
    let (mut sessions, ssid) = granted();
    let good = packet(ssid, 0, Some(&key()));
    let elsewhere = "192.0.2.8".parse().unwrap();
    let other = Key::new(vec![8; 32]).unwrap();
    let life_us = i64::from(LIFE_S) * 1_000_000;
    for (now_us, from, bytes, dropped) in [
        (0, elsewhere, good.clone(), Dropped::Session),
        (
            0,
            client(),
            packet(ssid + 1, 0, Some(&key())),
            Dropped::Session,
        ),
        (0, client(), packet(ssid, 0, Some(&other)), Dropped::Hmac),
        (0, client(), packet(ssid, 0, None), Dropped::Length),
        (0, client(), good[..111].to_vec(), Dropped::Length),
        (0, client(), vec![0; PACKET_MAX_BYTES + 1], Dropped::Length),
        (life_us, client(), good.clone(), Dropped::Session),
    ] {
        assert_eq!(send(&mut sessions, now_us, from, &bytes), Err(dropped));
    }
    let reply = send(&mut sessions, life_us - 1, client(), &good).unwrap();
    let reply = ReflectorPacket::read(&reply, Some(&key())).unwrap();
    assert_eq!(reply.sequence, 0, "what was dropped has no number");
}

#[test]
fn an_ipv4_client_is_the_same_through_an_ipv6_socket() {
    let (mut sessions, ssid) = granted();
    let mapped = "::ffff:192.0.2.7".parse().unwrap();
    assert!(send(&mut sessions, 0, mapped, &packet(ssid, 0, Some(&key()))).is_ok());
}

#[test]
fn a_session_has_a_rate_and_an_end() {
    let (mut sessions, ssid) = granted();
    let good = packet(ssid, 0, Some(&key()));
    let mut send_at = |now_us| send(&mut sessions, now_us, client(), &good);
    for _ in 0..RATE_MAX_PPS {
        assert!(send_at(0).is_ok());
    }
    assert_eq!(send_at(0), Err(Dropped::Excess));
    let mut reflected = RATE_MAX_PPS;
    for tick in 1..6_000 {
        reflected += u32::from(send_at(tick * 20_000).is_ok());
    }
    assert_eq!(reflected, PACKETS_MAX, "no more than the session's packets");
}

#[test]
fn a_source_may_have_some_sessions_and_ask_for_some() {
    let mut sessions = Sessions::new(1, Vec::new());
    let host = |number: u8| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()]);
    for number in 0..4 {
        sessions.grant(0, host(number), key(), 9).unwrap();
    }
    let fifth = sessions.grant(0, host(4), key(), 9);
    assert_eq!(fifth, Err(NoSession::Source), "one /64 is one source");
    let next_us = i64::from(LIFE_S) * 1_000_000;
    assert!(sessions.grant(next_us, host(4), key(), 9).is_ok());
    let mut generous = Sessions::new(1_000, Vec::new());
    let asked = (0..40).filter(|_| generous.grant(0, client(), key(), 9).is_ok());
    assert_eq!(asked.count(), 32);
}

#[test]
fn sessions_are_bounded_and_their_names_are_their_own() {
    let mut sessions = Sessions::new(8, Vec::new());
    let mut names = std::collections::BTreeSet::new();
    for number in 0..u32::try_from(SESSIONS_MAX).unwrap() {
        let ssid = sessions.grant(0, IpAddr::from((number + 1).to_be_bytes()), key(), u16::MAX);
        assert!(names.insert(ssid.unwrap()));
    }
    assert!(!names.contains(&0));
    let full = sessions.grant(0, IpAddr::from([0, 0, 0, 0]), key(), 5);
    assert_eq!(full, Err(NoSession::Overload));
}

#[test]
fn open_packets_are_answered_to_named_networks_only_and_without_a_count() {
    let mut closed = Sessions::new(8, Vec::new());
    let open = packet(3, 41, None);
    assert_eq!(send(&mut closed, 0, client(), &open), Err(Dropped::Length));
    let mut sessions = Sessions::new(8, vec!["192.0.2.0/28".parse().unwrap()]);
    for _ in 0..2 {
        let reply = send(&mut sessions, 0, client(), &open).unwrap();
        let reply = ReflectorPacket::read(&reply, None).unwrap();
        assert_eq!((reply.sequence, reply.ssid), (41, 3));
    }
    let outside = "192.0.2.16".parse().unwrap();
    assert!(send(&mut sessions, 0, outside, &open).is_err());
}

proptest! {
    #[test]
    fn what_is_not_authenticated_is_not_answered(bytes in proptest::collection::vec(any::<u8>(), 0..1600), same_ssid: bool, from in prop_oneof![Just(client()), any::<IpAddr>()]) {
        let (mut sessions, ssid) = granted();
        let mut bytes = bytes;
        if let (true, Some(place)) = (same_ssid, bytes.get_mut(26..28)) {
            place.copy_from_slice(&ssid.to_be_bytes());
        }
        prop_assert!(send(&mut sessions, 0, from, &bytes).is_err());
        prop_assert_eq!(sessions.by_ssid.len(), 1);
        prop_assert_eq!(sessions.by_source.len(), 1);
    }

    #[test]
    fn a_reply_is_as_long_as_its_packet(options in proptest::collection::vec(any::<u8>(), 0..1400), sequence: u32) {
        let (mut sessions, ssid) = granted();
        let mut bytes = packet(ssid, sequence, Some(&key()));
        bytes.extend(options);
        match send(&mut sessions, 0, client(), &bytes) {
            Ok(reply) => prop_assert_eq!(reply.len(), bytes.len()),
            Err(dropped) => {
                prop_assert_eq!(dropped, Dropped::Length);
                prop_assert!(bytes.len() > PACKET_MAX_BYTES);
            }
        }
    }
}
