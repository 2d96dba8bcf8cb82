//! Use cases of a month: province × path class × use case × level, of provinces or of their operators.
//!
//! What may be said of each metric is decided as for its own statement (`published`, `parts`); nothing is
//! made of a cell of which that says nothing.
use super::CellsError;
use super::parts::PartsOf;
use super::published::Published;
use super::read::SeriesKey;
use super::roll::nested;
use crate::statements::composite::{Judged, Seen, judge};
use crate::statements::pool::own_state;
use crate::statements::{Rules, units};
use std::collections::BTreeMap;
use tonle_evidence::composite::{Composite, Requirement, UseCases};
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{Access, CellsBy, SpeaksOf, Window};

/// Whose cells are held against use cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// All agents of a province.
    Provinces,
    /// One operator's agents in a province.
    Operators,
}

impl Whose {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Provinces, Self::Operators];

    /// The word as it stands in URLs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provinces => "provinces",
            Self::Operators => "operators",
        }
    }
}

/// Cells of one metric, in an order that is the same for every metric.
type CellsSeen = Vec<(SpeaksOf, Seen)>;

impl Published {
    /// What is said of each use case in each cell, those without data included: in the order of provinces
    /// (and operators), then path classes, use cases and levels.
    pub fn composites(
        &self,
        month: LocalMonth,
        window: Window,
        (access, whose): (Access, Whose),
        use_cases: &UseCases,
    ) -> Result<Vec<Composite>, CellsError> {
        let mut seen: BTreeMap<String, CellsSeen> = BTreeMap::new();
        for path in &use_cases.paths {
            for one in use_cases.all.iter().flat_map(|one| &one.requirements) {
                let metric = one.full_metric(path);
                if seen.contains_key(&metric) {
                    continue;
                }
                let cells = match whose {
                    Whose::Provinces => self.provinces_seen(month, window, &metric, access)?,
                    Whose::Operators => self.operators_seen(&PartsOf {
                        month,
                        window,
                        series: (metric.clone(), access),
                        by: CellsBy::Operator,
                    })?,
                };
                seen.insert(metric, cells);
            }
        }
        let cells = seen.values().next().map_or(0, Vec::len);
        let rows = (0..cells).flat_map(|cell| rows_of_cell(cell, access, &seen, use_cases));
        Ok(rows.collect())
    }

    fn provinces_seen(
        &self,
        month: LocalMonth,
        window: Window,
        metric: &str,
        access: Access,
    ) -> Result<CellsSeen, CellsError> {
        let windows = nested(window, self.ground.country.peak);
        let read = self.cells.month(month, &windows, None, Some(metric))?;
        let rules = Rules::of(window);
        let provinces = self.ground.country.provinces.iter();
        let cells = provinces.map(|info| {
            let key = SeriesKey {
                metric: metric.to_owned(),
                province: info.code.clone(),
                access,
            };
            let nested = read.nested(&key);
            let asked = nested.last().copied().unwrap_or_default();
            let seen = Seen::new(own_state(&nested, &rules), &units(asked));
            let province = key.province;
            (SpeaksOf::Province { province }, seen)
        });
        Ok(cells.collect())
    }

    fn operators_seen(&self, asked: &PartsOf) -> Result<CellsSeen, CellsError> {
        let parts = self.parts_seen(asked)?.into_iter().map(|one| {
            let speaks_of = SpeaksOf::Operator {
                province: one.province,
                operator: one.part.name(),
            };
            (speaks_of, Seen::new(one.state, &one.units))
        });
        Ok(parts.collect())
    }
}

fn rows_of_cell(
    cell: usize,
    access: Access,
    seen: &BTreeMap<String, CellsSeen>,
    use_cases: &UseCases,
) -> Vec<Composite> {
    let mut rows = Vec::new();
    for path in &use_cases.paths {
        for use_case in &use_cases.all {
            let of = |one: &Requirement| seen.get(&one.full_metric(path))?.get(cell);
            let known = use_case.requirements.iter().find_map(of);
            let Some((speaks_of, _)) = known else {
                continue;
            };
            for level in &use_cases.levels {
                let known = |one: &Requirement| of(one).map(|(_, seen)| seen);
                let Judged { said, score, parts } = judge(use_cases, use_case, level, path, known);
                rows.push(Composite {
                    speaks_of: speaks_of.clone(),
                    access,
                    path: path.clone(),
                    use_case: use_case.id.clone(),
                    level: level.id.clone(),
                    said,
                    score,
                    parts,
                });
            }
        }
    }
    rows
}
