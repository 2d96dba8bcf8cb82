//! Cuts an input into JSON documents, holding one of them at a time.
//!
//! 1. Every line that is not empty is a document; it may have [`DOCUMENT_MAX_BYTES`].
//! 2. A file whose first line is no whole value, and whose next does not begin an object, is one
//!    document over several lines.
//! 3. A document that is a list is a row of documents.
//! 4. A document keeps its bytes, but for white space around it in a list.
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::io::{self, BufRead};
use tonle_wire::ooni::MEASUREMENT_MAX_BYTES;

/// Longest document, bytes.
pub(super) const DOCUMENT_MAX_BYTES: usize = MEASUREMENT_MAX_BYTES;

/// One document, or why there is none at this place. Lines count from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Document {
    /// A line, or the whole file.
    Text { line: u64, bytes: Vec<u8> },
    /// An element of a list that began at this line.
    Element {
        line: u64,
        index: usize,
        bytes: Vec<u8>,
    },
    /// Nothing that can be read.
    Bad { line: u64, reason: String },
}

/// The documents of an input, in order.
pub(super) struct Documents<R> {
    reader: R,
    line: u64,
    ready: VecDeque<Document>,
    /// Lines read ahead.
    ahead: VecDeque<(u64, Line)>,
    started: bool,
    ended: bool,
}

/// A line as it was read.
enum Line {
    Text(Vec<u8>),
    TooLong,
}

impl<R: BufRead> Documents<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            line: 0,
            ready: VecDeque::new(),
            ahead: VecDeque::new(),
            started: false,
            ended: false,
        }
    }

    /// Reads on until there is a document, or the end.
    fn advance(&mut self) -> io::Result<()> {
        let Some((line, text)) = self.next_line()? else {
            self.ended = true;
            return Ok(());
        };
        let is_first = !std::mem::replace(&mut self.started, true);
        match text {
            Line::TooLong => self.ready.push_back(too_long(line)),
            Line::Text(bytes) if is_first && self.is_one_document(&bytes)? => {
                let whole = self.rest(bytes)?;
                self.add(line, whole);
            }
            Line::Text(bytes) => self.add(line, Some(bytes)),
        }
        Ok(())
    }

    /// Rule 2.
    fn is_one_document(&mut self, first: &[u8]) -> io::Result<bool> {
        let parsed = serde_json::from_slice::<serde::de::IgnoredAny>(first);
        let is_open = parsed.is_err_and(|error| error.classify() == Category::Eof);
        if !is_open {
            return Ok(false);
        }
        let next = self.next_line()?;
        let begins_object = matches!(&next, Some((_, Line::Text(bytes))) if bytes.trim_ascii_start().starts_with(b"{"));
        let is_list = first.trim_ascii().starts_with(b"[");
        let is_one = next.is_some() && (!begins_object || is_list);
        self.ahead.extend(next);
        Ok(is_one)
    }

    /// All lines as one; `None` when they are too long together.
    fn rest(&mut self, mut whole: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        let mut fits = true;
        while let Some((_, line)) = self.next_line()? {
            match line {
                Line::Text(bytes) if fits && whole.len() + bytes.len() < DOCUMENT_MAX_BYTES => {
                    whole.push(b'\n');
                    whole.extend_from_slice(&bytes);
                }
                _ => fits = false,
            }
        }
        Ok(fits.then_some(whole))
    }

    /// Rule 3.
    fn add(&mut self, line: u64, bytes: Option<Vec<u8>>) {
        let Some(bytes) = bytes else {
            self.ready.push_back(too_long(line));
            return;
        };
        if !bytes.trim_ascii_start().starts_with(b"[") {
            self.ready.push_back(Document::Text { line, bytes });
            return;
        }
        match serde_json::from_slice::<Vec<&RawValue>>(&bytes) {
            Ok(elements) => {
                let elements = elements.into_iter().enumerate();
                self.ready
                    .extend(elements.map(|(index, element)| Document::Element {
                        line,
                        index,
                        bytes: element.get().as_bytes().to_vec(),
                    }));
            }
            Err(error) => self.ready.push_back(Document::Bad {
                line,
                reason: format!("not JSON: {error}"),
            }),
        }
    }

    /// The next line that is not empty.
    fn next_line(&mut self) -> io::Result<Option<(u64, Line)>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        loop {
            let mut text = Vec::new();
            let mut too_long = false;
            let mut any = false;
            loop {
                let available = self.reader.fill_buf()?;
                if available.is_empty() {
                    break;
                }
                any = true;
                let end = available.iter().position(|byte| *byte == b'\n');
                let part = &available[..end.unwrap_or(available.len())];
                too_long |= text.len() + part.len() > DOCUMENT_MAX_BYTES;
                if !too_long {
                    text.extend_from_slice(part);
                }
                let used = part.len() + usize::from(end.is_some());
                self.reader.consume(used);
                if end.is_some() {
                    break;
                }
            }
            if !any {
                return Ok(None);
            }
            self.line += 1;
            if too_long {
                return Ok(Some((self.line, Line::TooLong)));
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some((self.line, Line::Text(text))));
            }
        }
    }
}

