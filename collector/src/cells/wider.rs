//! Figures of regions and of the nation: what a province's cell is pooled to where it is too small.
use super::CellsError;
use super::published::Published;
use super::read::{Month, SeriesKey};
use super::roll::nested;
use crate::statements::Rules;
use crate::statements::pool::{Place, Pooled, Said, Terms, pool};
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::country::ProvinceInfo;
use tonle_evidence::hash::sha256;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{Access, SpeaksOf, State, Wider, Window};

/// A full metric id and an access class.
pub type Series = (String, Access);

/// What is said of one series beyond its provinces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WiderOf {
    /// Regions in the country's order.
    pub regions: Vec<Wider>,
    /// The nation.
    pub nation: Wider,
}

impl WiderOf {
    /// The finest stratum around a region's province that has an estimate.
    #[must_use]
    pub fn around(&self, region: usize) -> Option<&Wider> {
        let outwards = self.regions.get(region).into_iter().chain([&self.nation]);
        let mut estimates = outwards.filter(|wider| matches!(wider.state, State::Estimate { .. }));
        estimates.next()
    }
}

impl Published {
    /// What is said of regions and the nation, of each series that is asked for.
    pub fn wider(
        &self,
        month: LocalMonth,
        window: Window,
        series: &BTreeSet<Series>,
    ) -> Result<BTreeMap<Series, WiderOf>, CellsError> {
        let metrics: BTreeSet<&str> = series.iter().map(|(metric, _)| metric.as_str()).collect();
        let only = metrics.first().filter(|_| metrics.len() == 1).copied();
        let windows = nested(window, self.ground.country.peak);
        let read = self.cells.month(month, &windows, None, only)?;
        let of = |one: &Series| (one.clone(), self.wider_of(month, window, one, &read));
        Ok(series.iter().map(of).collect())
    }

    fn wider_of(
        &self,
        month: LocalMonth,
        window: Window,
        series: &Series,
        read: &Month,
    ) -> WiderOf {
        let pooled = pool(
            &self.places(series, read),
            &self.terms(month, window, series),
        );
        let Pooled { regions, nation } = pooled;
        let regions = self.strata.regions.iter().zip(regions).map(|(info, said)| {
            let region = info.id.clone();
            wider(SpeaksOf::Region { region }, said)
        });
        WiderOf {
            regions: regions.collect(),
            nation: wider(SpeaksOf::Nation, nation),
        }
    }

    fn places<'a>(&self, (metric, access): &Series, read: &'a Month) -> Vec<Place<'a>> {
        let provinces = &self.ground.country.provinces;
        let place = |province: &ProvinceInfo| {
            let key = SeriesKey {
                metric: metric.clone(),
                province: province.code.clone(),
                access: *access,
            };
            Some(Place {
                region: self.strata.region_of(&province.code)?,
                people: province.population.unsigned_abs(),
                nested: read.nested(&key),
            })
        };
        provinces.iter().filter_map(place).collect()
    }

    /// The seed is that of the series' name, so that anyone can repeat the figure.
    fn terms(&self, month: LocalMonth, window: Window, (metric, access): &Series) -> Terms {
        let rules = Rules::of(window);
        let (access, window) = (access.as_str(), window.as_str());
        let name = sha256(format!("{metric} {access} {month} {window}").as_bytes());
        let (first, _) = name.0.split_first_chunk().expect("a hash has 32 bytes");
        Terms {
            regions: self.strata.regions.len(),
            rules,
            covered_min_ppm: u32::from(self.strata.national_floor_percent) * 10_000,
            trim_times_median: self.strata.trim_times_median,
            seed: u64::from_be_bytes(*first),
        }
    }
}

fn wider(speaks_of: SpeaksOf, said: Said) -> Wider {
    let Said {
        state,
        weighted,
        covered_ppm,
    } = said;
    Wider {
        speaks_of,
        state,
        weighted,
        covered_population_ppm: Some(covered_ppm).filter(|_| state.shows_counts()),
    }
}
