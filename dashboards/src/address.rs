//! Addresses of views: a path and its query, so that a view can be cited by its URL.
use std::fmt::{self, Write};

/// A path with query parameters, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    path: String,
    query: Vec<(String, String)>,
}

impl Address {
    /// An address without a query. The path is taken as it is: encode parts that come from outside
    /// with [`segment`].
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            query: Vec::new(),
        }
    }

    /// The address with a parameter set, in place of one of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.query.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.query.push((name.to_owned(), value.to_owned())),
        }
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            // A slash is allowed in a query (RFC 3986, 3.4) and keeps metric ids readable.
            write!(f, "{mark}{}={}", encoded(name, b"/"), encoded(value, b"/"))?;
        }
        Ok(())
    }
}

/// One path segment, percent-encoded.
#[must_use]
pub fn segment(text: &str) -> String {
    encoded(text, b"")
}

/// RFC 3986 unreserved characters and `also` stay as they are.
fn encoded(text: &str, also: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_replaced_in_its_place() {
        let address = Address::new("/").with("metric", "a/b").with("lang", "en");
        let khmer = address.with("lang", "km").with("metric", "c d&e");
        assert_eq!(khmer.to_string(), "/?metric=c%20d%26e&lang=km");
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("../a?b#c"), "..%2Fa%3Fb%23c");
    }
}
