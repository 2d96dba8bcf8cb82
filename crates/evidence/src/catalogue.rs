//! The catalogue of metrics: `configs/metrics.toml`, read.
//!
//! A metric's id is `<base>/<variant>/<variant>`: the base names what is measured and its unit, the
//! variants name everything that must not be pooled (packet type, path class, full or capped).
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Smaller values are better.
    Lower,
    /// Larger values are better.
    Higher,
}

/// One declared metric with all its variants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Base id, such as `latency.rtt_median_us`.
    pub base: String,
    /// Unit of its values.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// The experiment that writes it.
    pub experiment: String,
    /// Stands on the overview pages.
    #[serde(default)]
    pub headline: bool,
    /// Lists of words, one per part of the id after the base, in order.
    #[serde(default)]
    pub variants: Vec<Vec<String>>,
    /// Largest value that is physically plausible; beyond it a record is marked.
    pub max: i64,
    /// English label.
    pub en: String,
    /// Khmer label.
    pub km: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    metric: Vec<Metric>,
}

/// The declared metrics, by full id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    metrics: Vec<Metric>,
    by_id: BTreeMap<String, usize>,
}

/// Why the catalogue cannot be used; every problem on a line of its own.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("metric catalogue: {0}")]
pub struct BadCatalogue(String);

impl Catalogue {
    /// Reads the catalogue and checks that no id is declared twice.
    pub fn parse(text: &str) -> Result<Self, BadCatalogue> {
        let file: File = toml::from_str(text).map_err(|error| BadCatalogue(error.to_string()))?;
        let mut by_id = BTreeMap::new();
        for (index, metric) in file.metric.iter().enumerate() {
            for id in ids(metric) {
                if by_id.insert(id.clone(), index).is_some() {
                    return Err(BadCatalogue(format!("'{id}' is declared twice")));
                }
            }
        }
        Ok(Self {
            metrics: file.metric,
            by_id,
        })
    }

    /// The declaration behind a full id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Metric> {
        self.by_id.get(id).map(|index| &self.metrics[*index])
    }

    /// The first metric that stands on overview pages: what is meant where none is named.
    #[must_use]
    pub fn headline(&self) -> Option<&str> {
        let mut headlines = self.iter().filter(|(_, metric)| metric.headline);
        headlines.next().map(|(id, _)| id)
    }

    /// Every full id with its declaration, in order of ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Metric)> {
        self.by_id
            .iter()
            .map(|(id, index)| (id.as_str(), &self.metrics[*index]))
    }

    /// The declarations, in the order of the file.
    #[must_use]
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }
}

/// Full ids of a metric: the base with every combination of its variants.
fn ids(metric: &Metric) -> Vec<String> {
    metric
        .variants
        .iter()
        .fold(vec![metric.base.clone()], |ids, words| {
            ids.iter()
                .flat_map(|id| words.iter().map(move |word| format!("{id}/{word}")))
                .collect()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        [[metric]]
        base = "latency.rtt_median_us"
        unit = "us"
        better = "lower"
        experiment = "latency"
        variants = [["icmp", "tcp"], ["domestic", "abroad"]]
        max = 60000000
        en = "Round-trip time"
        km = "ពេលវេលាទៅមក"
    "#;

    #[test]
    fn ids_are_every_combination_of_variants() {
        let catalogue = Catalogue::parse(SMALL).unwrap();
        let ids: Vec<&str> = catalogue.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), 4);
        assert!(ids.contains(&"latency.rtt_median_us/tcp/abroad"));
        assert!(catalogue.get("latency.rtt_median_us").is_none());
    }

    #[test]
    fn an_id_declared_twice_is_refused() {
        assert!(Catalogue::parse(&format!("{SMALL}{SMALL}")).is_err());
    }
}