fn too_long(line: u64) -> Document {
    Document::Bad {
        line,
        reason: format!("longer than {DOCUMENT_MAX_BYTES} bytes; no measurement is"),
    }
}

impl<R: BufRead> Iterator for Documents<R> {
    type Item = Document;

    fn next(&mut self) -> Option<Document> {
        while self.ready.is_empty() && !self.ended {
            if let Err(error) = self.advance() {
                self.ended = true;
                self.ready.push_back(Document::Bad {
                    line: self.line + 1,
                    reason: format!("cannot read on: {error}"),
                });
            }
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &[u8]) -> Vec<Document> {
        Documents::new(text).collect()
    }

    fn text(line: u64, bytes: &str) -> Document {
        Document::Text {
            line,
            bytes: bytes.into(),
        }
    }

    fn element(line: u64, index: usize, bytes: &str) -> Document {
        Document::Element {
            line,
            index,
            bytes: bytes.into(),
        }
    }

    #[test]
    fn every_line_that_is_not_empty_is_a_document() {
        assert_eq!(
            of(b"{}\n\n \r\n{\"a\":1}"),
            [text(1, "{}"), text(4, "{\"a\":1}")]
        );
        assert_eq!(of(b""), []);
        assert_eq!(of(b"\n\n"), []);
    }

    #[test]
    fn a_broken_line_among_others_stands_alone() {
        assert_eq!(of(b"{\"a\":\n{}\n"), [text(1, "{\"a\":"), text(2, "{}")]);
        assert_eq!(
            of(b"{}\n{\"a\":\nx"),
            [text(1, "{}"), text(2, "{\"a\":"), text(3, "x")]
        );
    }

    #[test]
    fn a_document_over_several_lines_is_one() {
        assert_eq!(of(b"{\n  \"a\": 1\n}\n"), [text(1, "{\n  \"a\": 1\n}")]);
    }

    #[test]
    fn elements_of_a_list_keep_their_bytes() {
        let spaced = r#"{ "b": 1.50,  "a": "\u0041" }"#;
        assert_eq!(
            of(format!("[ {spaced} ]").as_bytes()),
            [element(1, 0, spaced)]
        );
    }

    #[test]
    fn a_list_is_a_row_of_documents() {
        let expected = [element(1, 0, "{\"a\":1}"), element(1, 1, "2")];
        assert_eq!(of(b"[{\"a\":1}, 2]"), expected);
        assert_eq!(of(b"[\n{\"a\":1},\n2\n]"), expected);
        assert!(matches!(&of(b"[1,")[..], [Document::Bad { line: 1, .. }]));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let long = vec![b'x'; DOCUMENT_MAX_BYTES + 1];
        let documents = of(&[&b"{}\n"[..], &long, b"\n{}\n"].concat());
        assert_eq!(documents.len(), 3);
        assert_eq!(documents[1], too_long(2));
        assert_eq!(documents[2], text(3, "{}"));
    }

    #[test]
    fn an_input_that_breaks_off_says_so_after_what_it_gave() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("torn"))
            }
        }
        let input = io::BufReader::new(io::Read::chain(&b"{}\n"[..], Broken));
        let documents: Vec<Document> = Documents::new(input).collect();
        assert_eq!(documents[0], text(1, "{}"));
        assert!(
            matches!(&documents[1], Document::Bad { line: 2, reason } if reason.contains("torn"))
        );
        assert_eq!(documents.len(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = of(&bytes);
        }

        #[test]
        fn whole_lines_come_out_as_they_went_in(
            lines in proptest::collection::vec("\\{\"[a-z]{1,5}\":[0-9]{1,3}\\}", 1..20)
        ) {
            let found = of(lines.join("\n").as_bytes());
            let expected: Vec<Document> =
                lines.iter().zip(1..).map(|(line, number)| text(number, line)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
