//! What of an address or a text may stand in a record: the far side, never the volunteer's.
pub mod encoded;
mod find;

use encoded::Encoding;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use url::Url;

/// Written in place of an address that was found in foreign text.
pub const SCRUBBED: &str = "[scrubbed]";

/// Shortest address that is believed of decoded text: that of the shortest one of IPv4, bytes.
const ENCODED_MIN_CHARS: usize = 7;

/// Suffixes that only exist inside somebody's own network: RFC 6762, RFC 8375, ICANN's `internal`,
/// and what home routers use.
const LOCAL_SUFFIXES: [&str; 7] = [
    "local",
    "lan",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "localdomain",
];

/// An address as it may be written: public ones as they are, the volunteer's side by its kind
/// (`loopback`, `lan`), ranges that can be nobody's address as they are.
#[must_use]
pub fn address(address: IpAddr) -> String {
    let address = address.to_canonical();
    if address.is_loopback() {
        return "loopback".to_owned();
    }
    if is_own_side(address) {
        return "lan".to_owned();
    }
    address.to_string()
}

/// An `address:port` as it may be written; see [`address`].
#[must_use]
pub fn endpoint(endpoint: SocketAddr) -> String {
    let written = address(endpoint.ip());
    if written.contains(':') {
        return format!("[{written}]:{}", endpoint.port());
    }
    format!("{written}:{}", endpoint.port())
}

/// A host name as it may be written: names that only exist inside a home network become `lan`, and an
/// address within a name is scrubbed: operators name their subscribers' lines so.
#[must_use]
pub fn host(name: &str) -> Cow<'_, str> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(literal) = bare.parse() {
        return Cow::Owned(address(literal));
    }
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    let is_local = !lower.contains('.')
        || LOCAL_SUFFIXES
            .iter()
            .any(|suffix| lower.ends_with(&format!(".{suffix}")));
    if lower == "localhost" {
        return Cow::Borrowed("loopback");
    }
    if is_local {
        return Cow::Borrowed("lan");
    }
    text(name, &[])
}

/// A name that a resolver gave in answer: as [`host`], but that the addresses of the same answer may
/// stand in it (`ec2-203-0-113-7.example`).
#[must_use]
pub fn alias<'a>(name: &'a str, answered: &[IpAddr]) -> Cow<'a, str> {
    let written = host(name);
    if matches!(written, Cow::Borrowed(_)) || name.parse::<IpAddr>().is_ok() {
        return written;
    }
    text(name, answered)
}

/// True of an address that may stand in a record as it is.
#[must_use]
pub fn is_far_side(address: IpAddr) -> bool {
    let address = address.to_canonical();
    !address.is_loopback() && !is_own_side(address)
}

/// A URL as it may be written: without credentials and fragment, the host as [`host`] says, any
/// address in its path and query scrubbed.
#[must_use]
pub fn url(url: &Url) -> String {
    let mut written = format!(
        "{}://{}",
        url.scheme(),
        host(url.host_str().unwrap_or_default())
    );
    if let Some(port) = url.port() {
        written.push(':');
        written.push_str(&port.to_string());
    }
    written.push_str(&text(url.path(), &[]));
    if let Some(query) = url.query() {
        written.push('?');
        written.push_str(&text(query, &[]));
    }
    written
}

/// A URL that a server sent us to, as it may be written. Its query is left out: portals put the
/// device's addresses and session there, in encodings that cannot all be known.
#[must_use]
pub fn foreign_url(foreign: &Url) -> String {
    let mut bare = foreign.clone();
    bare.set_query(None);
    let written = url(&bare);
    match foreign.query() {
        None => written,
        Some(_) => format!("{written}?{SCRUBBED}"),
    }
}

/// Private, shared, link-local and unique-local addresses: they name a device of the volunteer's
/// network or of the operator's access network.
fn is_own_side(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            (first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfe80
        }
    }
}

