//! What became of a request on the way: what the echo says reached it, held against what was sent. Pure.
//!
//! Values that were added or changed are not kept: proxies write the client's address there.
use serde_json::{Value, json};
use tonle_evidence::observation::Detail;
use tonle_net::scrub;

/// Most names that are kept of each kind.
const NAMES_MAX: usize = 16;
/// Longest name kept, characters.
const NAME_MAX_CHARS: usize = 64;

/// Header lines: name and value.
type Lines<'a> = Vec<(&'a [u8], &'a [u8])>;

/// The facts about a head that came back.
pub(super) fn heads(sent: &[u8], reached: &[u8]) -> Detail {
    let mut facts = Detail::new();
    let mut note = |key: &str, value: Value| facts.insert(key.to_owned(), value);
    note("altered", (sent != reached).into());
    if sent == reached {
        return facts;
    }
    let ((own_line, own), (line, lines)) = (split(sent), split(reached));
    note("request_line_altered", (own_line != line).into());
    let added = lines.iter().filter(|(name, _)| find(&own, name).is_none());
    note("added", names(added.map(|(name, _)| *name)));
    let missing = own.iter().filter(|(name, _)| find(&lines, name).is_none());
    note("missing", names(missing.map(|(name, _)| *name)));
    let both = own.iter().filter_map(|(name, value)| {
        let (as_it_came, other) = find(&lines, name)?;
        Some((*name, as_it_came, *value != other))
    });
    let both: Vec<_> = both.collect();
    let changed = both.iter().filter(|(_, _, is_changed)| *is_changed);
    note("changed", names(changed.map(|(name, ..)| *name)));
    let recased = both
        .iter()
        .filter(|(name, as_it_came, _)| name != as_it_came);
    note("recased", names(recased.map(|(name, ..)| *name)));
    facts
}

/// The opening line of a head, and its header lines.
fn split(head: &[u8]) -> (&[u8], Lines<'_>) {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.next().unwrap_or_default();
    let rest = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    });
    (first, rest.collect())
}

fn find<'a>(lines: &Lines<'a>, name: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut lines = lines.iter().copied();
    lines.find(|(other, _)| other.eq_ignore_ascii_case(name))
}

/// Names as they may be written, in lower case, each once.
fn names<'a>(names: impl Iterator<Item = &'a [u8]>) -> Value {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        let text = String::from_utf8_lossy(name).to_ascii_lowercase();
        let text: String = scrub::text(&text, &[])
            .chars()
            .take(NAME_MAX_CHARS)
            .collect();
        if kept.len() < NAMES_MAX && !kept.contains(&text) {
            kept.push(text);
        }
    }
    json!(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SENT: &[u8] = b"GET /e HTTP/1.1\r\nhOST: a.test\r\naCcEPT: x\r\nUSER-agent: y\r\n\r\n";

    #[test]
    fn what_comes_back_the_same_is_not_altered() {
        assert_eq!(json!(heads(SENT, SENT)), json!({"altered": false}));
    }

    #[test]
    fn what_a_proxy_does_is_named_without_the_addresses_it_writes() {
        let reached: &[u8] = b"GET http://a.test/e HTTP/1.1\r\nhost: a.test\r\nUser-Agent: z\r\n\
            Via: 1.1 box\r\nX-Forwarded-For: 10.1.0.2, 36.37.1.2\r\nip-36.37.1.2: x\r\n\r\n";
        let facts = heads(SENT, reached);
        assert_eq!(
            json!(facts),
            json!({
                "altered": true,
                "request_line_altered": true,
                "added": ["via", "x-forwarded-for", "ip-[scrubbed]"],
                "missing": ["accept"],
                "changed": ["user-agent"],
                "recased": ["host", "user-agent"],
            })
        );
        let written = json!(facts).to_string();
        assert!(
            !written.contains("10.1.0.2") && !written.contains("36.37"),
            "{written}"
        );
    }

    #[test]
    fn only_another_order_is_an_alteration_too() {
        let reached: &[u8] =
            b"GET /e HTTP/1.1\r\naCcEPT: x\r\nhOST: a.test\r\nUSER-agent: y\r\n\r\n";
        let facts = heads(SENT, reached);
        assert_eq!(facts["altered"], true);
        assert_eq!(facts["added"], json!([]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_compared_and_no_address_is_kept(bytes in prop::collection::vec(any::<u8>(), 0..300), v4: [u8; 4]) {
            let _ = heads(SENT, &bytes);
            let ip = std::net::Ipv4Addr::from(v4);
            prop_assume!(!ip.is_loopback() && !ip.is_unspecified());
            let added = format!("GET /e HTTP/1.1\r\nX-Client: {ip}\r\nFor-{ip}: {ip}\r\n\r\n");
            let facts = json!(heads(SENT, added.as_bytes())).to_string();
            prop_assert!(!facts.contains(&ip.to_string()));
        }
    }
}
