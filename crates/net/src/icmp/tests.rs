//! Trains over loopback, by whichever socket the system permits here; the datagram one is opened to
//! everybody in `tests/privileged`.
use super::*;
use crate::clock::Stopwatch;
use crate::testing::settings;
use std::time::Duration;
use tonle_evidence::observation::Observation;

const TWO: [&str; 2] = ["127.0.0.1", "::1"];

fn plan(probes: u16) -> Plan {
    Plan {
        probes,
        spacing: Duration::from_millis(2),
        timeout: Duration::from_secs(3),
        first_sequence: 65_534,
    }
}

/// Whether the kernel gives this process an ICMP socket.
fn permitted() -> bool {
    [socket2::Type::DGRAM, socket2::Type::RAW]
        .into_iter()
        .any(|kind| {
            socket2::Socket::new(socket2::Domain::IPV4, kind, Some(socket2::Protocol::ICMPV4))
                .is_ok()
        })
}

async fn run(socket: &EchoSocket, probes: u16) -> (Vec<Option<i64>>, Vec<Observation>) {
    let mut seen = Vec::new();
    let clock = Stopwatch::start();
    let rtts = train(socket, &clock, plan(probes), || true, |one| seen.push(one)).await;
    (rtts, seen)
}

#[tokio::test]
async fn a_train_is_answered_or_the_system_does_not_permit_it() {
    for target in TWO {
        let socket = match EchoSocket::open(&settings(), target.parse().unwrap()) {
            Ok(socket) => socket,
            Err(error) => {
                assert!(!permitted());
                assert!(matches!(error, CannotPing::NotPermitted), "{error}");
                continue;
            }
        };
        let (rtts, seen) = run(&socket, 4).await;
        assert_eq!(rtts.iter().flatten().count(), 4, "{target}: {seen:?}");
        let mut sequences: Vec<u64> = Vec::new();
        for one in &seen {
            assert_eq!(one.operation, "icmp_echo");
            assert_eq!(one.failure, None);
            assert_eq!(one.subject.as_deref(), Some("loopback"));
            assert_eq!(one.detail["probe"], socket.probe());
            assert_eq!(one.detail["kernel_time"], true);
            assert_eq!(one.detail["ttl"], 64);
            sequences.push(one.detail["sequence"].as_u64().unwrap());
        }
        sequences.sort_unstable();
        assert_eq!(sequences, [0, 1, 65_534, 65_535]);
    }
}

#[tokio::test]
async fn trains_side_by_side_do_not_take_each_others_replies() {
    let target = TWO[0].parse().unwrap();
    let (Ok(one), Ok(other)) = (
        EchoSocket::open(&settings(), target),
        EchoSocket::open(&settings(), target),
    ) else {
        return assert!(!permitted());
    };
    let (one, other) = tokio::join!(run(&one, 20), run(&other, 20));
    for (rtts, seen) in [one, other] {
        assert_eq!(rtts.iter().flatten().count(), 20);
        assert_eq!(seen.len(), 20, "no duplicates: {seen:?}");
    }
}

#[tokio::test]
async fn a_train_stops_when_it_may_not_go_on() {
    let Ok(socket) = EchoSocket::open(&settings(), TWO[0].parse().unwrap()) else {
        return assert!(!permitted());
    };
    let clock = Stopwatch::start();
    let (mut asked, mut seen) = (0, 0);
    let may_send = || {
        asked += 1;
        asked <= 2
    };
    let rtts = train(&socket, &clock, plan(9), may_send, |_| seen += 1).await;
    assert_eq!((rtts.len(), seen, asked), (2, 2, 3));
}

#[tokio::test]
async fn a_special_address_is_not_pinged() {
    let mut strict = settings();
    strict.allow_loopback = false;
    assert!(matches!(
        EchoSocket::open(&strict, TWO[0].parse().unwrap()),
        Err(CannotPing::SpecialAddress)
    ));
}
