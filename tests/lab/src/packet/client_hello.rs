//! The extensions of a TLS `ClientHello`, read from the beginning of a byte stream: its server name, and
//! whether it brings an encrypted one.
//!
//! Tolerant: an extension is found as soon as its bytes are there, in one TLS record or in several.
//! Sources: RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3, RFC 9849 section 5.

/// Content type of handshake records.
const HANDSHAKE: u8 = 22;
/// Handshake type of a `ClientHello`.
const CLIENT_HELLO: u8 = 1;
/// Extension type of a server name.
const SERVER_NAME: u16 = 0;
/// Extension type of an encrypted `ClientHello`.
const ENCRYPTED_HELLO: u16 = 0xfe0d;
/// Name type of a host name.
const HOST_NAME: u8 = 0;
/// How much of a `ClientHello` is looked at, bytes.
const MAX_BYTES: usize = 16 * 1024;

/// The server name that a stream asks for, lower case, without a final dot. None: it begins with no
/// `ClientHello`, the name has not come yet, or there is none.
#[must_use]
pub fn server_name(stream: &[u8]) -> Option<String> {
    host_name(&extension(stream, SERVER_NAME)?)
}

/// The same of a handshake message without records, as QUIC carries it.
pub(super) fn server_name_in_message(message: &[u8]) -> Option<String> {
    host_name(&extension_of(message, SERVER_NAME)?)
}

/// Whether a stream begins with a `ClientHello` that brings an encrypted one (ECH), made up or not.
#[must_use]
pub fn has_encrypted_hello(stream: &[u8]) -> bool {
    extension(stream, ENCRYPTED_HELLO).is_some()
}

/// The body of an extension of the `ClientHello` that a stream begins with, if it is there.
fn extension(stream: &[u8], wanted: u16) -> Option<Vec<u8>> {
    extension_of(&handshake(stream)?, wanted)
}

/// The same of a handshake message.
fn extension_of(message: &[u8], wanted: u16) -> Option<Vec<u8>> {
    let mut hello = Reader(message);
    if hello.u8()? != CLIENT_HELLO {
        return None;
    }
    let length = hello.u24()?;
    let mut hello = Reader(hello.0.get(..length).unwrap_or(hello.0));
    hello.take(2 + 32)?; // version and random
    let session = hello.u8()?;
    hello.take(usize::from(session))?;
    let ciphers = hello.u16()?;
    hello.take(usize::from(ciphers))?;
    let compressions = hello.u8()?;
    hello.take(usize::from(compressions))?;
    hello.u16()?; // length of all extensions
    loop {
        let extension = hello.u16()?;
        let length = hello.u16()?;
        let body = hello.take(usize::from(length))?;
        if extension == wanted {
            return Some(body.to_vec());
        }
    }
}

/// The handshake bytes of the records at the beginning of a stream, as far as they are there.
fn handshake(stream: &[u8]) -> Option<Vec<u8>> {
    let mut records = Reader(stream);
    let mut message = Vec::new();
    while let Some(kind) = records.u8() {
        let major = records.u8()?;
        if kind != HANDSHAKE || major != 3 {
            break;
        }
        records.u8()?;
        let length = usize::from(records.u16()?).min(records.0.len());
        message.extend_from_slice(records.take(length)?);
        if message.len() >= MAX_BYTES {
            break;
        }
    }
    (!message.is_empty()).then_some(message)
}

/// The first host name of a server name extension.
fn host_name(extension: &[u8]) -> Option<String> {
    let mut names = Reader(extension);
    names.u16()?; // length of all names
    loop {
        let kind = names.u8()?;
        let length = names.u16()?;
        let name = names.take(usize::from(length))?;
        if kind == HOST_NAME {
            let name = std::str::from_utf8(name).ok()?;
            return Some(name.trim_end_matches('.').to_ascii_lowercase());
        }
    }
}

/// Takes bytes off the front; none where there are not enough.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)
            .map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn u24(&mut self) -> Option<usize> {
        self.take(3).map(|bytes| {
            usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2])
        })
    }
}
