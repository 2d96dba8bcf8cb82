//! Removes the volunteer's own addresses and the device's name from everything before it is written.
//!
//! Rules:
//! 1. An own address is replaced by `[scrubbed]` in whatever form it is written: dotted, any spelling
//!    of IPv6, IPv4 in IPv6, with dashes as in host names, reversed as in `in-addr.arpa` and `ip6.arpa`, as one
//!    number, as its bytes in hexadecimal digits, and all of these in the encodings that
//!    [`tonle_net::scrub::encoded`] undoes.
//! 2. Where a boundary is doubtful (`1.10.0.0.1`), it is replaced: a spoilt detail is a smaller loss
//!    than an address.
//! 3. A body that is no text is searched for the bytes of an address, too, unless they spell a word.
//! 4. Loopback and unspecified addresses tell nothing and stay.
//! 5. Scrubbing twice is scrubbing once.
//! 6. The device's name goes by the rules of `names`.
mod names;

use crate::experiments::Recorded;
use names::Names;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
pub use tonle_net::scrub::SCRUBBED;
use tonle_net::scrub::encoded::{self, Encoding};

/// Longest text of an IPv6 address (`INET6_ADDRSTRLEN` without its zero), bytes.
const V6_MAX_CHARS: usize = 45;
/// Shortest text of an IPv6 address: `::`, bytes.
const V6_MIN_CHARS: usize = 2;
/// Text of an IPv6 address below `ip6.arpa`: 32 digits with dots between them (RFC 3596, 2.5), bytes.
const ARPA_CHARS: usize = 63;

/// Scrubs the addresses and the name of one device.
#[derive(Clone, Default)]
pub struct Scrubber {
    own: Vec<IpAddr>,
    names: Names,
}

impl Scrubber {
    /// A scrubber of these addresses.
    pub fn new(own: impl IntoIterator<Item = IpAddr>) -> Self {
        let own = own.into_iter().map(|address| address.to_canonical());
        Self {
            own: own
                .filter(|address| !address.is_loopback() && !address.is_unspecified())
                .collect(),
            names: Names::default(),
        }
    }

    /// Also what the device calls itself, unless it stands in what is measured.
    #[must_use]
    pub fn named(self, host_name: &str, target: &str) -> Self {
        Self {
            names: Names::of(host_name, target),
            ..self
        }
    }

    fn has_nothing(&self) -> bool {
        self.own.is_empty() && self.names.is_empty()
    }

    /// Scrubs all that a run recorded: subjects, failures, details and kept bodies.
    pub fn recorded(&self, recorded: &mut Recorded) {
        if self.has_nothing() {
            return;
        }
        for observation in &mut recorded.observations {
            self.observation(observation);
        }
        for (_, body) in &mut recorded.bodies {
            *body = self.bytes(body);
        }
    }

