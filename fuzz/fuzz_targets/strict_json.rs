//! JSON as records allow it: whatever is accepted is JSON to everyone else, and canonical form
//! keeps its meaning.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_evidence::strict_json;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = strict_json::parse(bytes) else {
        return;
    };
    let lenient: serde_json::Value = serde_json::from_slice(bytes).expect("strict is a subset");
    assert_eq!(lenient, value);
    let written = serde_json::to_vec(&value).expect("a value is always JSON");
    assert_eq!(strict_json::parse(&written).as_ref(), Ok(&value));
});
