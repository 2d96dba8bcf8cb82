//! The country whose data the collector works with: the one built in, or a folder of the operator's.
//!
//! This is the only file that embeds anything of a country; everything else takes it as data.
use crate::analysis::Ground;
use crate::analysis::exchanges::Exchanges;
use std::path::{Path, PathBuf};
use tonle_dashboards::shapes::{BadShapes, Shapes};
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::composite::UseCases;
use tonle_evidence::country::Country;
use tonle_evidence::entry::Provenance;
use tonle_evidence::standard::Standards;
use tonle_evidence::strata::Strata;
use tonle_evidence::targets::{BadTargets, TargetFile};

/// The declared metrics: what is aggregated, in which unit, under which labels.
const METRICS: &str = include_str!("../../configs/metrics.toml");

/// What people do on a line, and what it asks for.
const USE_CASES: &str = include_str!("../../configs/composites.toml");

/// The texts of a country's folder.
struct Folder {
    country: String,
    operators: String,
    exchanges: String,
    standards: String,
    weights: String,
    provinces: String,
    targets: String,
}

/// Everything the collector knows of its country.
#[derive(Debug)]
pub struct Nation {
    /// Clock, provinces, operators, and the declared metrics.
    pub ground: Ground,
    /// Its regulator's rules.
    pub standards: Standards,
    /// What people do on a line, and what it asks for; the same for every country.
    pub use_cases: UseCases,
    /// How its figures are pooled and weighted.
    pub strata: Strata,
    /// Where its networks meet, as far as public sources say.
    pub exchanges: Exchanges,
    /// The outline of the provinces.
    pub shapes: Shapes,
    /// What agents are asked to measure.
    pub targets: TargetFile,
}

/// Why the country's data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NationError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}; check country_dir and targets")]
    Read(PathBuf, std::io::Error),
    /// Clock, operators or provinces.
    #[error("country_dir: {0}")]
    Country(#[from] tonle_evidence::country::BadCountry),
    /// The exchange points.
    #[error("country_dir: exchanges.toml: {0}")]
    Exchanges(toml::de::Error),
    /// The regulator's rules.
    #[error("country_dir: {0}")]
    Standards(#[from] tonle_evidence::standard::BadStandards),
    /// The use cases.
    #[error(transparent)]
    UseCases(#[from] tonle_evidence::composite::BadUseCases),
    /// Regions and weights.
    #[error("country_dir: {0}")]
    Strata(#[from] tonle_evidence::strata::BadStrata),
    /// The shapes.
    #[error("country_dir: provinces.geojson: {0}")]
    Shapes(#[from] BadShapes),
    /// The metrics.
    #[error(transparent)]
    Catalogue(#[from] tonle_evidence::catalogue::BadCatalogue),
    /// The targets.
    #[error("targets: {0}")]
    Targets(#[from] BadTargets),
}

impl Nation {
    /// Reads `country_dir`, or what is built in; `targets` replaces the folder's list.
    pub fn read(country_dir: Option<&Path>, targets: Option<&Path>) -> Result<Self, NationError> {
        let mut folder = match country_dir {
            Some(dir) => Folder::read(dir)?,
            None => Folder::built_in(),
        };
        if let Some(path) = targets {
            folder.targets = read(path)?;
        }
        let catalogue = Catalogue::parse(METRICS)?;
        let country = Country::parse(&folder.country, &folder.operators, &folder.provinces)?;
        Ok(Self {
            use_cases: UseCases::parse(USE_CASES, &catalogue)?,
            standards: Standards::parse(&folder.standards, &catalogue)?,
            strata: Strata::parse(&folder.weights, &country)?,
            ground: Ground {
                country,
                catalogue,
                counts: Provenance::Signed,
            },
            exchanges: Exchanges::parse(&folder.exchanges).map_err(NationError::Exchanges)?,
            shapes: Shapes::parse(&folder.provinces)?,
            targets: TargetFile::parse(&folder.targets)?,
        })
    }
}

impl Folder {
    fn built_in() -> Self {
        Self {
            country: include_str!("../../configs/countries/kh/country.toml").into(),
            operators: include_str!("../../configs/countries/kh/operators.toml").into(),
            exchanges: include_str!("../../configs/countries/kh/exchanges.toml").into(),
            standards: include_str!("../../configs/countries/kh/standards.toml").into(),
            weights: include_str!("../../configs/countries/kh/weights.toml").into(),
            provinces: include_str!("../../configs/countries/kh/provinces.geojson").into(),
            targets: include_str!("../../configs/countries/kh/targets.csv").into(),
        }
    }

    fn read(dir: &Path) -> Result<Self, NationError> {
        Ok(Self {
            country: read(&dir.join("country.toml"))?,
            operators: read(&dir.join("operators.toml"))?,
            exchanges: read(&dir.join("exchanges.toml"))?,
            standards: read(&dir.join("standards.toml"))?,
            weights: read(&dir.join("weights.toml"))?,
            provinces: read(&dir.join("provinces.geojson"))?,
            targets: read(&dir.join("targets.csv"))?,
        })
    }
}

fn read(path: &Path) -> Result<String, NationError> {
    std::fs::read_to_string(path).map_err(|error| NationError::Read(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_country_is_whole() {
        let nation = Nation::read(None, None).unwrap();
        assert_eq!(nation.ground.country.provinces.len(), 25);
        assert!(!nation.exchanges.is_empty());
        assert!(!nation.targets.quality.targets.is_empty());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Nation::read(Some(Path::new("/nonexistent")), None).unwrap_err();
        assert!(
            error.to_string().contains("/nonexistent/country.toml"),
            "{error}"
        );
    }
}
