//! What is sent to the echo. Pure: the seed draws what is random.
use rand::RngExt;
use rand::seq::IndexedRandom;
use tonle_wire::echo::PATH;

/// Header lines of an ordinary request beside `Host`, as browsers send them (ts-006).
const HEADERS: [(&str, &str); 5] = [
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-US,en;q=0.8"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Accept-Charset", "utf-8;q=0.7,*;q=0.3"),
];
/// Length of a method that no parser has room for (ts-007).
const BIG_METHOD_CHARS: usize = 1024;
const LETTERS: &[u8; 26] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// In what way a request line is none (ts-007).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invalid {
    /// A method that there is none of.
    Method,
    /// Four words in place of three.
    FieldCount,
    /// A very long method.
    BigMethod,
    /// A version that is no number.
    Version,
    /// A question to the cache of Squid.
    CacheObject,
}

impl Invalid {
    pub(super) const ALL: [Self; 5] = [
        Self::Method,
        Self::FieldCount,
        Self::BigMethod,
        Self::Version,
        Self::CacheObject,
    ];

    /// The word of records.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::FieldCount => "field_count",
            Self::BigMethod => "big_method",
            Self::Version => "version",
            Self::CacheObject => "cache_object",
        }
    }
}

/// A path that nobody has asked for before, so that no cache can answer.
pub(super) fn path(random: &mut impl RngExt) -> String {
    format!("{PATH}{:016x}", random.random::<u64>())
}

/// A request as a browser would make it.
pub(super) fn plain(host: &str, random: &mut impl RngExt) -> Vec<u8> {
    head(host, random, |name, _| name.to_owned())
}

/// The same, with every letter of every header name in a random case: who hands it on by parsing it
/// writes the names in its own way (ts-006).
pub(super) fn recased(host: &str, random: &mut impl RngExt) -> Vec<u8> {
    head(host, random, |name, random| {
        let letters = name.chars().map(|letter| {
            if random.random() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        });
        letters.collect()
    })
}

fn head<R: RngExt>(host: &str, random: &mut R, spell: impl Fn(&str, &mut R) -> String) -> Vec<u8> {
    let mut text = format!("GET {} HTTP/1.1\r\n", path(random));
    for (name, value) in [("Host", host)].into_iter().chain(HEADERS) {
        let name = spell(name, random);
        text.extend([name.as_str(), ": ", value, "\r\n"]);
    }
    (text + "\r\n").into_bytes()
}

/// A request whose first line is none. That of ts-007 ends behind the line, with the characters of its end
/// swapped; a box that waits for the end of a head never answers it, so this one has one.
pub(super) fn invalid(how: Invalid, host: &str, random: &mut impl RngExt) -> Vec<u8> {
    let path = path(random);
    let line = match how {
        Invalid::Method => format!("{} {path} HTTP/1.1", letters(4, random)),
        Invalid::FieldCount => {
            let words = [letters(5, random), letters(5, random), letters(5, random)];
            format!("{} {path}", words.join(" "))
        }
        Invalid::BigMethod => format!("{} {path} HTTP/1.1", letters(BIG_METHOD_CHARS, random)),
        Invalid::Version => format!("GET {path} HTTP/{}", letters(3, random)),
        Invalid::CacheObject => format!("GET cache_object://localhost{path} HTTP/1.0"),
    };
    format!("{line}\r\nHost: {host}\r\n\r\n").into_bytes()
}

fn letters(count: usize, random: &mut impl RngExt) -> String {
    let drawn = (0..count).filter_map(|_| LETTERS.choose(random));
    drawn.map(|letter| char::from(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use tonle_wire::echo::{self, Kind, REQUEST_MAX_BYTES};

    proptest! {
        #[test]
        fn the_echo_takes_requests_for_requests_and_what_is_none_for_none(seed: u64) {
            let mut random = StdRng::seed_from_u64(seed);
            for valid in [plain("m.example", &mut random), recased("m.example", &mut random)] {
                let line = echo::opening_line(&valid).unwrap();
                prop_assert_eq!(echo::kind(line), Some(Kind::Http));
                prop_assert_eq!(echo::head_length(&valid), Some(valid.len()));
            }
            for how in Invalid::ALL {
                let none = invalid(how, "m.example", &mut random);
                let line = echo::opening_line(&none).unwrap();
                prop_assert_eq!(echo::kind(line), Some(Kind::Bytes), "{:?}", how);
                prop_assert!(none.len() <= REQUEST_MAX_BYTES);
            }
        }

        #[test]
        fn only_the_case_of_names_is_drawn(seed: u64) {
            let mut random = StdRng::seed_from_u64(seed);
            let drawn = recased("m.example", &mut random);
            let mut random = StdRng::seed_from_u64(seed);
            let usual = plain("m.example", &mut random);
            prop_assert!(drawn.eq_ignore_ascii_case(&usual));
        }
    }

    #[test]
    fn the_seed_draws_the_case() {
        let of = |seed| recased("m.example", &mut StdRng::seed_from_u64(seed));
        let names = |head: Vec<u8>| head[head.iter().position(|b| *b == b'\n').unwrap()..].to_vec();
        assert_ne!(names(of(1)), names(of(2)));
    }
}
