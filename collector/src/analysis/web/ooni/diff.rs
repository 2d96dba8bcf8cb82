//! How a response compares with the control's, in OONI's four measures.
use crate::analysis::web::facts::{Control, ControlHttp, Response};
use serde::Serialize;
use std::collections::BTreeSet;

/// Proportion of body lengths above which they are taken for equal.
const SAME_LENGTH_ABOVE: f64 = 0.7;
/// Least bytes of a word of a title that is compared.
const WORD_MIN_BYTES: usize = 5;
/// Headers that most servers send: having them in common says nothing.
pub(super) const COMMON_HEADERS: [&str; 25] = [
    "accept-ranges",
    "age",
    "cache-control",
    "cf-ray",
    "content-encoding",
    "content-language",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "p3p",
    "pragma",
    "server",
    "set-cookie",
    "strict-transport-security",
    "vary",
    "via",
    "x-content-type-options",
    "x-frame-options",
    "x-powered-by",
    "x-varnish",
    "x-xss-protection",
];

/// The comparison; what cannot be compared is null (the proportion: 0).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Smaller body length over the larger.
    pub body_proportion: f64,
    /// Whether it is more than 0.7.
    pub body_length_match: Option<bool>,
    /// Whether an uncommon header is in both.
    pub headers_match: Option<bool>,
    /// Whether the status is the same.
    pub status_code_match: Option<bool>,
    /// Whether no long word is in one title only.
    pub title_match: Option<bool>,
}

impl Comparison {
    /// Whether this is another page than the control's: unless the status is the same and at least
    /// one other measure says so too.
    #[must_use]
    pub fn differs(&self) -> bool {
        let others = [self.body_length_match, self.headers_match, self.title_match];
        self.status_code_match != Some(true) || !others.contains(&Some(true))
    }
}

/// Compares a final response with a control's.
pub(in crate::analysis::web) fn compare(
    response: &Response,
    control: Option<&Control>,
) -> Comparison {
    let Some(control) = control.and_then(|control| control.http.as_ref()) else {
        return Comparison::default();
    };
    if control.failure.is_some() {
        return Comparison::default();
    }
    let proportion = proportion(response, control);
    let has_status = control.status > 0;
    Comparison {
        body_proportion: proportion.unwrap_or(0.0),
        body_length_match: proportion.map(|proportion| proportion > SAME_LENGTH_ABOVE),
        headers_match: has_status.then(|| shares_header(response, control)),
        status_code_match: has_status
            .then(|| same_status(response.status, control.status))
            .flatten(),
        title_match: has_status.then(|| words(&response.title) == words(&control.title)),
    }
}

fn proportion(response: &Response, control: &ControlHttp) -> Option<f64> {
    let theirs = u64::try_from(control.body_bytes)
        .ok()
        .filter(|length| *length > 0)?;
    let ours = response.body_bytes as u64;
    if ours == 0 || response.truncated {
        return None;
    }
    Some(ours.min(theirs) as f64 / ours.max(theirs) as f64)
}

/// A control that was itself refused says nothing of another status.
fn same_status(ours: i64, theirs: i64) -> Option<bool> {
    if ours == theirs {
        return Some(true);
    }
    (theirs / 100 == 2).then_some(false)
}

fn shares_header(response: &Response, control: &ControlHttp) -> bool {
    let theirs: BTreeSet<&str> = control.headers.iter().map(String::as_str).collect();
    let names = response.headers.iter().map(|(name, _)| name.as_str());
    names
        .filter(|name| !COMMON_HEADERS.contains(name))
        .any(|name| theirs.contains(name))
}

fn words(title: &str) -> BTreeSet<String> {
    let long = title.split(' ').filter(|word| word.len() >= WORD_MIN_BYTES);
    long.map(str::to_lowercase).collect()
}
