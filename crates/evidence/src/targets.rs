//! Lists of targets: data of a country (`targets.csv`), signed by the collector, one list per stream.
use crate::category::Category;
use crate::record::{PathClass, Stream, Target};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Schema id of a list.
pub const TARGETS_SCHEMA: &str = "tonle.targets/1";
/// Most targets of one list: a volunteer's line is small.
pub const TARGETS_MAX: usize = 5_000;

/// A target with the experiment that it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedTarget {
    /// The experiment's name.
    pub experiment: String,
    /// The target.
    pub target: Target,
    /// Id of the source it comes from; absent for what the operator wrote himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Where targets come from, and under which terms they may be passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSource {
    /// Short name, unique in a list.
    pub id: String,
    /// Whom to name, in the words that the licence asks for.
    pub attribution: String,
    /// Licence of the list, an SPDX id; it travels with the list and with nothing else.
    pub licence: String,
    /// Where it was read, for a list from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a collector asks its agents to measure in one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetList {
    /// [`TARGETS_SCHEMA`].
    pub schema: String,
    /// The stream; an agent without its consent never asks for the list.
    pub stream: Stream,
    /// The targets, in order.
    pub targets: Vec<ListedTarget>,
    /// Public resolvers that the `dns` experiment asks beside the device's own.
    #[serde(default)]
    pub public_resolvers: Vec<IpAddr>,
    /// Control servers by URL: the same request made from elsewhere, to compare with. Of the openness
    /// list only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
    /// Addresses that run no resolver, to which names are sent all the same (`dns_integrity`): whoever
    /// answers stands between. Of the openness list only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent_addresses: Vec<IpAddr>,
    /// The sources that targets name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<ListSource>,
}

/// Most controls of a list: each of them asks for every page.
pub const CONTROLS_MAX: usize = 4;

/// Experiment name of the rows of a target file that are public resolvers, not targets.
const RESOLVER_ROW: &str = "resolver";
/// Experiment name of the rows that are addresses without a resolver.
const SILENT_ROW: &str = "silent";
/// Most addresses without a resolver.
const SILENT_MAX: usize = 4;

/// Both lists of a target file (`targets.csv`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFile {
    /// The list of the quality stream, with the public resolvers.
    pub quality: TargetList,
    /// The list of the openness stream.
    pub openness: TargetList,
}

/// Why a target file cannot be used: every bad row on a line of its own.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("target list cannot be used:\n{0}")]
pub struct BadTargets(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    experiment: String,
    value: String,
    category: String,
    path_class: PathClass,
    stream: Stream,
    /// For whoever edits the file.
    #[serde(rename = "note")]
    _note: String,
}

impl TargetFile {
    /// Reads CSV with the header `experiment,value,category,path_class,stream,note`; an empty
    /// category means none. A row of experiment `resolver` names a public resolver by address, one of
    /// `silent` an address that runs none.
    pub fn parse(text: &str) -> Result<Self, BadTargets> {
        let mut file = Self {
            quality: TargetList::empty(Stream::Quality),
            openness: TargetList::empty(Stream::Openness),
        };
        let mut problems = Vec::new();
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        for row in reader.deserialize() {
            let taken = row
                .map_err(|error| error.to_string())
                .and_then(|row| file.take(row));
            if let Err(problem) = taken {
                problems.push(problem);
            }
        }
        if problems.is_empty() {
            Ok(file)
        } else {
            Err(BadTargets(problems.join("\n")))
        }
    }

