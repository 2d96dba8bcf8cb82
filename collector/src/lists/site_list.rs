//! A list of sites in the form of the Citizen Lab's test lists, read row by row.
//!
//! Rules:
//! 1. The first line names the columns; without `url` and `category_code` it is no such list.
//! 2. One line is one row. A row that cannot be used is reported with its line and left out; the
//!    others stay.
//! 3. What a row says beyond URL and category is for whoever edits the list.
use std::collections::HashSet;
use tonle_evidence::category::Category;
use tonle_evidence::targets::TARGETS_MAX;
use url::Url;

/// Longest URL, bytes.
const URL_MAX_BYTES: usize = 2_048;
/// Longest piece of a bad row that is shown, characters.
const SHOWN_MAX_CHARS: usize = 80;
/// Most bad rows that are described; the rest is counted.
const DESCRIBED_MAX: usize = 50;
/// Marks UTF-8 at the beginning of files of some editors.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its URL, as the list has it.
    pub url: String,
    /// What it is about.
    pub category: Category,
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// What a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteList {
    /// Its sites, in order, each once.
    pub sites: Vec<Site>,
    /// Rows left out, the first ones described.
    pub bad_rows: Vec<BadRow>,
    /// How many rows were left out.
    pub skipped: usize,
}

/// A text that is no list at all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "not a list of sites: the first line must name the columns url,category_code,category_description,date_added,source,notes"
)]
pub struct NotAList;

struct Columns {
    url: usize,
    category: usize,
}

impl SiteList {
    /// Reads a list.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAList> {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let mut lines = bytes.split(|byte| *byte == b'\n').zip(1..);
        let columns = lines
            .next()
            .and_then(|(line, _)| Columns::of(line))
            .ok_or(NotAList)?;
        let mut list = Self::default();
        let mut seen = HashSet::new();
        for (line, number) in lines {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match columns.site(line).and_then(|site| {
                let is_new = seen.insert(site.url.clone());
                let site = is_new.then_some(site);
                site.ok_or_else(|| "its URL stands on an earlier line".to_owned())
            }) {
                Ok(_) if list.sites.len() == TARGETS_MAX => {
                    list.leave_out(number, format!("beyond {TARGETS_MAX} sites"));
                }
                Ok(site) => list.sites.push(site),
                Err(problem) => list.leave_out(number, problem),
            }
        }
        Ok(list)
    }

    fn leave_out(&mut self, line: usize, problem: String) {
        self.skipped += 1;
        if self.bad_rows.len() < DESCRIBED_MAX {
            self.bad_rows.push(BadRow { line, problem });
        }
    }
}

impl Columns {
    fn of(line: &[u8]) -> Option<Self> {
        let names = fields(line)?;
        let place = |name: &str| names.iter().position(|one| one.trim() == name);
        Some(Self {
            url: place("url")?,
            category: place("category_code")?,
        })
    }

    fn site(&self, line: &[u8]) -> Result<Site, String> {
        let fields = fields(line).ok_or("it is not UTF-8 text")?;
        let field = |place: usize| fields.get(place).map_or("", |text| text.trim());
        let url = field(self.url);
        check(url)?;
        let code = field(self.category);
        let category = code
            .parse()
            .map_err(|_| format!("'{}' is no category code", shown(code)))?;
        Ok(Site {
            url: url.to_owned(),
            category,
        })
    }
}

/// The fields of one line.
fn fields(line: &[u8]) -> Option<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(line);
    let mut record = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut record).ok()? {
        return None;
    }
    record
        .iter()
        .map(|field| String::from_utf8(field.to_vec()).ok())
        .collect()
}

fn check(text: &str) -> Result<(), String> {
    if text.len() > URL_MAX_BYTES {
        return Err(format!("its URL is longer than {URL_MAX_BYTES} bytes"));
    }
    let url = Url::parse(text).map_err(|error| format!("'{}' is no URL: {error}", shown(text)))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("'{}' is no http or https URL", shown(text)));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its URL holds a user name or password".to_owned());
    }
    Ok(())
}

fn shown(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(visible).take(SHOWN_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "url,category_code,category_description,date_added,source,notes";

    fn parse(rows: &str) -> SiteList {
        SiteList::parse(format!("{HEADER}\n{rows}").as_bytes()).unwrap()
    }

    #[test]
    fn a_bad_row_is_named_by_its_line_and_nothing_else_is_lost() {
        let list = parse(
            "https://a.example/,NEWS,News Media,2014-04-15,someone,\"a, b\"\r\n\
             ftp://b.example/,NEWS,,,,\n\
             \"https://c.example/,NEWS,never closed\n\
             https://d.example/,NOPE,,,,\n\
             https://a.example/,NEWS,,,,\n\
             https://user:secret@e.example/,NEWS,,,,\n\
             not a url\n\n\
             http://f.example/path?q=1,HUMR,Human Rights Issues,,,\n",
        );
        let kept: Vec<&str> = list.sites.iter().map(|site| site.url.as_str()).collect();
        assert_eq!(kept, ["https://a.example/", "http://f.example/path?q=1"]);
        assert_eq!(list.sites[1].category, Category::HumanRights);
        let lines: Vec<usize> = list.bad_rows.iter().map(|bad| bad.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 8]);
        assert_eq!(list.skipped, 6);
        let secret = list
            .bad_rows
            .iter()
            .any(|bad| bad.problem.contains("secret"));
        assert!(!secret, "a password is not repeated");
    }

    #[test]
    fn a_row_that_is_no_text_costs_only_itself() {
        let mut bytes = format!("{HEADER}\n").into_bytes();
        bytes.extend(b"https://\xff.example/,NEWS,,,,\nhttps://g.example/,NEWS,,,,\n");
        let list = SiteList::parse(&bytes).unwrap();
        assert_eq!((list.sites.len(), list.bad_rows[0].line), (1, 2));
    }

    #[test]
    fn columns_are_found_by_name_and_a_byte_order_mark_does_not_matter() {
        let text = "\u{feff}category_code,url\nNEWS,https://a.example/\n";
        assert_eq!(SiteList::parse(text.as_bytes()).unwrap().sites.len(), 1);
        assert_eq!(SiteList::parse(b"<html>"), Err(NotAList));
        assert_eq!(SiteList::parse(b""), Err(NotAList));
    }

    #[test]
    fn more_than_an_agent_takes_is_counted_and_left_out() {
        let rows: Vec<String> = (0..TARGETS_MAX + 100)
            .map(|n| format!("https://s{n}.example/,NEWS,,,,"))
            .collect();
        let list = parse(&rows.join("\n"));
        assert_eq!((list.sites.len(), list.skipped), (TARGETS_MAX, 100));
        assert_eq!(list.bad_rows.len(), DESCRIBED_MAX);
    }

    proptest! {
        #[test]
        fn every_line_is_either_a_site_or_left_out(rows in prop::collection::vec("[ -~]{1,60}", 0..40)) {
            let list = parse(&rows.join("\n"));
            let full = rows.iter().filter(|row| !row.trim().is_empty()).count();
            prop_assert_eq!(list.sites.len() + list.skipped, full);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = SiteList::parse(&bytes);
            let _ = SiteList::parse(&[HEADER.as_bytes(), b"\n", &bytes].concat());
        }
    }
}
