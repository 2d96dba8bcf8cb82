//! What Locate answers, as far as it may be used.
//!
//! A client opens connections to where an answer says, so nothing in it is taken on trust:
//! 1. At most [`ANSWER_MAX_BYTES`] of JSON, and the first [`TARGETS_MAX`] targets of it.
//! 2. A URL stands under the key `<scheme>:///ndt/v7/<direction>`, is of that scheme (`ws` or `wss`)
//!    and that path, names a host, and carries neither credentials nor a fragment. Any other is
//!    passed over. (That its host leads to a public address is checked where it is connected to.)
//! 3. A target is kept when it can be used in both directions over one scheme.
//! 4. Names and places are kept as short plain text; a country is two letters.
use crate::ndt7::Direction;
use crate::query::QUERY_MAX_BYTES;
use serde::Deserialize;
use std::collections::BTreeMap;
use url::Url;

/// Largest answer that is read, bytes: one of four targets has about 5 KiB.
pub const ANSWER_MAX_BYTES: usize = 64 << 10;
/// Most targets of an answer (Locate sends up to four).
pub const TARGETS_MAX: usize = 4;
/// Longest name or place, characters.
const TEXT_MAX_CHARS: usize = 128;

/// Servers to test with, best first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// In the service's order.
    pub targets: Vec<Target>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name of the machine.
    pub machine: String,
    /// City that it stands in, as the service says.
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2 of the country that it stands in.
    pub country: Option<String>,
    secure: Option<Urls>,
    plain: Option<Urls>,
}

/// The URLs of both directions. They carry access tokens and are never printed.
#[derive(Clone, PartialEq, Eq)]
struct Urls {
    download: Url,
    upload: Url,
}

impl std::fmt::Debug for Urls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Urls(..)")
    }
}

/// An answer without a server that can be used.
#[derive(Debug, thiserror::Error)]
pub enum BadAnswer {
    /// Rule 1.
    #[error("an answer of {0} bytes is longer than {ANSWER_MAX_BYTES}")]
    TooLong(usize),
    /// Not the JSON of an answer.
    #[error("not an answer of Locate: {0}")]
    Json(#[from] serde_json::Error),
    /// Rules 2 and 3 leave nothing.
    #[error("the answer names no server of ndt7 that can be used")]
    NoTarget,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    machine: String,
    location: Option<Location>,
    #[serde(default)]
    urls: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    city: String,
    #[serde(default)]
    country: String,
}

#[derive(Deserialize)]
struct Refused {
    error: Problem,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
}

impl Answer {
    /// Reads the body of a 200.
    pub fn parse(body: &[u8]) -> Result<Self, BadAnswer> {
        if body.len() > ANSWER_MAX_BYTES {
            return Err(BadAnswer::TooLong(body.len()));
        }
        let file: File = serde_json::from_slice(body)?;
        let first = file.results.iter().take(TARGETS_MAX);
        let targets: Vec<Target> = first.filter_map(Target::of).collect();
        if targets.is_empty() {
            return Err(BadAnswer::NoTarget);
        }
        Ok(Self { targets })
    }
}

/// What the service says of a refusal (the title of its problem document), in short plain text.
#[must_use]
pub fn refusal(body: &[u8]) -> Option<String> {
    let short = body.get(..body.len().min(ANSWER_MAX_BYTES))?;
    let refused: Refused = serde_json::from_slice(short).ok()?;
    plain(&refused.error.title)
}

impl Target {
    fn of(entry: &Entry) -> Option<Self> {
        let urls_of = |scheme: &str| {
            let url_of = |direction: Direction| {
                let key = format!("{scheme}://{}", direction.path());
                usable(entry.urls.get(&key)?, scheme, direction)
            };
            Some(Urls {
                download: url_of(Direction::Download)?,
                upload: url_of(Direction::Upload)?,
            })
        };
        let (secure, plain_urls) = (urls_of("wss"), urls_of("ws"));
        if secure.is_none() && plain_urls.is_none() {
            return None;
        }
        let location = entry.location.as_ref();
        Some(Self {
            machine: plain(&entry.machine)?,
            city: location.and_then(|place| plain(&place.city)),
            country: location.and_then(|place| country_code(&place.country)),
            secure,
            plain: plain_urls,
        })
    }

    /// The URL of a direction: over TLS where `wants_tls`, and always where there is only one.
    #[must_use]
    pub fn url(&self, direction: Direction, wants_tls: bool) -> &Url {
        let (first, second) = if wants_tls {
            (&self.secure, &self.plain)
        } else {
            (&self.plain, &self.secure)
        };
        let urls = first.as_ref().or(second.as_ref());
        let urls = urls.expect("a target has URLs of one scheme at least");
        match direction {
            Direction::Download => &urls.download,
            Direction::Upload => &urls.upload,
        }
    }

    /// A number that Locate put into the URLs: `metro_rank` and `index` say how far the server that
    /// was drawn is from the nearest one.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        let url = self.url(Direction::Download, true);
        let (_, value) = url.query_pairs().find(|(key, _)| key == name)?;
        value.parse().ok()
    }
}

fn usable(text: &str, scheme: &str, direction: Direction) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_usable = url.scheme() == scheme
        && url.path() == direction.path()
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && url
            .query()
            .is_none_or(|query| query.len() <= QUERY_MAX_BYTES);
    is_usable.then_some(url)
}

/// Text without control characters, shortened; `None` when nothing is left.
fn plain(text: &str) -> Option<String> {
    let kept = text.chars().filter(|c| !c.is_control());
    let short: String = kept.take(TEXT_MAX_CHARS).collect();
    Some(short).filter(|short| !short.trim().is_empty())
}

fn country_code(text: &str) -> Option<String> {
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| text.to_ascii_uppercase())
}

#[cfg(test)]
mod tests;
