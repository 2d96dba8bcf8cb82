//! What the device calls itself, to be taken out of what a far side sends back: a router hands host names to
//! its resolver, and a portal greets by them.
//!
//! Rules:
//! 1. The name goes as a word of its own and in either case; in hexadecimal digits and base64 wherever it stands.
//! 2. A name that many devices have, or that is a word of records, tells nobody and stays: taking it
//!    out would spoil records. So does one of fewer than four characters or without a letter.
//! 3. A name that stands in the target stays in that target's record: the far side has it of its own.
use std::ops::Range;
use tonle_net::scrub::encoded::Encoding;

/// Shortest name that is taken out.
const MIN_CHARS: usize = 4;

/// Names that systems give by themselves, and words that stand in records.
const TELL_NOBODY: &[&str] = &[
    "absent",
    "agent",
    "alpine",
    "android",
    "answered",
    "arch",
    "armbian",
    "body",
    "bogus",
    "client",
    "closed",
    "computer",
    "configured",
    "connect",
    "control",
    "data",
    "debian",
    "default",
    "desktop",
    "device",
    "error",
    "fedora",
    "gateway",
    "getaddrinfo",
    "grease",
    "headers",
    "home",
    "host",
    "html",
    "http",
    "https",
    "identity",
    "kali",
    "laptop",
    "line",
    "linux",
    "localdomain",
    "localhost",
    "localhost.localdomain",
    "loopback",
    "mail",
    "manjaro",
    "method",
    "mint",
    "name",
    "neutral",
    "none",
    "openwrt",
    "orangepi",
    "page",
    "pihole",
    "probe",
    "public",
    "quic",
    "raspberry",
    "raspberrypi",
    "raspbian",
    "request",
    "reset",
    "resolve",
    "resolver",
    "router",
    "scrubbed",
    "server",
    "signed",
    "silent",
    "status",
    "system",
    "target",
    "test",
    "time",
    "title",
    "tonle",
    "ubuntu",
    "unknown",
    "user",
    "version",
    "witness",
];

/// The names of one device, in lower case.
#[derive(Clone, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Those of a host name: whole, and its first label. `target` is what is measured.
    pub(super) fn of(host_name: &str, target: &str) -> Self {
        let whole = host_name.trim().to_ascii_lowercase();
        let label = whole.split('.').next().unwrap_or_default().to_owned();
        let target = target.to_ascii_lowercase();
        let mut names = vec![whole, label];
        names.dedup();
        names.retain(|name| tells_somebody(name) && !target.contains(name.as_str()));
        Self(names)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where they stand in a view.
    pub(super) fn find(&self, view: &[u8], encoding: Encoding) -> Vec<Range<usize>> {
        // What stands beside a name within an encoding is often only the beginning of another one.
        let is_decoded = matches!(encoding, Encoding::Hex | Encoding::Base64);
        let each = self.0.iter().flat_map(|name| {
            let windows = view.windows(name.len()).enumerate();
            let hits = windows.filter(|(_, window)| window.eq_ignore_ascii_case(name.as_bytes()));
            hits.map(|(at, window)| at..at + window.len())
        });
        each.filter(|hit| is_decoded || is_word(view, hit))
            .collect()
    }
}

fn tells_somebody(name: &str) -> bool {
    name.len() >= MIN_CHARS
        && name.is_ascii()
        && name.contains(|c: char| c.is_ascii_alphabetic())
        && !TELL_NOBODY.contains(&name)
}

fn is_word(view: &[u8], hit: &Range<usize>) -> bool {
    let before = hit.start.checked_sub(1).map(|at| view[at]);
    let after = view.get(hit.end).copied();
    let goes_on = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    !goes_on(before) && !goes_on(after)
}
