//! What a text says in an encoding: escapes (URLs, HTML, JSON), hexadecimal digits, base64.
//!
//! A page or a portal may put the volunteer's address anywhere, and does so in the parameters of links and in
//! tokens. Each encoding gives a *view*: the decoded bytes, and where in the text each of them stands.
//! What is found in a view is replaced in the text. Views of views are looked at, too. Not seen are
//! what is compressed or encrypted, and encodings of somebody's own.
use super::SCRUBBED;
use std::borrow::Cow;
use std::ops::Range;

/// How many encodings within each other are undone.
const DEPTH_MAX: u8 = 2;
/// Fewest characters of hexadecimal digits that are looked at: an IPv4 address of four bytes.
const HEX_MIN_CHARS: usize = 8;
/// Fewest pairs of digits that are looked at when something stands between them.
const PAIRS_MIN: usize = 4;
/// Fewest characters of base64 that are looked at: an IPv4 address of four bytes.
const BASE64_MIN_CHARS: usize = 6;
/// What may stand between pairs of hexadecimal digits.
const JOINTS: &[u8] = b":-. ";

/// How a view was made of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The text itself.
    Plain,
    /// `%2e` of URLs, `&#46;` and `&#x2e;` of HTML, `\u002e` and `\x2e` of scripts.
    Escapes,
    /// Pairs of hexadecimal digits, with or without one of `:-. ` between them.
    Hex,
    /// RFC 4648, both alphabets, from any character on.
    Base64,
}

/// What a view holds that must not be written: stretches of it, by its bytes.
pub type Find<'a> = &'a dyn Fn(&[u8], Encoding) -> Vec<Range<usize>>;

/// The text with all that is found replaced by [`SCRUBBED`], in whatever encoding it stands.
#[must_use]
pub fn replace<'a>(text: &'a [u8], find: Find<'_>) -> Cow<'a, [u8]> {
    let mut scrubbed = Cow::Borrowed(text);
    // What stood apart may stand together once something between is gone. Each turn takes letters or
    // digits away and what it puts in cannot be part of any address, so turns come to an end.
    loop {
        let found = merged(stretches(&scrubbed, Encoding::Plain, DEPTH_MAX, find));
        if found.is_empty() {
            return scrubbed;
        }
        scrubbed = Cow::Owned(without(&scrubbed, &found));
    }
}

fn without(text: &[u8], stretches: &[Range<usize>]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut copied = 0;
    for stretch in stretches {
        kept.extend_from_slice(&text[copied..stretch.start]);
        kept.extend_from_slice(SCRUBBED.as_bytes());
        copied = stretch.end;
    }
    kept.extend_from_slice(&text[copied..]);
    kept
}

/// The stretches in order, those that overlap as one.
fn merged(mut stretches: Vec<Range<usize>>) -> Vec<Range<usize>> {
    stretches.sort_unstable_by_key(|stretch| stretch.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        match merged.last_mut() {
            Some(last) if stretch.start < last.end => last.end = last.end.max(stretch.end),
            _ => merged.push(stretch),
        }
    }
    merged
}

fn stretches(text: &[u8], encoding: Encoding, depth: u8, find: Find<'_>) -> Vec<Range<usize>> {
    let mut found = find(text, encoding);
    if depth == 0 {
        return found;
    }
    let mut look = |view: View| {
        let within = stretches(&view.bytes, view.encoding, depth - 1, find);
        found.extend(within.into_iter().map(|stretch| view.origin(&stretch)));
    };
    escapes(text, &mut look);
    hex(text, &mut look);
    base64(text, &mut look);
    found
}

/// Decoded bytes, and where each stands in the text.
struct View {
    encoding: Encoding,
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl View {
    fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            bytes: Vec::new(),
            places: Vec::new(),
        }
    }

    fn push(&mut self, byte: u8, place: Range<usize>) {
        self.bytes.push(byte);
        self.places.push(place);
    }

    /// Where a stretch of the view that is not empty stands in the text.
    fn origin(&self, stretch: &Range<usize>) -> Range<usize> {
        self.places[stretch.start].start..self.places[stretch.end - 1].end
    }
}

