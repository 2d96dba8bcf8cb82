//! A measurement server with a reflector, for tests: what is lost, doubled or overtaken is a matter
//! of each test.
use crate::loopback::{page, web};
use std::net::{SocketAddr, UdpSocket};
use tonle_wire::stamp::reflect::{self, Reflection};
use tonle_wire::stamp::session::Grant;
use tonle_wire::stamp::{ErrorEstimate, Key, SenderPacket, Timestamp};

const KEY: [u8; 32] = [7; 32];

/// What becomes of a packet that the reflector has numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::experiments) enum Fate {
    Answered,
    /// Lost before the reflector: it has no number.
    LostUp,
    /// Its reply is lost.
    LostDown,
    /// Its reply comes twice.
    Doubled,
}

/// Starts a reflector that treats the packet of each sender's number as `fate` says; authenticated
/// unless `key` is none.
pub(in crate::experiments) fn start(
    key: Option<Key>,
    fate: impl Fn(u32) -> Fate + Send + 'static,
) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut buffer, mut number) = ([0; 1500], 0);
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let packet = &buffer[..length];
            let sender = SenderPacket::read(packet, key.as_ref()).unwrap();
            let fate = fate(sender.sequence);
            if fate == Fate::LostUp {
                continue;
            }
            // A clock of its own: a second for each packet.
            let now = Timestamp(u64::from(number) << 32);
            let with = Reflection {
                sequence: number,
                receive: now,
                transmit: now,
                error_estimate: ErrorEstimate::of_clock(false),
                sender_ttl: 64,
            };
            number += 1;
            let reply = reflect::reply(packet, &sender, key.as_ref(), with).unwrap();
            let copies = match fate {
                Fate::LostDown | Fate::LostUp => 0,
                Fate::Answered => 1,
                Fate::Doubled => 2,
            };
            for _ in 0..copies {
                let _ = socket.send_to(&reply, from);
            }
        }
    });
    own
}

/// Starts a measurement server that grants sessions of such a reflector; its URL.
pub(in crate::experiments) fn with_door(fate: impl Fn(u32) -> Fate + Send + 'static) -> String {
    let key = Key::new(KEY.to_vec()).unwrap();
    let grant = Grant {
        port: start(Some(key), fate).port(),
        ssid: 9,
        key: Grant::key_text(&KEY),
        expires_s: 120,
        packets_max: 1_000,
        rate_max_pps: 50,
    };
    let door = web(move |request| {
        assert!(request.starts_with("GET /stamp/v1/session "), "{request}");
        page(&grant.write())
    });
    format!("ws://{door}/")
}
