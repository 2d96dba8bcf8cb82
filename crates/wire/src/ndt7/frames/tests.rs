//! Tests of the frame reader and writer.
use super::*;
use proptest::prelude::*;

const MASK: [u8; 4] = [1, 2, 3, 4];

/// A frame as a client writes it, with everything adjustable that a bad client may get wrong.
fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = server_frame(Opcode::Binary, payload);
    let header_bytes = frame.len() - payload.len();
    frame[0] = first;
    frame[1] |= MASKED;
    let masked = payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m);
    let mut bytes = frame[..header_bytes].to_vec();
    bytes.extend(MASK);
    bytes.extend(masked);
    bytes
}

fn header_only(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first, MASKED | 127];
    bytes.extend(length.to_be_bytes());
    bytes.extend(MASK);
    bytes
}

/// Feeds bytes in pieces of `step` and returns all events, data summed up per message.
fn read_all(bytes: &[u8], step: usize) -> Result<Vec<Event>, FrameError> {
    let mut frames = ClientFrames::default();
    let mut events = Vec::new();
    let mut so_far = 0;
    for piece in bytes.chunks(step) {
        let mut chunk = piece;
        while let Some(event) = frames.next(&mut chunk)? {
            match event {
                Event::Data {
                    kind,
                    bytes,
                    ends_message,
                } => {
                    so_far += bytes;
                    if ends_message {
                        events.push(Event::Data {
                            kind,
                            bytes: so_far,
                            ends_message,
                        });
                        so_far = 0;
                    }
                }
                other => events.push(other),
            }
        }
        assert!(chunk.is_empty());
    }
    Ok(events)
}

fn message(kind: DataKind, bytes: usize) -> Event {
    Event::Data {
        kind,
        bytes,
        ends_message: true,
    }
}

#[test]
fn control_frames_may_stand_inside_a_fragmented_message() {
    let mut bytes = client_frame(0x02, &[0; 300]);
    bytes.extend(client_frame(0x89, b"17"));
    bytes.extend(client_frame(0x80, &vec![0; 70_000]));
    bytes.extend(client_frame(0x81, b""));
    bytes.extend(client_frame(0x88, &[0x03, 0xe8, b'b']));
    let expected = vec![
        Event::Ping(b"17".to_vec()),
        message(DataKind::Binary, 70_300),
        message(DataKind::Text, 0),
        Event::Close(Some(1000)),
    ];
    assert_eq!(read_all(&bytes, 1).unwrap(), expected);
    assert_eq!(read_all(&bytes, 7).unwrap(), expected);
    assert_eq!(read_all(&bytes, bytes.len()).unwrap(), expected);
}

#[test]
fn every_broken_rule_has_its_name() {
    let refused = |bytes: &[u8]| read_all(bytes, 3).unwrap_err();
    assert_eq!(
        refused(&client_frame(0xc2, b"x")),
        FrameError::ReservedBit,
        "compressed"
    );
    assert_eq!(
        refused(&client_frame(0x83, b"x")),
        FrameError::UnknownOpcode(3)
    );
    assert_eq!(
        refused(&server_frame(Opcode::Binary, b"x")),
        FrameError::Unmasked
    );
    assert_eq!(
        refused(&client_frame(0x09, b"x")),
        FrameError::BadControl,
        "fragmented ping"
    );
    assert_eq!(
        refused(&client_frame(0x89, &[0; 126])),
        FrameError::BadControl,
        "long ping"
    );
    assert_eq!(refused(&client_frame(0x88, b"x")), FrameError::BadControl);
    assert_eq!(
        refused(&client_frame(0x80, b"x")),
        FrameError::StrayContinuation
    );
    let interleaved = [client_frame(0x02, b"x"), client_frame(0x82, b"x")].concat();
    assert_eq!(refused(&interleaved), FrameError::Interleaved);
}

#[test]
fn messages_up_to_sixteen_mebibytes_are_accepted_and_no_larger_ones() {
    let limit = MESSAGE_ACCEPTED_MAX_BYTES as u64;
    assert!(read_all(&header_only(0x82, limit), 14).is_ok());
    assert_eq!(
        read_all(&header_only(0x82, limit + 1), 14),
        Err(FrameError::TooBig)
    );
    assert_eq!(
        read_all(&header_only(0x82, u64::MAX), 14),
        Err(FrameError::TooBig)
    );
    let fragments = [client_frame(0x02, &[0; 10]), header_only(0x80, limit - 9)].concat();
    assert_eq!(read_all(&fragments, 50), Err(FrameError::TooBig));
    assert_eq!(FrameError::TooBig.close_code(), 1009);
}

#[test]
fn lengths_take_the_shortest_form() {
    let header = |length: usize| server_frame(Opcode::Binary, &vec![0; length])[..4].to_vec();
    assert_eq!(header(125)[..2], [0x82, 125]);
    assert_eq!(header(126), [0x82, 126, 0, 126]);
    assert_eq!(header(65_535), [0x82, 126, 0xff, 0xff]);
    assert_eq!(header(65_536), [0x82, 127, 0, 0]);
}

#[test]
fn close_reason_is_cut_at_a_character() {
    let frame = close_frame(CLOSE_NORMAL, &"ខ".repeat(100));
    assert!(frame.len() <= 2 + 125);
    assert!(std::str::from_utf8(&frame[4..]).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), step in 1_usize..20) {
        let _ = read_all(&bytes, step);
    }

    #[test]
    fn the_cut_of_the_stream_does_not_matter(
        frames in proptest::collection::vec((any::<bool>(), 0_usize..70_000), 1..4),
        step in 1_usize..5_000,
    ) {
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|(text, length)| client_frame(if *text { 0x81 } else { 0x82 }, &vec![0; *length]))
            .collect();
        let expected: Vec<Event> = frames
            .iter()
            .map(|(text, length)| message(if *text { DataKind::Text } else { DataKind::Binary }, *length))
            .collect();
        prop_assert_eq!(read_all(&bytes, step).unwrap(), expected);
    }
}
