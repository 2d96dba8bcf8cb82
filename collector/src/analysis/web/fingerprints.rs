//! Fingerprints: what is known of block pages and sinkholes, and of sites that turn visitors away
//! themselves. Data with dates and sources, never code.
use super::facts::{Address, Response};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::LazyLock;
use tonle_evidence::toml_text;

/// A table of fingerprints that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{file}: {reason}")]
pub struct BadFingerprints {
    /// `blocking.toml` or `server-side.toml`.
    pub file: &'static str,
    reason: String,
}

/// Everything that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprints {
    version: String,
    sinkholes: Vec<Sinkhole>,
    blockpages: Vec<Blockpage>,
    server_side: Vec<ServerSide>,
}

/// `blocking.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockingFile {
    version: String,
    #[serde(default)]
    sinkhole: Vec<Sinkhole>,
    #[serde(default)]
    blockpage: Vec<Blockpage>,
}

/// `server-side.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerSideFile {
    version: String,
    #[serde(default)]
    server_side: Vec<ServerSide>,
}

/// An address that resolvers give in place of the real one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sinkhole {
    name: String,
    address: String,
    countries: Vec<String>,
    seen: String,
    source: String,
}

/// A page in place of the real one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blockpage {
    name: String,
    part: Part,
    pattern: String,
    countries: Vec<String>,
    seen: String,
    source: String,
}

/// The part of a response that a pattern is looked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// The beginning of the title.
    Title,
    /// Anywhere in the body.
    Body,
    /// The beginning of where a redirect leads.
    Location,
}

/// How a site that turns a visitor away itself is recognised: by header or title, with a status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerSide {
    name: String,
    statuses: Vec<i64>,
    header: Option<String>,
    title: Option<String>,
    seen: String,
    source: String,
}

const BLOCKING: &str = include_str!("../../../../configs/fingerprints/blocking.toml");
const SERVER_SIDE: &str = include_str!("../../../../configs/fingerprints/server-side.toml");

static BUILT_IN: LazyLock<Fingerprints> = LazyLock::new(|| {
    Fingerprints::parse(BLOCKING, SERVER_SIDE).expect("a test reads the tables that are built in")
});

impl Fingerprints {
    /// The tables that are built in.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads both tables.
    pub fn parse(blocking: &str, server_side: &str) -> Result<Self, BadFingerprints> {
        let file = "blocking.toml";
        let blocking: BlockingFile = read(file, blocking)?;
        for sinkhole in &blocking.sinkhole {
            if Address::new(&sinkhole.address, None).ip.is_none() {
                let reason = format!("{}: '{}' is no address", sinkhole.name, sinkhole.address);
                return Err(BadFingerprints { file, reason });
            }
        }
        let names = blocking
            .sinkhole
            .iter()
            .map(|print| (&print.name, &print.address));
        let pages = blocking
            .blockpage
            .iter()
            .map(|print| (&print.name, &print.pattern));
        check(file, names.chain(pages))?;
        let file = "server-side.toml";
        let servers: ServerSideFile = read(file, server_side)?;
        let marks = servers.server_side.iter().map(|print| {
            let mark = print.header.as_ref().or(print.title.as_ref());
            (&print.name, mark.unwrap_or(&EMPTY))
        });
        check(file, marks)?;
        Ok(Self {
            version: blocking.version.max(servers.version),
            sinkholes: blocking.sinkhole,
            blockpages: blocking.blockpage,
            server_side: servers.server_side,
        })
    }

    /// The date of the newer table.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether an address is a known sinkhole of this country.
    #[must_use]
    pub fn is_sinkhole(&self, address: &Address, country: &str) -> bool {
        let of_here = |print: &&Sinkhole| applies(&print.countries, country);
        let mut known = self.sinkholes.iter().filter(of_here);
        known.any(|print| Address::new(&print.address, None).ip == address.ip)
    }

    /// The part by which a response is a known block page of this country.
    #[must_use]
    pub(super) fn blockpage(&self, response: &Response, country: &str) -> Option<Part> {
        let matches = |print: &&Blockpage| match print.part {
            Part::Title => response.title.starts_with(&print.pattern),
            Part::Body => response.body.contains(&print.pattern),
            Part::Location => response
                .header("location")
                .is_some_and(|location| location.starts_with(&print.pattern)),
        };
        let of_here = |print: &&Blockpage| applies(&print.countries, country);
        let mut known = self.blockpages.iter().filter(of_here);
        known.find(matches).map(|print| print.part)
    }

