//! The openness list as it is signed: the country's own targets first, then what the operator's lists
//! add, each with its source. Pure.
use super::site_list::SiteList;
use std::collections::HashSet;
use tonle_evidence::record::{PathClass, Target};
use tonle_evidence::targets::{ListSource, ListedTarget, TARGETS_MAX, TargetList};
use url::Url;

/// The experiment that visits a site.
const VISIT: &str = "web_connectivity";

/// A list that was read, with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Whom to name, and under which terms.
    pub source: ListSource,
    /// What it holds.
    pub sites: SiteList,
}

/// Puts lists behind the country's own targets. A site that stands in more than one counts for the
/// first; beyond what an agent takes, the last ones are left out.
#[must_use]
pub fn compose(own: &TargetList, lists: &[Read]) -> TargetList {
    let mut whole = own.clone();
    let visited = own.targets.iter().filter(|one| one.experiment == VISIT);
    let mut seen: HashSet<String> = visited.map(|one| same(&one.target.value)).collect();
    for list in lists {
        let room = TARGETS_MAX - whole.targets.len();
        let new: Vec<ListedTarget> = list
            .sites
            .sites
            .iter()
            .filter(|site| seen.insert(same(&site.url)))
            .take(room)
            .map(|site| ListedTarget {
                experiment: VISIT.to_owned(),
                target: Target {
                    value: site.url.clone(),
                    category: Some(site.category.as_str().to_owned()),
                    path_class: PathClass::Unknown,
                },
                source: Some(list.source.id.clone()),
            })
            .collect();
        whole.targets.extend(new);
        whole.sources.push(list.source.clone());
    }
    whole
}

/// A URL as a browser reads it, so that spellings of the same page are one.
fn same(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::targets::TargetFile;

    fn read(id: &str, rows: &str) -> Read {
        let source = ListSource {
            id: id.into(),
            attribution: "Someone".into(),
            licence: "CC0-1.0".into(),
            url: None,
        };
        let text = format!("url,category_code\n{rows}");
        Read {
            source,
            sites: SiteList::parse(text.as_bytes()).unwrap(),
        }
    }

    fn own() -> TargetList {
        let text = "experiment,value,category,path_class,stream,note\n\
                    web_connectivity,https://own.example/,GOVT,domestic,openness,\n";
        TargetFile::parse(text).unwrap().openness
    }

    #[test]
    fn each_site_stands_once_with_its_category_and_source() {
        let first = read("a", "https://OWN.example,NEWS\nhttps://x.example/,PORN\n");
        let second = read("b", "https://x.example/,NEWS\nhttps://y.example/,NEWS\n");
        let whole = compose(&own(), &[first, second]);
        let rows: Vec<_> = whole
            .targets
            .iter()
            .map(|one| {
                (
                    one.target.value.as_str(),
                    one.target.category.as_deref().unwrap(),
                    one.source.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("https://own.example/", "GOVT", None),
                ("https://x.example/", "PORN", Some("a")),
                ("https://y.example/", "NEWS", Some("b")),
            ]
        );
        assert_eq!(whole.sources.len(), 2);
    }

    #[test]
    fn no_more_is_listed_than_an_agent_takes() {
        let rows: Vec<String> = (0..TARGETS_MAX)
            .map(|n| format!("https://s{n}.example/,NEWS"))
            .collect();
        let rows = rows.join("\n");
        let whole = compose(
            &own(),
            &[read("a", &rows), read("b", "https://z.example/,NEWS\n")],
        );
        assert_eq!(whole.targets.len(), TARGETS_MAX);
    }
}
