//! What is told of a page's final response.
use super::names;
use std::collections::BTreeMap;
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_net::http::channel::{HeaderMap, HeaderValue, Received};
use tonle_wire::ooni::{ControlHttp, NO_RESPONSE, title};

/// Where the content is cut off, bytes (as stock helpers do).
const BODY_MAX_BYTES: usize = 1 << 24;
/// Where a title is looked for: what probes read of a page, bytes.
const TITLE_WITHIN_BYTES: usize = 1 << 19;
/// Longest value of a header that is told, characters: what is compared are names.
const VALUE_MAX_CHARS: usize = 1_024;
/// Room for all headers in the answer, bytes of JSON; values that do not fit are left out, and names
/// that do not.
const HEADERS_MAX_BYTES: usize = 24 << 10;

/// Quotes, colon and comma of a header.
const PUNCTUATION_BYTES: usize = 6;

/// A page that is not to be had.
pub(super) fn none(failure: String) -> ControlHttp {
    ControlHttp {
        body_length: Some(NO_RESPONSE),
        discovered_h3_endpoint: Some(String::new()),
        failure: Some(failure),
        title: Some(String::new()),
        headers: BTreeMap::new(),
        status_code: Some(NO_RESPONSE),
    }
}

/// Reads the content to its end, its limit or the deadline.
pub(super) async fn of(mut received: Received, h3: String, deadline: Instant) -> ControlHttp {
    let (mut length, mut beginning) = (0, Vec::new());
    let reading = async {
        while let Some(piece) = received.next().await {
            let piece = piece?;
            let room = TITLE_WITHIN_BYTES - beginning.len();
            beginning.extend_from_slice(&piece[..piece.len().min(room)]);
            length = BODY_MAX_BYTES.min(length + piece.len());
            if length == BODY_MAX_BYTES {
                break;
            }
        }
        Ok(())
    };
    let broken = match timeout_at(deadline, reading).await {
        Ok(read) => read.err(),
        Err(_) => Some(Failure::GenericTimeout),
    };
    ControlHttp {
        body_length: i64::try_from(length).ok(),
        discovered_h3_endpoint: Some(h3),
        failure: broken.map(|failure| names::of_page(&failure, false)),
        title: Some(title(&String::from_utf8_lossy(&beginning)).to_owned()),
        headers: told(&received.headers),
        status_code: Some(i64::from(received.status)),
    }
}

/// Headers by name, spelt as stock helpers do, each with its first value. Names are what is compared:
/// they have their room before any value has.
fn told(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut room_bytes = HEADERS_MAX_BYTES;
    let mut names = Vec::new();
    for name in headers.keys() {
        let cost_bytes = name.as_str().len() + PUNCTUATION_BYTES;
        if let Some(left) = room_bytes.checked_sub(cost_bytes) {
            room_bytes = left;
            names.push(name);
        }
    }
    let mut told = BTreeMap::new();
    for name in names {
        let value = headers.get(name).map(HeaderValue::as_bytes);
        let value = String::from_utf8_lossy(value.unwrap_or_default());
        let short: String = value.chars().take(VALUE_MAX_CHARS).collect();
        // At least what its escapes cost in JSON.
        let cost_bytes = short.escape_default().count();
        let left = room_bytes.checked_sub(cost_bytes);
        room_bytes = left.unwrap_or(room_bytes);
        let value = left.map_or_else(String::new, |_| short);
        told.insert(canonical(name.as_str()), value);
    }
    told
}

/// `content-type` → `Content-Type`.
fn canonical(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tonle_net::http::channel::HeaderName;

    #[test]
    fn headers_are_spelt_as_stock_helpers_spell_them_with_their_first_value() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "a"),
            ("set-cookie", "b=1"),
            ("set-cookie", "c=2"),
            ("x", ""),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        let expected = [("Content-Type", "a"), ("Set-Cookie", "b=1"), ("X", "")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(told(&headers), BTreeMap::from(expected));
    }

    proptest! {
        #[test]
        fn any_headers_keep_within_their_room(
            pairs in proptest::collection::vec(("[a-z-]{1,300}", "[ -~]{0,300}"), 0..100),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, HeaderValue::from_str(&value).unwrap());
            }
            let json = serde_json::to_vec(&told(&headers)).unwrap();
            prop_assert!(json.len() <= HEADERS_MAX_BYTES + 2);
        }
    }
}
