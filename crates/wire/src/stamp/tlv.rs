//! Options after a packet (RFC 8972, section 4), as a reflector answers them: each is sent back in
//! its place and length, with flags that say what became of it.
use super::key::{HMAC_BYTES, Key};

/// Length of an option without its value: flags, type, length of the value.
const HEAD_BYTES: usize = 4;
/// Flag: the type is not understood here.
pub const UNRECOGNISED: u8 = 0x80;
/// Flag: the length does not fit the packet or the type.
pub const MALFORMED: u8 = 0x40;
/// Flag: the options were changed on the way.
pub const INTEGRITY: u8 = 0x20;
/// Type: padding, whose value means nothing (section 4.1).
pub const EXTRA_PADDING: u8 = 1;
/// Type: HMAC over the sequence number and all options before it (section 4.8).
pub const HMAC: u8 = 8;

/// One option in its packet: where it starts, its type, and its value if its length fits.
struct Found {
    at: usize,
    kind: u8,
    end: Option<usize>,
}

/// The options as the reflector sends them back: as many bytes as came. `received` and `sent` are
/// the sequence numbers of the packet that carried them and of the reply.
#[must_use]
pub fn reflect(options: &[u8], key: Option<&Key>, received: u32, sent: u32) -> Vec<u8> {
    let mut reply = options.to_vec();
    let found = split(options);
    let intact = are_intact(options, &found, key, received);
    for option in &found {
        reply[option.at] = match (option.end, option.kind) {
            (None, _) => MALFORMED,
            (Some(_), EXTRA_PADDING) => 0,
            (Some(_), HMAC) if key.is_some() => 0,
            _ => UNRECOGNISED,
        } | if intact { 0 } else { INTEGRITY };
    }
    if let (Some(key), Some(last)) = (key, hmac_option(&found)) {
        let value_at = last.at + HEAD_BYTES;
        let hmac = key.sign(&[&sent.to_be_bytes(), &reply[..last.at]]);
        reply[value_at..value_at + HMAC_BYTES].copy_from_slice(&hmac);
    }
    reply
}

/// The options of a packet up to the first that does not fit. Fewer bytes than an option's head are
/// padding of an older protocol.
fn split(options: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some([_, kind, high, low]) = options.get(at..).and_then(<[u8]>::first_chunk) {
        let end = at + HEAD_BYTES + usize::from(u16::from_be_bytes([*high, *low]));
        let fits = end <= options.len() && (*kind != HMAC || end == at + HEAD_BYTES + HMAC_BYTES);
        let end = fits.then_some(end);
        found.push(Found {
            at,
            kind: *kind,
            end,
        });
        match end {
            Some(end) => at = end,
            None => break,
        }
    }
    found
}

/// The HMAC option; only padding may follow it.
fn hmac_option(found: &[Found]) -> Option<&Found> {
    let last = found.iter().rfind(|option| option.kind != EXTRA_PADDING)?;
    (last.kind == HMAC && last.end.is_some()).then_some(last)
}

/// Whether the options are those that the sender signed; true when nothing is signed, or nobody here
/// can tell.
fn are_intact(options: &[u8], found: &[Found], key: Option<&Key>, received: u32) -> bool {
    let Some(key) = key else {
        return true;
    };
    if !found.iter().any(|option| option.kind == HMAC) {
        return true;
    }
    // One in any other place counts as one that does not verify.
    let Some(last) = hmac_option(found) else {
        return false;
    };
    let value = &options[last.at + HEAD_BYTES..][..HMAC_BYTES];
    let only_one = found.iter().filter(|option| option.kind == HMAC).count() == 1;
    only_one && key.verifies(&[&received.to_be_bytes(), &options[..last.at]], value)
}
