//! What a Locate service answers: a client connects to where it says.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_wire::locate::answer::{Answer, refusal};
use tonle_wire::ndt7::Direction;

fuzz_target!(|bytes: &[u8]| {
    let _ = refusal(bytes);
    let Ok(answer) = Answer::parse(bytes) else {
        return;
    };
    for target in &answer.targets {
        for direction in Direction::ALL {
            let url = target.url(direction, true);
            assert!(matches!(url.scheme(), "ws" | "wss"));
            assert_eq!(url.path(), direction.path());
            assert!(url.host_str().is_some_and(|host| !host.is_empty()));
        }
    }
});
