//! `composites.toml`: reading it, and what makes a use case none.
use super::{Side, UseCase, UseCases};
use crate::catalogue::{Better, Catalogue};
use crate::toml_text;
use std::collections::BTreeSet;

/// Bounds of the confidence, thousandths.
const CONFIDENCE_PERMILLE: std::ops::RangeInclusive<u16> = 500..=999;
/// Bounds of the share of agents, thousandths.
const AGENTS_PERMILLE: std::ops::RangeInclusive<u16> = 1..=999;
/// Bounds of a weight.
const WEIGHT: std::ops::RangeInclusive<u32> = 1..=1_000;

/// Why the file of use cases cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("composites.toml: {0}")]
pub struct BadUseCases(String);

impl UseCases {
    /// Reads the file; every metric that it names is declared, for each path class.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self, BadUseCases> {
        let read: Self =
            toml::from_str(text).map_err(|error| BadUseCases(toml_text::reason(text, &error)))?;
        read.check(catalogue).map_err(BadUseCases)?;
        Ok(read)
    }

    fn check(&self, catalogue: &Catalogue) -> Result<(), String> {
        if self.source.is_empty() || self.as_of.is_empty() {
            return Err("give the source of the thresholds and its month".to_owned());
        }
        if !CONFIDENCE_PERMILLE.contains(&self.confidence_permille) {
            return Err("confidence_permille is from 500 to 999".to_owned());
        }
        if self.paths.is_empty() || self.levels.is_empty() || self.all.is_empty() {
            return Err("give at least one path, one level and one use case".to_owned());
        }
        once("path", self.paths.iter())?;
        once("level", self.levels.iter().map(|level| &level.id))?;
        once("use case", self.all.iter().map(|one| &one.id))?;
        for level in &self.levels {
            if !AGENTS_PERMILLE.contains(&level.agents_permille) {
                return Err(format!("level '{}': from 1 to 999", level.id));
            }
        }
        self.all
            .iter()
            .try_for_each(|one| self.check_use_case(one, catalogue))
    }

    fn check_use_case(&self, use_case: &UseCase, catalogue: &Catalogue) -> Result<(), String> {
        let id = &use_case.id;
        if use_case.requirements.is_empty() {
            return Err(format!("'{id}' asks for nothing"));
        }
        once(id, use_case.requirements.iter().map(|one| &one.metric))?;
        for one in &use_case.requirements {
            if !WEIGHT.contains(&one.weight) {
                return Err(format!("'{id}': a weight is from 1 to 1000"));
            }
            for path in &self.paths {
                let metric = one.full_metric(path);
                let declared = catalogue.get(&metric);
                let declared =
                    declared.ok_or_else(|| format!("'{id}': there is no metric '{metric}'"))?;
                let is_right = match one.op {
                    Side::Above => declared.better == Better::Higher,
                    Side::Below => declared.better == Better::Lower,
                };
                if !is_right {
                    let op = one.op;
                    return Err(format!("'{id}': '{op}' is the worse side of '{metric}'"));
                }
            }
        }
        Ok(())
    }
}

fn once<'a>(what: &str, mut ids: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    match ids.find(|id| id.is_empty() || !seen.insert(id.as_str())) {
        Some(id) => Err(format!("{what}: '{id}' stands there twice or is empty")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = include_str!("../../../../configs/composites.toml");

    fn catalogue() -> Catalogue {
        Catalogue::parse(include_str!("../../../../configs/metrics.toml")).unwrap()
    }

    #[test]
    fn the_built_in_thresholds_are_those_of_the_barometer() {
        let read = UseCases::parse(FILE, &catalogue()).unwrap();
        let rows: Vec<(&str, Vec<(i64, u32)>)> = read
            .all
            .iter()
            .map(|one| {
                let asks = one.requirements.iter();
                let asks = asks.map(|part| (part.threshold, part.weight));
                (one.id.as_str(), asks.collect())
            })
            .collect();
        let mega = 1_000_000;
        let ms = 1_000;
        for (id, down, up, latency, loss_ppm) in [
            ("web_browsing", (10, 3), (10, 2), (100, 4), (10_000, 4)),
            ("video_streaming", (25, 4), (10, 2), (100, 4), (10_000, 4)),
            ("audio_streaming", (10, 4), (5, 1), (100, 3), (10_000, 4)),
            ("video_conferencing", (25, 4), (25, 4), (50, 4), (5_000, 4)),
            ("online_backup", (10, 4), (25, 4), (100, 2), (10_000, 4)),
            ("gaming", (25, 4), (25, 4), (10, 5), (5_000, 4)),
        ] {
            let expected = vec![
                (down.0 * mega, down.1),
                (up.0 * mega, up.1),
                (latency.0 * ms, latency.1),
                loss_ppm,
            ];
            assert!(rows.contains(&(id, expected)), "{id}: {rows:?}");
        }
    }

    #[test]
    fn percentiles_are_plain_whatever_is_better() {
        let read = UseCases::parse(FILE, &catalogue()).unwrap();
        let nine_of_ten = read.levels.iter().find(|one| one.id == "nine_of_ten");
        let nine_of_ten = nine_of_ten.unwrap();
        assert_eq!(nine_of_ten.order_permille(Side::Above), 100);
        assert_eq!(nine_of_ten.order_permille(Side::Below), 900);
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_the_reason() {
        for (from, to, says) in [
            ("as_of = \"2026-06\"", "as_of = \"\"", "its month"),
            ("permille = 950", "permille = 1000", "from 500 to 999"),
            ("\"abroad\"]", "\"domestic\"]", "path: 'domestic'"),
            ("\"abroad\"]", "\"nowhere\"]", "no metric"),
            ("\"three_of_four\"", "\"half\"", "level: 'half'"),
            (
                "agents_permille = 750",
                "agents_permille = 0",
                "from 1 to 999",
            ),
            ("id = \"gaming\"", "id = \"online_backup\"", "use case"),
            ("\"above\"", "\"below\"", "worse side"),
            ("weight = 3", "weight = 0", "1 to 1000"),
            ("upload_bps", "download_bps", "twice"),
            ("source", "sauce", "line 7"),
        ] {
            let text = FILE.replacen(from, to, 1);
            assert_ne!(text, FILE, "{from}");
            let reason = UseCases::parse(&text, &catalogue()).unwrap_err();
            let reason = reason.to_string();
            assert!(reason.contains(says), "{says}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,200}", cut in 0usize..5_000) {
            let catalogue = catalogue();
            let _ = UseCases::parse(&text, &catalogue);
            let cut = (0..=cut.min(FILE.len())).rev().find(|at| FILE.is_char_boundary(*at));
            let _ = UseCases::parse(&FILE[..cut.unwrap_or(0)], &catalogue);
        }
    }
}