    /// Whether the site itself turned the visitor away.
    #[must_use]
    pub fn is_server_side(&self, response: &Response) -> bool {
        self.server_side.iter().any(|print| {
            let by_header = print.header.as_ref().map(|name| response.has_header(name));
            let by_title = print.title.as_ref().map(|title| response.title == *title);
            let matches = by_header.unwrap_or(true) && by_title.unwrap_or(true);
            matches && print.statuses.contains(&response.status)
        })
    }
}

static EMPTY: String = String::new();

fn read<T: serde::de::DeserializeOwned>(
    file: &'static str,
    text: &str,
) -> Result<T, BadFingerprints> {
    toml::from_str(text).map_err(|error| BadFingerprints {
        file,
        reason: toml_text::reason(text, &error),
    })
}

/// A pattern that is empty would match everything; a name that stands twice could not be cited.
fn check<'a>(
    file: &'static str,
    prints: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<(), BadFingerprints> {
    let mut names = HashSet::new();
    for (name, pattern) in prints {
        let reason = if pattern.trim().is_empty() {
            format!("{name}: what it is recognised by is empty")
        } else if !names.insert(name) {
            format!("{name} stands twice")
        } else {
            continue;
        };
        return Err(BadFingerprints { file, reason });
    }
    Ok(())
}

fn applies(countries: &[String], country: &str) -> bool {
    countries.is_empty() || countries.iter().any(|known| known == country)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The shipped tables, read once.
    pub(crate) fn shipped() -> Fingerprints {
        Fingerprints::built_in().clone()
    }

    #[test]
    fn every_shipped_fingerprint_has_a_date_and_a_source() {
        let shipped = shipped();
        let of_sinkholes = shipped
            .sinkholes
            .iter()
            .map(|p| (&p.name, &p.seen, &p.source));
        let of_pages = shipped
            .blockpages
            .iter()
            .map(|p| (&p.name, &p.seen, &p.source));
        let of_servers = shipped
            .server_side
            .iter()
            .map(|p| (&p.name, &p.seen, &p.source));
        for (name, seen, source) in of_sinkholes.chain(of_pages).chain(of_servers) {
            assert!(source.starts_with("https://"), "{name}: {source}");
            assert!(seen.len() >= 7 && seen.starts_with("20"), "{name}: {seen}");
        }
    }

    #[test]
    fn a_fingerprint_holds_in_its_country_only() {
        let shipped = shipped();
        let sinkhole = Address::new("36.37.242.94", None);
        assert!(shipped.is_sinkhole(&sinkhole, "KH"));
        assert!(!shipped.is_sinkhole(&sinkhole, "FR"));
        let page = Response {
            title: "ERROR: Forbidden by policy".to_owned(),
            ..Response::default()
        };
        assert_eq!(shipped.blockpage(&page, "KH"), Some(Part::Title));
        assert_eq!(shipped.blockpage(&page, "FR"), None);
    }

    #[test]
    fn a_site_that_turns_visitors_away_is_known_by_status_and_mark() {
        let shipped = shipped();
        let mut page = Response {
            status: 403,
            headers: vec![("cf-mitigated".to_owned(), None)],
            ..Response::default()
        };
        assert!(shipped.is_server_side(&page));
        page.status = 200;
        assert!(!shipped.is_server_side(&page));
    }

    #[test]
    fn a_wrong_table_is_named_with_its_line() {
        let error = |blocking: &str, servers: &str| {
            Fingerprints::parse(blocking, servers)
                .unwrap_err()
                .to_string()
        };
        let unknown = error("version = 'x'\nsinkhol = 1", "version = 'x'");
        assert!(unknown.starts_with("blocking.toml: line 2: "), "{unknown}");
        let row = |address: &str| {
            format!(
                "[[sinkhole]]\nname='a'\naddress='{address}'\ncountries=[]\nseen=''\nsource=''\n"
            )
        };
        let wrong = error(&format!("version='x'\n{}", row("nowhere")), "version='x'");
        assert_eq!(wrong, "blocking.toml: a: 'nowhere' is no address");
        let twice = format!("version='x'\n{}{}", row("1.1.1.1"), row("1.1.1.2"));
        assert_eq!(
            error(&twice, "version='x'"),
            "blocking.toml: a stands twice"
        );
        let marked = "version='x'\n[[server_side]]\nname='b'\nstatuses=[403]\nseen=''\nsource=''";
        let unmarked = error("version='x'", marked);
        assert_eq!(
            unmarked,
            "server-side.toml: b: what it is recognised by is empty"
        );
    }
}
