//! STAMP as a reflector and a sender read it: packets of both layouts, options, grants of sessions.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_wire::stamp::session::Grant;
use tonle_wire::stamp::{Key, ReflectorPacket, SenderPacket, base_bytes, tlv};

fuzz_target!(|bytes: &[u8]| {
    let key = Key::new((0..32).collect()).expect("32 bytes are enough");
    for key in [None, Some(&key)] {
        if let Ok(packet) = SenderPacket::read(bytes, key) {
            let again = SenderPacket::read(&packet.write(key), key);
            assert_eq!(again, Ok(packet), "what was written reads");
        }
        if let Ok(packet) = ReflectorPacket::read(bytes, key) {
            let again = ReflectorPacket::read(&packet.write(key), key);
            assert_eq!(again, Ok(packet), "what was written reads");
        }
        let options = bytes.get(base_bytes(key)..).unwrap_or(bytes);
        let reply = tlv::reflect(options, key, 7, 5);
        assert_eq!(reply.len(), options.len(), "a reply is as long as its packet");
    }
    if let Ok((grant, _)) = Grant::read(bytes) {
        let (again, _) = Grant::read(grant.write().as_bytes()).expect("what was written reads");
        assert_eq!(again, grant);
    }
});
