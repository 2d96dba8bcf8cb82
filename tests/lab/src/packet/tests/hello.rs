//! Server names and encrypted hellos in client hellos: whole, cut anywhere, over several records, and any bytes.
use super::super::client_hello::{has_encrypted_hello, server_name};
use proptest::prelude::*;

/// The handshake message of a client hello, with a padding extension before the name.
pub(crate) fn message(name: Option<&str>) -> Vec<u8> {
    message_with(name, &[])
}

/// The same with more extensions behind the name.
fn message_with(name: Option<&str>, more: &[u8]) -> Vec<u8> {
    let mut extensions = vec![0, 21, 0, 3, 0, 0, 0];
    if let Some(name) = name {
        let length = u16::try_from(name.len()).unwrap();
        extensions.extend([0, 0]);
        extensions.extend((length + 5).to_be_bytes());
        extensions.extend((length + 3).to_be_bytes());
        extensions.push(0);
        extensions.extend(length.to_be_bytes());
        extensions.extend(name.as_bytes());
    }
    extensions.extend(more);
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([4, 1, 2, 3, 4]);
    body.extend([0, 2, 0x13, 0x01]);
    body.extend([1, 0]);
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    message
}

/// A handshake message in records of at most this many bytes.
fn records(message: &[u8], max_bytes: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    for part in message.chunks(max_bytes) {
        stream.extend([22, 3, 1]);
        stream.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
        stream.extend(part);
    }
    stream
}

/// A client hello for this name in one record.
pub(crate) fn client_hello(name: &str) -> Vec<u8> {
    records(&message(Some(name)), usize::MAX)
}

/// A client hello for this name in one record, that brings an encrypted one.
pub(crate) fn hello_with_ech(name: &str) -> Vec<u8> {
    let encrypted = [0xfe, 0x0d, 0, 4, 0, 0, 1, 0];
    records(&message_with(Some(name), &encrypted), usize::MAX)
}

#[test]
fn only_a_hello_that_brings_an_encrypted_one_has_it() {
    let stream = hello_with_ech("blocked.test");
    assert!(has_encrypted_hello(&stream));
    assert!(!has_encrypted_hello(&stream[..stream.len() - 1]));
    assert!(!has_encrypted_hello(&client_hello("blocked.test")));
    assert_eq!(server_name(&stream).unwrap(), "blocked.test");
}

#[test]
fn the_name_is_read_in_lower_case() {
    assert_eq!(
        server_name(&client_hello("WWW.Blocked.test")).unwrap(),
        "www.blocked.test"
    );
}

#[test]
fn the_name_is_read_over_several_records() {
    let stream = records(&message(Some("blocked.test")), 10);
    assert_eq!(server_name(&stream).unwrap(), "blocked.test");
}

#[test]
fn a_hello_without_a_name_and_other_records_have_none() {
    assert_eq!(server_name(&records(&message(None), usize::MAX)), None);
    let mut server_hello = message(Some("blocked.test"));
    server_hello[0] = 2;
    assert_eq!(server_name(&records(&server_hello, usize::MAX)), None);
    assert_eq!(
        server_name(b"GET / HTTP/1.1\r\nHost: blocked.test\r\n"),
        None
    );
}

#[test]
fn a_hello_cut_before_the_end_of_the_name_has_none_yet() {
    let stream = client_hello("blocked.test");
    for length in 0..stream.len() {
        assert_eq!(server_name(&stream[..length]), None, "{length} bytes");
    }
    let mut more = stream;
    more.extend([0xff; 100]);
    assert_eq!(server_name(&more).unwrap(), "blocked.test");
}

proptest! {
    #[test]
    fn any_stream_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = server_name(&bytes);
        let _ = has_encrypted_hello(&bytes);
        let _ = server_name(&records(&bytes, 1000));
    }

    #[test]
    fn a_damaged_hello_never_panics(at in 0usize..90, value in any::<u8>()) {
        let mut stream = client_hello("blocked.test");
        let at = at % stream.len();
        stream[at] = value;
        let _ = server_name(&stream);
    }
}
