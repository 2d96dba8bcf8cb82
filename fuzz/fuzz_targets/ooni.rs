//! An OONI measurement: whatever is read has no list longer than the bound, and reads again alike.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_wire::ooni::{EVENTS_MAX, Measurement, title};

fuzz_target!(|json: &[u8]| {
    let Ok(measurement) = Measurement::parse(json) else {
        return;
    };
    assert_eq!(Measurement::parse(json).as_ref(), Ok(&measurement));
    let _ = measurement.start_s();
    let Some(keys) = measurement.test_keys else {
        return;
    };
    assert!(keys.queries.len() <= EVENTS_MAX && keys.requests.len() <= EVENTS_MAX);
    for request in &keys.requests {
        let Some(response) = &request.response else {
            continue;
        };
        let body = response.body.text();
        assert!(body.contains(title(&body)));
    }
});
