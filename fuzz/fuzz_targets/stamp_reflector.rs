//! The STAMP reflector: any bytes, from the address of a session or from another one. Whatever is
//! answered is authenticated and as long as what came; nothing else is answered at all.
#![no_main]
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use tonle_collector::servers::stamp::sessions::{Arrived, Sessions};
use tonle_wire::stamp::{ErrorEstimate, Key, ReflectorPacket, SenderPacket, Timestamp};

const SSID: u16 = 0x0909;

fuzz_target!(|input: &[u8]| {
    let [now, from, bytes @ ..] = input else {
        return;
    };
    let client = IpAddr::from([192, 0, 2, 7]);
    let key = Key::new(vec![7; 32]).expect("32 bytes are enough");
    let mut sessions = Sessions::new(8, Vec::new());
    let granted = sessions.grant(0, client, key.clone(), SSID);
    assert_eq!(granted, Ok(SSID));
    let arrived = Arrived {
        bytes,
        from: if from % 2 == 0 { client } else { IpAddr::from([*from; 4]) },
        receive: Timestamp(6),
        ttl: Some(*from),
    };
    let clock = || (Timestamp(7), ErrorEstimate::of_clock(true));
    let Ok(reply) = sessions.reflect(i64::from(*now) * 1_000_000, arrived, clock) else {
        return;
    };
    assert_eq!(arrived.from, client);
    assert!(SenderPacket::read(bytes, Some(&key)).is_ok());
    assert_eq!(reply.len(), bytes.len());
    assert!(ReflectorPacket::read(&reply, Some(&key)).is_ok());
});
