//! What a test helper is asked and answers: whatever is read is written and read again alike.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_evidence::pass::Pass;
use tonle_wire::ooni::{ControlRequest, ControlResponse};

fuzz_target!(|json: &[u8]| {
    if let Ok(request) = ControlRequest::parse(json) {
        let written = serde_json::to_vec(&request).expect("texts and flags");
        // What is read in another encoding may be longer when it is written.
        if let Ok(again) = ControlRequest::parse(&written) {
            assert_eq!(again, request);
        }
    }
    if let Ok(answer) = ControlResponse::parse(json) {
        let written = serde_json::to_vec(&answer).expect("texts and numbers");
        if let Ok(again) = ControlResponse::parse(&written) {
            assert_eq!(again, answer);
        }
    }
    if let Some(pass) = std::str::from_utf8(json).ok().and_then(Pass::read) {
        let _ = pass.is_good(json, 0);
    }
});