    fn observation(&self, observation: &mut Observation) {
        observation.operation = self.text(&observation.operation);
        if let Some(subject) = &mut observation.subject {
            *subject = self.text(subject);
        }
        if let Some(Failure::Other(text)) = &mut observation.failure {
            *text = self.text(text);
        }
        let detail = std::mem::take(&mut observation.detail);
        observation.detail = detail
            .into_iter()
            .map(|(key, value)| (self.text(&key), self.value(value)))
            .collect();
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => Value::Object(
                fields
                    .into_iter()
                    .map(|(key, value)| (self.text(&key), self.value(value)))
                    .collect(),
            ),
            other => other,
        }
    }

    /// Scrubs a text.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        if self.has_nothing() {
            return text.to_owned();
        }
        let scrubbed = encoded::replace(text.as_bytes(), &|view, encoding| {
            self.find(view, encoding, encoding != Encoding::Plain)
        });
        String::from_utf8_lossy(&scrubbed).into_owned()
    }

    /// Scrubs bytes that may be text or anything else.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        encoded::replace(bytes, &|view, encoding| self.find(view, encoding, true)).into_owned()
    }

    /// What is own in a view; `may_be_binary`: also addresses that stand there as their bytes.
    fn find(&self, view: &[u8], encoding: Encoding, may_be_binary: bool) -> Vec<Range<usize>> {
        let mut found = self.names.find(view, encoding);
        if self.own.is_empty() {
            return found;
        }
        let mut at = 0;
        while at < view.len() {
            let length = self.own_at(view, at);
            found.extend(length.map(|length| at..at + length));
            at += length.unwrap_or(1);
        }
        let is_decoded = matches!(encoding, Encoding::Hex | Encoding::Base64);
        for own in self.own.iter().filter(|_| may_be_binary) {
            let octets = octets(*own);
            // "1234" in a text is no address, whatever its bytes are.
            if is_decoded || !octets.iter().all(u8::is_ascii_graphic) {
                let hits = view.windows(octets.len()).enumerate();
                let hits = hits.filter(|(_, window)| *window == octets);
                found.extend(hits.map(|(at, window)| at..at + window.len()));
            }
        }
        found
    }

    /// Length of the own address that begins at `at`, if one does.
    fn own_at(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let rest = &bytes[at..];
        let begins_number = rest[0].is_ascii_digit() && !before.is_some_and(|b| b.is_ascii_digit());
        if begins_number && let Some(length) = self.own_v4(rest).or_else(|| self.own_number(rest)) {
            return Some(length);
        }
        let begins_group = (rest[0].is_ascii_hexdigit() || rest[0] == b':')
            && !before.is_some_and(|b| b.is_ascii_hexdigit());
        if begins_group {
            return self.own_v6(rest).or_else(|| self.own_arpa(rest));
        }
        None
    }

    /// An IPv4 address as one decimal number.
    fn own_number(&self, bytes: &[u8]) -> Option<usize> {
        let digits = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let number: u32 = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
        let address = IpAddr::V4(Ipv4Addr::from(number));
        self.own.contains(&address).then_some(digits)
    }

    /// An IPv6 address backwards, digit by digit, as below `ip6.arpa`; or forwards.
    fn own_arpa(&self, bytes: &[u8]) -> Option<usize> {
        let text = bytes.get(..ARPA_CHARS)?;
        let mut forwards = 0_u128;
        let mut backwards = 0_u128;
        for (place, byte) in text.iter().enumerate() {
            if place % 2 == 1 {
                (*byte == b'.').then_some(())?;
                continue;
            }
            let digit = u128::from(char::from(*byte).to_digit(16)?);
            forwards = (forwards << 4) | digit;
            backwards |= digit << (2 * place);
        }
        let is_own = |bits: u128| self.own.contains(&IpAddr::V6(bits.into()).to_canonical());
        (is_own(backwards) || is_own(forwards)).then_some(ARPA_CHARS)
    }

    fn own_v4(&self, bytes: &[u8]) -> Option<usize> {
        let (address, length) = dotted_quad(bytes)?;
        let [a, b, c, d] = address.octets();
        let reversed = Ipv4Addr::new(d, c, b, a);
        let is_own = |own: &IpAddr| *own == IpAddr::V4(address) || *own == IpAddr::V4(reversed);
        self.own.iter().any(is_own).then_some(length)
    }

    /// The longest own IPv6 address at the start of `bytes`.
    fn own_v6(&self, bytes: &[u8]) -> Option<usize> {
        let stretch = bytes
            .iter()
            .take(V6_MAX_CHARS)
            .take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
            .count();
        let colons = bytes[..stretch].split(|byte| *byte == b':').count() - 1;
        if colons < 2 {
            return None;
        }
        (V6_MIN_CHARS..=stretch).rev().find(|length| {
            let ends_group = bytes
                .get(*length)
                .is_none_or(|byte| !byte.is_ascii_hexdigit());
            ends_group && self.is_own_v6(&bytes[..*length])
        })
    }

    fn is_own_v6(&self, text: &[u8]) -> bool {
        let parsed: Option<Ipv6Addr> = std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok());
        parsed.is_some_and(|address| self.own.contains(&IpAddr::V6(address).to_canonical()))
    }
}

impl std::fmt::Debug for Scrubber {
    /// Leaves out what it scrubs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Scrubber({} addresses and the name withheld)",
            self.own.len()
        )
    }
}

/// The bytes of an address, the first one first.
fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// Four numbers up to 255 at the start of `bytes`, all joined by dots or all by dashes, with no
/// digit after them; and the length of their text.
fn dotted_quad(bytes: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let mut octets = [0_u8; 4];
    let mut at = 0;
    let mut joint = None;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            let here = *bytes.get(at)?;
            if !matches!(here, b'.' | b'-') || *joint.get_or_insert(here) != here {
                return None;
            }
            at += 1;
        }
        let digits = bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=3).contains(&digits) {
            return None;
        }
        let number = std::str::from_utf8(&bytes[at..at + digits]).ok()?;
        *octet = number.parse().ok()?;
        at += digits;
    }
    Some((octets.into(), at))
}

#[cfg(test)]
mod tests;
