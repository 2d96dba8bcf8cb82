//! A train against a small reflector of these tests, over real sockets on loopback.
use super::*;
use crate::testing::settings;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::future::pending;
use std::net::UdpSocket;

fn key() -> Key {
    Key::new(vec![7; 32]).unwrap()
}

fn plan(packets_max: u32) -> Plan {
    Plan {
        packets_max,
        gap: Duration::from_millis(2),
        bytes_max: 1 << 20,
        clock_synchronised: true,
    }
}

/// Answers each packet by the datagrams that `reflect` makes of it and of its number.
fn reflector(
    address: &str,
    key: Option<Key>,
    reflect: impl Fn(u32, ReflectorPacket) -> Vec<Vec<u8>> + Send + 'static,
) -> Session {
    let socket = UdpSocket::bind(address).unwrap();
    let session = Session {
        peer: socket.local_addr().unwrap(),
        ssid: 5,
        key: key.clone(),
        stateful: true,
    };
    std::thread::spawn(move || {
        let mut buffer = [0; 200];
        let mut sequence = 0;
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let packet = SenderPacket::read(&buffer[..length], key.as_ref()).unwrap();
            let reply = ReflectorPacket {
                sequence,
                transmit: packet.timestamp,
                error_estimate: ErrorEstimate::of_clock(true),
                ssid: packet.ssid,
                receive: packet.timestamp,
                sender_sequence: packet.sequence,
                sender_timestamp: packet.timestamp,
                sender_error_estimate: packet.error_estimate,
                sender_ttl: 64,
            };
            sequence += 1;
            for datagram in reflect(packet.sequence, reply) {
                let _ = socket.send_to(&datagram, from);
            }
        }
    });
    session
}

async fn train(session: &Session, plan: Plan) -> Trained {
    let (clock, meter) = (Stopwatch::start(), Meter::default());
    let mut random = StdRng::seed_from_u64(1);
    let trained = run(
        &settings(),
        &clock,
        session,
        plan,
        &meter,
        &mut random,
        pending(),
    )
    .await;
    assert!(meter.bytes() <= plan.bytes_max);
    trained
}

#[tokio::test]
async fn every_packet_is_answered_in_both_layouts_and_families() {
    for (address, key) in [("127.0.0.1:0", None), ("[::1]:0", Some(key()))] {
        let own = key.clone();
        let session = reflector(address, key, move |_, reply| {
            vec![reply.write(own.as_ref())]
        });
        let (seen, result) = train(&session, plan(20)).await;
        let result = result.unwrap();
        assert_eq!(seen.failure, None);
        assert_eq!((result.sent_ns.len(), result.answers.len()), (20, 20));
        assert_eq!(result.loss.unwrap().backward, (0, 20));
        assert!(result.answers.iter().all(|answer| answer.rtt_ns > 0));
        assert_eq!(seen.detail["timed_by_kernel"], true);
    }
}

#[tokio::test]
async fn one_way_delay_needs_both_clocks_synchronised() {
    let session = reflector("127.0.0.1:0", None, |_, reply| vec![reply.write(None)]);
    let (_, both) = train(&session, plan(2)).await;
    assert!(both.unwrap().answers[0].one_way_ns.is_some());
    let session = reflector("127.0.0.1:0", None, |_, reply| vec![reply.write(None)]);
    let only_theirs = Plan {
        clock_synchronised: false,
        ..plan(2)
    };
    let (_, one) = train(&session, only_theirs).await;
    assert_eq!(one.unwrap().answers[0].one_way_ns, None);
}

#[tokio::test]
async fn what_is_no_reply_of_this_train_is_not_counted() {
    let session = reflector("127.0.0.1:0", Some(key()), |_, reply| {
        let forged = reply.write(Some(&Key::new(vec![8; 32]).unwrap()));
        let other_session = ReflectorPacket { ssid: 6, ..reply }.write(Some(&key()));
        let never_sent = ReflectorPacket {
            sender_sequence: 99,
            ..reply
        };
        vec![
            forged,
            other_session,
            never_sent.write(Some(&key())),
            vec![0; 3],
            reply.write(Some(&key())),
        ]
    });
    let (seen, result) = train(&session, plan(5)).await;
    let result = result.unwrap();
    assert_eq!((result.answers.len(), result.duplicated), (5, 0));
    assert_eq!(seen.detail["not_replies"], 20);
}

#[tokio::test]
async fn a_closed_port_is_refused_and_the_train_ends() {
    let session = Session {
        peer: {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.local_addr().unwrap()
        },
        ssid: 0,
        key: None,
        stateful: true,
    };
    let (seen, result) = train(&session, plan(1000)).await;
    assert_eq!(seen.failure, Some(Failure::ConnectionRefused));
    assert!(result.unwrap().sent_ns.len() < 1000);
}

#[tokio::test]
async fn a_train_never_costs_more_than_it_may() {
    let session = reflector("127.0.0.1:0", None, |_, reply| vec![reply.write(None)]);
    let capped = Plan {
        bytes_max: 10 * 2 * (44 + 28),
        ..plan(1000)
    };
    let (_, result) = train(&session, capped).await;
    assert!((1..=10).contains(&result.unwrap().sent_ns.len()));
}
