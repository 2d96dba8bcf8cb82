//! Where in a text an address stands that must not be written.
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

/// The addresses of IP and of hardware in `text`, from left to right, except those in `keep`, loopback and
/// the unspecified address.
pub(super) fn foreign(text: &[u8], keep: &[IpAddr]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let starts_word = !text[..at].last().is_some_and(u8::is_ascii_alphanumeric);
        if !starts_word || !is_address_byte(text[at]) {
            at += 1;
            continue;
        }
        let rest = &text[at..];
        let run = address_run(rest);
        let length = mac_length(rest)
            .or_else(|| ip_length(run, keep))
            .or_else(|| label_length(rest, keep));
        if let Some(length) = length {
            found.push(at..at + length);
        }
        at += length.unwrap_or(run.len()).max(1);
    }
    found
}

fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'.' || byte == b':'
}

/// The bytes at the start of `text` that an IP address may be made of; empty when a word goes on
/// behind them.
fn address_run(text: &[u8]) -> &[u8] {
    let length = text
        .iter()
        .take_while(|byte| is_address_byte(**byte))
        .count();
    if text.get(length).is_some_and(u8::is_ascii_alphanumeric) {
        return &[];
    }
    &text[..length]
}

/// Length of the IP address that the run holds, when it holds one that must not be written. A
/// trailing full stop or colon belongs to the sentence.
fn ip_length(run: &[u8], keep: &[IpAddr]) -> Option<usize> {
    let run = std::str::from_utf8(run).ok()?;
    let candidates = [run, run.trim_end_matches(['.', ':'])];
    candidates.iter().find_map(|candidate| {
        let (found, length) = match candidate.parse::<IpAddr>() {
            Ok(ip) => (ip, candidate.len()),
            Err(_) => (
                candidate.parse::<SocketAddr>().ok()?.ip(),
                candidate.find(':')?,
            ),
        };
        let found = found.to_canonical();
        let harmless = found.is_loopback() || found.is_unspecified() || keep.contains(&found);
        (!harmless).then_some(length)
    })
}

/// Length of the address at the start of `text` that is written as in the name of a line: four numbers
/// joined by dots, hyphens or underscores with a letter behind them, or the groups of IPv6 joined by
/// hyphens. Numbers that go on (`1.2.3.4.5`) are none.
fn label_length(text: &[u8], keep: &[IpAddr]) -> Option<usize> {
    let (found, length) = quad_of_name(text).or_else(|| groups_of_name(text))?;
    let reversed = match found {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            IpAddr::from([d, c, b, a])
        }
        IpAddr::V6(_) => found,
    };
    let is_harmless =
        |one: &IpAddr| one.is_loopback() || one.is_unspecified() || keep.contains(one);
    (![found, reversed].iter().any(is_harmless)).then_some(length)
}

fn quad_of_name(text: &[u8]) -> Option<(IpAddr, usize)> {
    let mut octets = [0_u8; 4];
    let mut at = 0;
    let mut joint = None;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            let here = *text
                .get(at)
                .filter(|byte| matches!(byte, b'.' | b'-' | b'_'))?;
            if *joint.get_or_insert(here) != here {
                return None;
            }
            at += 1;
        }
        let digits = text[at..]
            .iter()
            .take(4)
            .take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        *octet = std::str::from_utf8(&text[at..at + digits])
            .ok()?
            .parse()
            .ok()?;
        at += digits;
    }
    let goes_on = match (text.get(at), text.get(at + 1)) {
        (Some(next), _) if next.is_ascii_alphanumeric() => true,
        (Some(next), Some(behind)) => Some(*next) == joint && behind.is_ascii_digit(),
        _ => false,
    };
    (!goes_on).then_some((octets.into(), at))
}

fn groups_of_name(text: &[u8]) -> Option<(IpAddr, usize)> {
    let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b'-';
    let length = text.iter().take_while(is_part).count();
    if text.get(length).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let written = std::str::from_utf8(&text[..length]).ok()?.replace('-', ":");
    let found: IpAddr = written.parse().ok()?;
    Some((found, length))
}

/// Length of the MAC address at the start of `text`: six pairs of hexadecimal digits between
/// colons or hyphens.
fn mac_length(text: &[u8]) -> Option<usize> {
    const MAC_CHARS: usize = 17;
    let mac = text.get(..MAC_CHARS)?;
    let separator = mac[2];
    let is_mac = matches!(separator, b':' | b'-')
        && mac.iter().enumerate().all(|(index, byte)| {
            if index % 3 == 2 {
                *byte == separator
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    let goes_on = text
        .get(MAC_CHARS)
        .is_some_and(|next| next.is_ascii_alphanumeric() || *next == separator);
    (is_mac && !goes_on).then_some(MAC_CHARS)
}
