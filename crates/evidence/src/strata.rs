//! How a country's figures are pooled and weighted, as data: `weights.toml` of its folder. Its regions,
//! where the weights are from, and how much of the population a national figure has to cover.
use crate::country::Country;
use crate::toml_text;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Provinces that are pooled where one of them is too small for a figure of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Short id, such as `coast`.
    pub id: String,
    /// English name.
    pub en: String,
    /// Khmer (or other local) name.
    pub km: String,
    /// ISO 3166-2 codes.
    pub provinces: Vec<String>,
}

/// What pooled and weighted figures are made with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strata {
    /// Where the weights are from.
    pub source: String,
    /// The day that they are of.
    pub as_of: String,
    /// Percent of the population that a national figure covers at least.
    pub national_floor_percent: u8,
    /// No agent weighs more than so many times the median weight.
    pub trim_times_median: u64,
    /// Regions in the order of the file: every province is in exactly one.
    #[serde(rename = "region")]
    pub regions: Vec<Region>,
}

/// Why `weights.toml` cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("weights.toml: {0}")]
pub struct BadStrata(String);

impl Strata {
    /// Reads `weights.toml` of a country whose provinces and populations are known.
    pub fn parse(text: &str, country: &Country) -> Result<Self, BadStrata> {
        let strata: Self =
            toml::from_str(text).map_err(|error| BadStrata(toml_text::reason(text, &error)))?;
        strata.check(country).map_err(BadStrata)?;
        Ok(strata)
    }

    /// Place of the region that a province lies in.
    #[must_use]
    pub fn region_of(&self, province: &str) -> Option<usize> {
        let holds = |region: &Region| region.provinces.iter().any(|code| code == province);
        self.regions.iter().position(holds)
    }

    fn check(&self, country: &Country) -> Result<(), String> {
        if self.source.is_empty() || self.as_of.is_empty() {
            return Err("give the source of the weights and their day".to_owned());
        }
        if !(1..=100).contains(&self.national_floor_percent) {
            return Err("national_floor_percent is from 1 to 100".to_owned());
        }
        if self.trim_times_median == 0 {
            return Err("trim_times_median is at least 1".to_owned());
        }
        let mut ids = BTreeSet::new();
        let mut held = BTreeSet::new();
        for region in &self.regions {
            if region.id.is_empty() || !ids.insert(&region.id) {
                return Err(format!("region '{}' stands there twice", region.id));
            }
            for code in &region.provinces {
                if country.province(code).is_none() {
                    return Err(format!("the country has no province '{code}'"));
                }
                if !held.insert(code.as_str()) {
                    return Err(format!("province '{code}' is in two regions"));
                }
            }
        }
        for province in &country.provinces {
            if !held.contains(province.code.as_str()) {
                return Err(format!("province '{}' is in no region", province.code));
            }
            if province.population <= 0 {
                return Err(format!("nobody lives in '{}'", province.code));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WEIGHTS: &str = include_str!("../../../configs/countries/kh/weights.toml");

    fn country() -> Country {
        Country::parse(
            include_str!("../../../configs/countries/kh/country.toml"),
            include_str!("../../../configs/countries/kh/operators.toml"),
            include_str!("../../../configs/countries/kh/provinces.geojson"),
        )
        .unwrap()
    }

    #[test]
    fn the_built_in_regions_hold_every_province_once() {
        let strata = Strata::parse(WEIGHTS, &country()).unwrap();
        let held: usize = strata.regions.iter().map(|one| one.provinces.len()).sum();
        assert_eq!(held, 25);
        assert_eq!(strata.region_of("KH-23"), Some(2));
        assert_eq!(strata.region_of("KH-99"), None);
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_the_reason() {
        let refused = |from: &str, to: &str| {
            let text = WEIGHTS.replacen(from, to, 1);
            assert_ne!(text, WEIGHTS);
            Strata::parse(&text, &country()).unwrap_err().to_string()
        };
        for (from, to, says) in [
            ("\"KH-23\"", "\"KH-99\"", "no province 'KH-99'"),
            (", \"KH-23\"", "", "'KH-23' is in no region"),
            ("\"KH-23\"", "\"KH-12\"", "in two regions"),
            ("\"coast\"", "\"plain\"", "twice"),
            ("percent = 60", "percent = 0", "from 1 to 100"),
            ("median = 5", "median = 0", "at least 1"),
            ("2019-03-03", "", "their day"),
            ("trim_times", "trim_tims", "line 10"),
        ] {
            let reason = refused(from, to);
            assert!(reason.contains(says), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,200}", cut in 0usize..900) {
            let country = country();
            let _ = Strata::parse(&text, &country);
            let cut = (0..=cut.min(WEIGHTS.len())).rev().find(|at| WEIGHTS.is_char_boundary(*at));
            let _ = Strata::parse(&WEIGHTS[..cut.unwrap_or(0)], &country);
        }
    }
}
