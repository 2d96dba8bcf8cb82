//! Removes the volunteer's own addresses from everything before it is written.
//!
//! Rules:
//! 1. An own address is replaced by `[scrubbed]` in whatever form it is written: dotted, any spelling
//!    of IPv6, IPv4 in IPv6, with dashes as in host names, reversed as in `in-addr.arpa`.
//! 2. Where a boundary is doubtful (`1.10.0.0.1`), it is replaced: a spoilt detail is a smaller loss
//!    than an address.
//! 3. Loopback and unspecified addresses tell nothing and stay.
//! 4. Scrubbing twice is scrubbing once.
use crate::experiments::Recorded;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// What stands in place of an address.
pub const SCRUBBED: &str = "[scrubbed]";
/// Longest text of an IPv6 address (`INET6_ADDRSTRLEN` without its zero), bytes.
const V6_MAX_CHARS: usize = 45;
/// Shortest text of an IPv6 address: `::`, bytes.
const V6_MIN_CHARS: usize = 2;

/// Scrubs the addresses of one device.
#[derive(Clone, Default)]
pub struct Scrubber {
    own: Vec<IpAddr>,
}

impl Scrubber {
    /// A scrubber of these addresses.
    pub fn new(own: impl IntoIterator<Item = IpAddr>) -> Self {
        let own = own.into_iter().map(|address| address.to_canonical());
        Self {
            own: own
                .filter(|address| !address.is_loopback() && !address.is_unspecified())
                .collect(),
        }
    }

    /// Scrubs all that a run recorded: subjects, failures, details and kept bodies.
    pub fn recorded(&self, recorded: &mut Recorded) {
        if self.own.is_empty() {
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
        let bytes = self.bytes(text.as_bytes());
        String::from_utf8(bytes).expect("whole ASCII stretches are replaced by ASCII")
    }

    /// Scrubs bytes that may be text: addresses in ASCII are found, the rest is left as it is.
    ///
    /// Each pass takes at least two dots, colons or dashes away, so passes come to an end.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut scrubbed = bytes.to_vec();
        while let Some(once) = self.pass(&scrubbed) {
            scrubbed = once;
        }
        scrubbed
    }

    /// One pass from left to right; `None` when nothing was found.
    fn pass(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut scrubbed = Vec::with_capacity(bytes.len());
        let mut copied = 0;
        let mut at = 0;
        while at < bytes.len() {
            if let Some(length) = self.own_at(bytes, at) {
                scrubbed.extend_from_slice(&bytes[copied..at]);
                scrubbed.extend_from_slice(SCRUBBED.as_bytes());
                at += length;
                copied = at;
            } else {
                at += 1;
            }
        }
        if copied == 0 {
            return None;
        }
        scrubbed.extend_from_slice(&bytes[copied..]);
        Some(scrubbed)
    }

    /// Length of the own address that begins at `at`, if one does.
    fn own_at(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let rest = &bytes[at..];
        let begins_number = rest[0].is_ascii_digit() && !before.is_some_and(|b| b.is_ascii_digit());
        if begins_number && let Some(length) = self.own_v4(rest) {
            return Some(length);
        }
        let begins_group = (rest[0].is_ascii_hexdigit() || rest[0] == b':')
            && !before.is_some_and(|b| b.is_ascii_hexdigit());
        if begins_group {
            return self.own_v6(rest);
        }
        None
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
        write!(f, "Scrubber({} addresses withheld)", self.own.len())
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn scrubber() -> Scrubber {
        let own = ["10.0.0.1", "2001:db8::1", "fe80::a:b", "127.0.0.1"];
        Scrubber::new(own.map(|text| text.parse().unwrap()))
    }

    #[test]
    fn an_own_address_goes_in_every_form_it_is_written() {
        for text in [
            "10.0.0.1",
            "10.0.0.1:443",
            "::ffff:10.0.0.1",
            "10-0-0-1",
            "1.0.0.10",
            "2001:db8::1",
            "2001:DB8:0:0:0:0:0:1",
            "2001:0db8:0000:0000:0000:0000:0000:0001",
            "fe80::a:b",
            "1.10.0.0.1",
        ] {
            let sentence = format!("seen as <{text}> today");
            let scrubbed = scrubber().text(&sentence);
            assert!(scrubbed.contains(SCRUBBED), "{text}: {scrubbed}");
            assert!(!scrubbed.contains(text), "{text}: {scrubbed}");
            assert!(
                scrubbed.starts_with("seen as <") && scrubbed.ends_with("> today"),
                "{scrubbed}"
            );
        }
    }

    #[test]
    fn other_addresses_and_texts_stay() {
        for text in [
            "110.0.0.1",
            "10.0.0.12",
            "10.0.0.256",
            "10.0-0.1",
            "127.0.0.1:8080",
            "2001:db8::12",
            "a2001:db8::1",
            "::1",
            "12:34:56",
            "ភ្នំពេញ 10.0.0.2",
        ] {
            assert_eq!(scrubber().text(text), text);
        }
    }

    #[test]
    fn every_string_of_what_a_run_recorded_is_scrubbed() {
        let observation = Observation {
            t_start_us: 0,
            t_end_us: 1,
            operation: "connect".into(),
            subject: Some("10.0.0.1:80".into()),
            failure: Some(Failure::Other("unknown_failure: from 10.0.0.1".into())),
            detail: BTreeMap::from([
                (
                    "answers".into(),
                    serde_json::json!(["192.0.2.1", "10.0.0.1"]),
                ),
                (
                    "headers".into(),
                    serde_json::json!({"x-client": "2001:db8::1"}),
                ),
                ("size_bytes".into(), serde_json::json!(5)),
            ]),
        };
        let mut recorded = Recorded {
            observations: vec![observation],
            bodies: vec![(0, b"\xffyour address is 10.0.0.1\xff".to_vec())],
            ..Recorded::default()
        };
        scrubber().recorded(&mut recorded);
        let text = format!("{recorded:?}");
        assert!(
            !text.contains("10.0.0.1") && !text.contains("2001:db8::1"),
            "{text}"
        );
        assert!(text.contains("192.0.2.1"));
        assert_eq!(recorded.bodies[0].1, b"\xffyour address is [scrubbed]\xff");
    }

    proptest! {
        #[test]
        fn scrubbing_twice_is_scrubbing_once(text in "[0-9a-f:.\\[\\]-]{0,60}") {
            let once = scrubber().text(&text);
            prop_assert_eq!(scrubber().text(&once), once);
        }

        #[test]
        fn no_own_address_stays_whatever_surrounds_it(
            before in "[g-z \\[/(]{0,5}", after in "[g-z \\]/)]{0,5}", own in 0..3_usize,
        ) {
            let text = format!("{before}{}{after}", scrubber().own[own]);
            prop_assert_eq!(scrubber().text(&text), format!("{before}{SCRUBBED}{after}"));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = scrubber().bytes(&bytes);
        }

        #[test]
        fn without_own_addresses_nothing_changes(text in ".*") {
            prop_assert_eq!(Scrubber::default().text(&text), text);
        }
    }
}