/// Views of the text with its escapes undone, and of each stretch that is nothing but escapes: there
/// somebody wrote bytes, whatever they spell.
fn escapes(text: &[u8], look: &mut impl FnMut(View)) {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'&' | b'\\')) {
        return;
    }
    let mut view = View::new(Encoding::Escapes);
    let mut run = View::new(Encoding::Hex);
    let mut is_any = false;
    let mut at = 0;
    while at < text.len() {
        let escape = escape(&text[at..]);
        is_any |= escape.is_some();
        let (byte, length) = escape.unwrap_or((text[at], 1));
        view.push(byte, at..at + length);
        if escape.is_some() {
            run.push(byte, at..at + length);
        } else if !run.bytes.is_empty() {
            look(std::mem::replace(&mut run, View::new(Encoding::Hex)));
        }
        at += length;
    }
    if is_any {
        look(run);
        look(view);
    }
}

/// The byte that an escape at the start of the text stands for, and the escape's length.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let fixed = |prefix: &[u8]| {
        let digits = text.strip_prefix(prefix)?.get(..2)?;
        Some((pair(digits)?, prefix.len() + 2))
    };
    match text.first()? {
        b'%' => fixed(b"%"),
        b'\\' => fixed(b"\\u00").or_else(|| fixed(b"\\x")),
        b'&' => entity(text),
        _ => None,
    }
}

/// A numeric character reference of HTML for a byte: `&#46;`, `&#x2e;`.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    const MAX_CHARS: usize = 10;
    let end = text.iter().take(MAX_CHARS).position(|byte| *byte == b';')?;
    let number = std::str::from_utf8(text[..end].strip_prefix(b"&#")?).ok()?;
    let byte = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u8::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some((byte, end + 1))
}

fn pair(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let (high, low) = (value(digits[0])?, value(digits[1])?);
    u8::try_from(high * 16 + low).ok()
}

/// Views of stretches of hexadecimal digits: in one go from either of the first two digits on, and in
/// pairs.
fn hex(text: &[u8], look: &mut impl FnMut(View)) {
    for run in runs(text, u8::is_ascii_hexdigit, HEX_MIN_CHARS) {
        for first in [run.start, run.start + 1] {
            let mut view = View::new(Encoding::Hex);
            for at in (first..run.end - 1).step_by(2) {
                view.bytes.extend(pair(&text[at..at + 2]));
                view.places.push(at..at + 2);
            }
            look(view);
        }
    }
    let mut at = 0;
    while at < text.len() {
        let view = pairs(text, at);
        at = view.places.last().map_or(at + 1, |place| place.end);
        if view.bytes.len() >= PAIRS_MIN {
            look(view);
        }
    }
}

/// Pairs of digits from `at` on, all with the same joint between them.
fn pairs(text: &[u8], at: usize) -> View {
    let mut view = View::new(Encoding::Hex);
    let goes_on = at > 0 && text[at - 1].is_ascii_hexdigit();
    let joint = text
        .get(at + 2)
        .copied()
        .filter(|byte| JOINTS.contains(byte));
    let Some(joint) = joint.filter(|_| !goes_on) else {
        return view;
    };
    let mut next = at;
    while let Some(byte) = text.get(next..next + 2).and_then(pair) {
        view.push(byte, next..next + 2);
        if text.get(next + 2) != Some(&joint) {
            break;
        }
        next += 3;
    }
    view
}

/// Views of stretches of base64, from each of the first four characters on.
fn base64(text: &[u8], look: &mut impl FnMut(View)) {
    let is_part = |byte: &u8| sextet(*byte).is_some();
    for run in runs(text, is_part, BASE64_MIN_CHARS) {
        for first in run.start..run.start + 4 {
            look(of_base64(text, first..run.end));
        }
    }
}

fn of_base64(text: &[u8], run: Range<usize>) -> View {
    let mut view = View::new(Encoding::Base64);
    let (mut bits, mut count) = (0_u32, 0);
    for at in run {
        // What was read before goes out at the top.
        bits = (bits << 6) | u32::from(sextet(text[at]).unwrap_or(0));
        count += 6;
        if count >= 8 {
            count -= 8;
            // A byte lies in two characters: this one and the one before.
            let [.., byte] = (bits >> count).to_be_bytes();
            view.push(byte, at - 1..at + 1);
        }
    }
    view
}

/// The six bits of a character of base64, in either alphabet (RFC 4648, sections 4 and 5).
fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Longest stretches of bytes that are part of something, of at least `min` bytes.
fn runs(text: &[u8], is_part: impl Fn(&u8) -> bool, min: usize) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().take_while(|byte| is_part(byte)).count();
        if length >= min {
            runs.push(at..at + length);
        }
        at += length.max(1);
    }
    runs
}