    fn take(&mut self, row: Row) -> Result<(), String> {
        if row.experiment.is_empty() || row.value.is_empty() {
            return Err(format!("row '{}' lacks its experiment or value", row.value));
        }
        if row.experiment == RESOLVER_ROW {
            let address = row
                .value
                .parse()
                .map_err(|_| format!("resolver '{}' is not an address", row.value))?;
            self.quality.public_resolvers.push(address);
            return Ok(());
        }
        if row.experiment == SILENT_ROW {
            return self.take_silent(&row.value);
        }
        let is_listed = row.category.is_empty() || row.category.parse::<Category>().is_ok();
        if row.stream == Stream::Openness && !is_listed {
            return Err(format!(
                "'{}' has the unknown category '{}'",
                row.value, row.category
            ));
        }
        let list = match row.stream {
            Stream::Quality => &mut self.quality,
            Stream::Openness => &mut self.openness,
        };
        let listed = ListedTarget {
            experiment: row.experiment,
            target: Target {
                value: row.value,
                category: (!row.category.is_empty()).then_some(row.category),
                path_class: row.path_class,
            },
            source: None,
        };
        if list.targets.contains(&listed) {
            return Err(format!("'{}' stands twice", listed.target.value));
        }
        if list.targets.len() == TARGETS_MAX {
            return Err(format!(
                "'{}' is beyond {TARGETS_MAX} targets",
                listed.target.value
            ));
        }
        list.targets.push(listed);
        Ok(())
    }

    fn take_silent(&mut self, value: &str) -> Result<(), String> {
        let silent = &mut self.openness.silent_addresses;
        let address = value
            .parse()
            .map_err(|_| format!("silent '{value}' is not an address"))?;
        if silent.len() == SILENT_MAX {
            return Err(format!("silent '{value}' is beyond {SILENT_MAX} addresses"));
        }
        silent.push(address);
        Ok(())
    }

    /// The list of one stream.
    #[must_use]
    pub fn list(&self, stream: Stream) -> &TargetList {
        match stream {
            Stream::Quality => &self.quality,
            Stream::Openness => &self.openness,
        }
    }
}

impl TargetList {
    fn empty(stream: Stream) -> Self {
        Self {
            schema: TARGETS_SCHEMA.to_owned(),
            stream,
            targets: Vec::new(),
            public_resolvers: Vec::new(),
            controls: Vec::new(),
            silent_addresses: Vec::new(),
            sources: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "experiment,value,category,path_class,stream,note\n";

    #[test]
    fn rows_go_to_the_list_of_their_stream() {
        let text = format!(
            "{HEADER}latency,a.example,,domestic,quality,\n\
             web_connectivity,https://b.example/,NEWS,abroad,openness,\"a, b\"\n\
             resolver,192.0.2.1,,unknown,quality,\nsilent,192.0.2.2,,unknown,openness,\n"
        );
        let file = TargetFile::parse(&text).unwrap();
        assert_eq!(file.list(Stream::Quality).targets[0].target.category, None);
        assert_eq!(
            file.list(Stream::Openness).targets[0].experiment,
            "web_connectivity"
        );
        assert_eq!(file.quality.targets.len(), 1);
        assert_eq!(file.quality.public_resolvers.len(), 1);
        assert_eq!(file.openness.silent_addresses.len(), 1);
        assert!(file.quality.silent_addresses.is_empty());
    }

    #[test]
    fn every_bad_row_is_named() {
        let text = format!(
            "{HEADER}latency,a.example,,nowhere,quality,\nresolver,dns.example,,unknown,quality,\n\
             dns,b.example,,abroad,quality,\ndns,b.example,,abroad,quality,\n\
             web_connectivity,https://c.example/,news,abroad,openness,\n\
             silent,machine.example,,unknown,openness,\n"
        );
        let problems = TargetFile::parse(&text).unwrap_err().to_string();
        assert_eq!(problems.lines().count(), 6, "{problems}");
        assert!(problems.contains("nowhere"), "{problems}");
        assert!(
            problems.contains("'dns.example' is not an address"),
            "{problems}"
        );
        assert!(problems.contains("'b.example' stands twice"), "{problems}");
        assert!(problems.contains("category 'news'"), "{problems}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = TargetFile::parse(&format!("{HEADER}{text}"));
        }
    }
}
