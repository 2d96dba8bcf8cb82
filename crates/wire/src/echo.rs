//! The echo of a measurement server: it says what reached it, so that whoever asked sees what was changed
//! on the way. The measuring idea is OONI's (ts-006 header field manipulation, ts-007 invalid request line).
//!
//! An opening line that holds [`PATH`] is for the echo. A request line of `GET` with a path and a version
//! of HTTP/1 is answered as the method `TRACE` is (RFC 9110, section 9.3.8): its head comes back, byte for
//! byte, as the `message/http` content of a response. Everything else comes back as it came.
//!
//! No amplifier: an answer has at most [`EXTRA_MAX_BYTES`] more than its request.

/// What an opening line for the echo holds; behind it stands a word of the client's choice.
pub const PATH: &str = "/tonle-echo/";
/// Longest opening line, bytes; a longer one is not for the echo.
pub const LINE_MAX_BYTES: usize = 2 << 10;
/// Most bytes of one connection that are sent back.
pub const REQUEST_MAX_BYTES: usize = 4 << 10;
/// What an answer has at most beside the request, bytes.
pub const EXTRA_MAX_BYTES: usize = 192;
/// Most bytes of an answer.
pub const ANSWER_MAX_BYTES: usize = REQUEST_MAX_BYTES + EXTRA_MAX_BYTES;
/// Says that the echo has no time, so that this is taken for nobody's meddling.
pub const BUSY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nTonle-Echo: busy\r\n\
    Retry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BUSY_LINE: &[u8] = b"tonle-echo: busy";
const CONTENT_TYPE: &[u8] = b"content-type: message/http";

/// How an opening line is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By a response that holds the request's head.
    Http,
    /// By the bytes themselves.
    Bytes,
}

/// The opening line without its end, once it has come whole.
#[must_use]
pub fn opening_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// How an opening line is answered; `None` where it is not for the echo.
#[must_use]
pub fn kind(line: &[u8]) -> Option<Kind> {
    if line.len() > LINE_MAX_BYTES || !contains(line, PATH.as_bytes()) {
        return None;
    }
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    match words[..] {
        [b"GET", path, b"HTTP/1.1" | b"HTTP/1.0"] if path.starts_with(b"/") => Some(Kind::Http),
        _ => Some(Kind::Bytes),
    }
}

/// Length of a head with the empty line behind it, once it has come whole.
#[must_use]
pub fn head_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// The answer to a request of HTTP.
#[must_use]
pub fn answer(head: &[u8]) -> Vec<u8> {
    let before = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        head.len()
    );
    [before.as_bytes(), head].concat()
}

/// The head that an answer says reached the echo; `None` where this is no answer of the echo, or not all
/// of it.
#[must_use]
pub fn echoed(answer: &[u8]) -> Option<&[u8]> {
    let length = head_length(answer)?;
    let (head, content) = answer.split_at(length);
    if status(head)? != 200 || !has_line(head, CONTENT_TYPE) {
        return None;
    }
    let content = content.get(..content_length(head)?)?;
    contains(content, PATH.as_bytes()).then_some(content)
}

/// Whether an answer of HTTP has come whole, as far as it says its length.
#[must_use]
pub fn is_whole(answer: &[u8]) -> bool {
    head_length(answer).is_some_and(|length| {
        let (head, content) = answer.split_at(length);
        status(head).is_some() && content_length(head).is_some_and(|all| content.len() >= all)
    })
}

/// Whether the echo says that it has no time.
#[must_use]
pub fn is_busy(answer: &[u8]) -> bool {
    head_length(answer).is_some_and(|length| has_line(&answer[..length], BUSY_LINE))
}

/// The status of a response of HTTP/1; `None` where this is none.
#[must_use]
pub fn status(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(opening_line(answer)?).ok()?;
    let mut words = line.split(' ');
    let is_http = words.next()?.starts_with("HTTP/1.");
    let code: u16 = words.next()?.parse().ok()?;
    (is_http && (100..600).contains(&code)).then_some(code)
}

fn content_length(head: &[u8]) -> Option<usize> {
    lines(head).find_map(|line| {
        let value = line.to_ascii_lowercase();
        let value = value.strip_prefix(b"content-length:")?;
        std::str::from_utf8(value).ok()?.trim().parse().ok()
    })
}

fn has_line(head: &[u8], wanted: &[u8]) -> bool {
    lines(head).any(|line| line.eq_ignore_ascii_case(wanted))
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = head.split(|byte| *byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_line_is_told_from_what_is_none() {
        for (line, expected) in [
            ("GET /tonle-echo/1 HTTP/1.1", Some(Kind::Http)),
            ("GET /tonle-echo/1 HTTP/1.0", Some(Kind::Http)),
            ("GET http://m/tonle-echo/1 HTTP/1.1", Some(Kind::Bytes)),
            ("XYZW /tonle-echo/1 HTTP/1.1", Some(Kind::Bytes)),
            ("GET /tonle-echo/1 HTTP/9z9", Some(Kind::Bytes)),
            ("a b c /tonle-echo/1", Some(Kind::Bytes)),
            ("GET / HTTP/1.1", None),
            ("", None),
        ] {
            assert_eq!(kind(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn an_answer_that_is_not_whole_or_not_the_echos_tells_nothing() {
        let head = b"GET /tonle-echo/1 HTTP/1.1\r\nHost: a\r\n\r\n";
        let whole = answer(head);
        assert_eq!(echoed(&whole), Some(&head[..]));
        assert!(is_whole(&whole) && !is_busy(&whole));
        for short in 0..whole.len() {
            assert_eq!(echoed(&whole[..short]), None, "{short}");
            assert!(!is_whole(&whole[..short]), "{short}");
        }
        let page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
        assert!(is_whole(page) && echoed(page).is_none());
        assert!(is_whole(BUSY) && is_busy(BUSY) && echoed(BUSY).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = opening_line(&bytes).map(kind);
            let _ = (echoed(&bytes), is_whole(&bytes), is_busy(&bytes), status(&bytes));
        }

        #[test]
        fn an_answer_is_hardly_longer_than_its_request(head in proptest::collection::vec(any::<u8>(), 0..REQUEST_MAX_BYTES)) {
            prop_assert!(answer(&head).len() <= head.len() + EXTRA_MAX_BYTES);
        }
    }
}
