//! A line of a batch as the collector receives it: read, verify, open; what reads writes back.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_evidence::envelope::Envelope;

fuzz_target!(|line: &[u8]| {
    let Ok(envelope) = Envelope::from_line(line) else {
        return;
    };
    let _ = (envelope.verify(), envelope.open());
    let again = Envelope::from_line(envelope.to_line().as_bytes());
    assert_eq!(again.as_ref(), Ok(&envelope));
});
