//! The ndt7 server's view of a client: WebSocket frames in any pieces, messages, the query string.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_wire::ndt7::frames::ClientFrames;
use tonle_wire::ndt7::messages::Measurement;
use tonle_wire::ndt7::query::Query;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(measurement) = Measurement::parse(bytes) {
        let text = measurement.to_json();
        let again = Measurement::parse(text.as_bytes()).expect("what was written reads");
        assert_eq!(again.to_json(), text);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Query::parse(text);
    }
    let (&piece, stream) = bytes.split_first().unwrap_or((&1, &[]));
    read_frames(stream, usize::from(piece).max(1));
});

fn read_frames(stream: &[u8], piece: usize) {
    let mut frames = ClientFrames::default();
    for mut chunk in stream.chunks(piece) {
        loop {
            match frames.next(&mut chunk) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        assert!(chunk.is_empty(), "a chunk was not taken whole");
    }
}
