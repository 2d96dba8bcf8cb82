//! Where an operator's lists of sites come from, as the configuration says.
use serde::Deserialize;
use std::path::PathBuf;
use tonle_evidence::hash::sha256;
use tonle_evidence::targets::ListSource;
use url::Url;

/// Most lists: each takes memory, and their sites together must fit one signed list.
const LISTS_MAX: usize = 16;
/// Longest attribution or licence, bytes: both stand in what every agent fetches.
const TERMS_MAX_BYTES: usize = 512;
/// Hexadecimal digits of the hash that names a list.
const ID_DIGITS: usize = 12;

/// One list of sites.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListConfig {
    /// A file, or an `https://` URL.
    pub from: String,
    /// Whom to name, in the words that the licence asks for.
    pub attribution: String,
    /// Licence, an SPDX id such as `CC-BY-NC-SA-4.0`.
    pub licence: String,
}

/// Where a list is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of the operator's.
    File(PathBuf),
    /// A server.
    Url(Url),
}

impl ListConfig {
    /// Where it is read.
    #[must_use]
    pub fn place(&self) -> Place {
        let url = Url::parse(&self.from).ok().filter(Url::has_host);
        url.map_or_else(|| Place::File(PathBuf::from(&self.from)), Place::Url)
    }

    /// How the signed list names it: the same as long as its place is.
    #[must_use]
    pub fn source(&self) -> ListSource {
        let hash = sha256(self.from.as_bytes()).to_string();
        let url = match self.place() {
            Place::File(_) => None, // a path tells of the operator's machine and helps nobody else
            Place::Url(url) => Some(url.to_string()),
        };
        ListSource {
            id: hash.chars().take(ID_DIGITS).collect(),
            attribution: self.attribution.clone(),
            licence: self.licence.clone(),
            url,
        }
    }

    fn problems(&self) -> impl Iterator<Item = String> {
        let from = &self.from;
        let place = match self.place() {
            Place::Url(url) if url.scheme() == "https" => None,
            Place::Url(_) => Some(format!(
                "openness.lists: '{from}' must begin with https://, or name a file"
            )),
            Place::File(path) if path.is_file() => None,
            Place::File(path) => Some(format!("openness.lists: {} is no file", path.display())),
        };
        let terms = [
            ("attribution", &self.attribution),
            ("licence", &self.licence),
        ];
        let bad_terms = terms.into_iter().filter_map(move |(key, text)| {
            let is_usable = !text.trim().is_empty()
                && text.len() <= TERMS_MAX_BYTES
                && !text.contains(char::is_control);
            (!is_usable).then(|| {
                format!(
                    "openness.lists: {key} of '{from}' must be one line of 1 to {TERMS_MAX_BYTES} bytes"
                )
            })
        });
        place.into_iter().chain(bad_terms)
    }
}

/// Everything that is wrong with the lists of a configuration.
#[must_use]
pub fn problems(lists: &[ListConfig]) -> Vec<String> {
    let mut problems: Vec<String> = lists.iter().flat_map(ListConfig::problems).collect();
    if lists.len() > LISTS_MAX {
        problems.push(format!("openness.lists: at most {LISTS_MAX} lists"));
    }
    let twice = lists
        .iter()
        .enumerate()
        .filter(|(index, list)| lists[..*index].iter().any(|one| one.from == list.from));
    problems.extend(twice.map(|(_, list)| format!("openness.lists: '{}' stands twice", list.from)));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(from: &str) -> ListConfig {
        ListConfig {
            from: from.into(),
            attribution: "Someone".into(),
            licence: "CC0-1.0".into(),
        }
    }

    #[test]
    fn a_list_is_a_file_or_comes_over_https_and_names_its_terms() {
        assert!(problems(&[list("https://lists.example/kh.csv")]).is_empty());
        let nameless = ListConfig {
            attribution: " ".into(),
            ..list("https://lists.example/kh.csv")
        };
        for wrong in [
            list("http://lists.example/kh.csv"),
            list("/nonexistent.csv"),
            nameless,
        ] {
            assert_eq!(problems(&[wrong]).len(), 1);
        }
        let same = list("https://lists.example/kh.csv");
        assert_eq!(problems(&[same.clone(), same]).len(), 1);
    }

    #[test]
    fn a_path_of_the_operators_machine_is_not_published() {
        assert_eq!(list("/home/someone/kh.csv").source().url, None);
        assert!(list("https://lists.example/kh.csv").source().url.is_some());
    }
}