/// Foreign text with every IP address and every MAC address in it replaced, except the addresses in
/// `keep`, loopback and the unspecified address. Servers echo the address that they see ("your IP
/// is …"), operators put it into the names of lines (`36-37-1-2.example`, also backwards), and captive
/// portals echo the device's MAC: all are the volunteer's. So they are where the text is encoded: see
/// [`encoded::replace`].
#[must_use]
pub fn bytes<'a>(text: &'a [u8], keep: &[IpAddr]) -> Cow<'a, [u8]> {
    encoded::replace(text, &|view, encoding| {
        let mut found = find::foreign(view, keep);
        // Noise decodes to something like `::a` now and then.
        let is_noise_likely = matches!(encoding, Encoding::Hex | Encoding::Base64);
        found.retain(|one| !is_noise_likely || one.len() >= ENCODED_MIN_CHARS);
        found
    })
}

/// [`bytes()`] for text.
#[must_use]
pub fn text<'a>(text: &'a str, keep: &[IpAddr]) -> Cow<'a, str> {
    match bytes(text.as_bytes(), keep) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(out) => Cow::Owned(String::from_utf8_lossy(&out).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_volunteers_side_is_written_by_its_kind() {
        for (given, written) in [
            ("127.0.0.53", "loopback"),
            ("::1", "loopback"),
            ("::ffff:127.0.0.1", "loopback"),
            ("192.168.1.1", "lan"),
            ("100.64.3.4", "lan"),
            ("fe80::1", "lan"),
            ("fd00::1", "lan"),
            ("0.0.0.0", "0.0.0.0"),
            ("1.1.1.1", "1.1.1.1"),
            ("2606:4700::1111", "2606:4700::1111"),
        ] {
            assert_eq!(address(given.parse().unwrap()), written);
        }
        assert_eq!(
            endpoint("[2606:4700::1111]:443".parse().unwrap()),
            "[2606:4700::1111]:443"
        );
        assert_eq!(endpoint("192.168.1.1:80".parse().unwrap()), "lan:80");
    }

    #[test]
    fn names_of_a_home_network_are_not_written() {
        for name in ["fritz.home.arpa", "router.lan", "nas", "printer.local."] {
            assert_eq!(host(name), "lan", "{name}");
        }
        assert_eq!(host("localhost"), "loopback");
        assert_eq!(host("www.moh.gov.kh"), "www.moh.gov.kh");
        assert_eq!(host("[fe80::1]"), "lan");
    }

    #[test]
    fn addresses_in_foreign_text_are_replaced() {
        let server: IpAddr = "203.0.113.7".parse().unwrap();
        for (given, scrubbed) in [
            ("your IP is 36.37.1.2.", "your IP is [scrubbed]."),
            ("ip=36.37.1.2&x=1", "ip=[scrubbed]&x=1"),
            (
                "from 36.37.1.2:5000 to 203.0.113.7",
                "from [scrubbed]:5000 to 203.0.113.7",
            ),
            ("at [2a01:4f8::1]:443", "at [[scrubbed]]:443"),
            (
                "std::vector v1.2.3.4 12:34:56",
                "std::vector v1.2.3.4 12:34:56",
            ),
            ("127.0.0.1 and :: stay", "127.0.0.1 and :: stay"),
            ("36-37-1-2.dyn.example", "[scrubbed].dyn.example"),
            ("line-2-1-37-36.example", "line-[scrubbed].example"),
            ("36.37.1.2.dyn.example", "[scrubbed].dyn.example"),
            ("dsl_36_37_1_2.example", "dsl_[scrubbed].example"),
            ("2a01-4f8--1.dyn.example", "[scrubbed].dyn.example"),
            ("ec2-203-0-113-7.example", "ec2-203-0-113-7.example"),
            (
                "on 2026-11-26, 10-20-30, 1.2.3.4.5, 550e8400-e29b-41d4-a716-446655440000",
                "on 2026-11-26, 10-20-30, 1.2.3.4.5, 550e8400-e29b-41d4-a716-446655440000",
            ),
            ("mac=AA-bb-CC-00-11-22&", "mac=[scrubbed]&"),
            ("mac aa:bb:cc:00:11:22", "mac [scrubbed]"),
        ] {
            assert_eq!(text(given, &[server]), scrubbed);
        }
    }

    #[test]
    fn addresses_in_encoded_text_are_replaced() {
        for (given, scrubbed) in [
            ("?ip=36%2E37%2e1%2E2&x", "?ip=[scrubbed]&x"),
            (
                "?to=http%3A%2F%2F36.37.1.2%2F&x",
                "?to=http%3A%2F%2F[scrubbed]%2F&x",
            ),
            ("your IP: 36&#46;37&#x2e;1.2!", "your IP: [scrubbed]!"),
            (r#"{"ip":"36\u002e37\x2e1.2"}"#, r#"{"ip":"[scrubbed]"}"#),
            ("id=33362e33372e312e32;", "id=[scrubbed];"),
            // {"ip":"36.37.1.2"}: the characters that hold bytes of the address go, what is around stays.
            ("t=eyJpcCI6IjM2LjM3LjEuMiJ9.x", "t=eyJpcCI6I[scrubbed]J9.x"),
            // The same in base64 once more.
            (
                "t=ZXlKcGNDSTZJak0yTGpNM0xqRXVNaUo5",
                "t=ZXlKcGNDSTZJ[scrubbed]o5",
            ),
        ] {
            assert_eq!(text(given, &[]), scrubbed);
        }
    }

    #[test]
    fn an_alias_may_hold_an_address_of_its_own_answer_and_no_other() {
        let answered: IpAddr = "203.0.113.7".parse().unwrap();
        for (given, written) in [
            ("ec2-203-0-113-7.example.", "ec2-203-0-113-7.example."),
            ("36-37-1-2.isp.example.", "[scrubbed].isp.example."),
            ("router.lan.", "lan"),
            ("cdn.example.", "cdn.example."),
        ] {
            assert_eq!(alias(given, &[answered]), written);
        }
    }

    #[test]
    fn urls_are_written_without_what_is_private_in_them() {
        for (given, written, foreign) in [
            (
                "https://u:p@www.example.org/a?b=1#c",
                "https://www.example.org/a?b=1",
                "https://www.example.org/a?[scrubbed]",
            ),
            (
                "http://192.168.1.1:8080/login",
                "http://lan:8080/login",
                "http://lan:8080/login",
            ),
            (
                "http://block.example/36.37.1.2?ip=36.37.1.2",
                "http://block.example/[scrubbed]?ip=[scrubbed]",
                "http://block.example/[scrubbed]?[scrubbed]",
            ),
        ] {
            let given = Url::parse(given).unwrap();
            assert_eq!(url(&given), written);
            assert_eq!(foreign_url(&given), foreign);
        }
    }

    proptest! {
        #[test]
        fn noise_holds_no_address(raw in proptest::collection::vec(any::<u8>(), 400)) {
            use base64::prelude::*;
            let encoded = BASE64_STANDARD.encode(raw);
            prop_assert_eq!(text(&encoded, &[]), &*encoded);
        }

        #[test]
        fn scrubbing_twice_changes_nothing_more(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let once = bytes(&raw, &[]).into_owned();
            prop_assert_eq!(bytes(&once, &[]).into_owned(), once.clone());
        }

        #[test]
        fn no_address_survives_in_the_name_of_a_line(v4 in any::<[u8; 4]>(), joint in "[.-]", word in "[a-z]{1,5}-?") {
            let ip = std::net::Ipv4Addr::from(v4);
            prop_assume!(!ip.is_loopback() && !ip.is_unspecified() && v4[3] != 127 && v4[0] != 127);
            prop_assume!(word.ends_with('-'));
            let line = v4.map(|octet| octet.to_string()).join(&joint);
            let name = format!("{word}{line}.isp.example");
            prop_assert!(!text(&name, &[]).contains(&line), "{}", name);
        }

        #[test]
        fn no_public_address_survives(v4 in any::<[u8; 4]>(), v6 in any::<[u16; 8]>(), before in "[ =,;(/]", after in "[ ,;&)/]") {
            for ip in [IpAddr::from(v4), IpAddr::from(v6)] {
                prop_assume!(!ip.to_canonical().is_loopback() && !ip.to_canonical().is_unspecified());
                let line = format!("x{before}{ip}{after}y");
                prop_assert!(!text(&line, &[]).contains(&ip.to_string()));
            }
        }
    }
}
