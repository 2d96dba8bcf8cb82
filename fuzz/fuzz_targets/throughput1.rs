//! What peers of throughput1 send each other: messages and query strings.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_wire::throughput1::{Query, WireMeasurement};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(measurement) = WireMeasurement::parse(bytes) {
        let text = measurement.to_json();
        let again = WireMeasurement::parse(text.as_bytes()).expect("what was written reads");
        assert_eq!(again.to_json(), text);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Query::parse(text);
    }
});
