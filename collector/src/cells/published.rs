//! The published grid: metric × province × access × month × window. Of totals there are those of regions and
//! of the nation (`wider`), which are suppressed where a suppressed cell could be found by subtraction.
use super::CellsError;
use super::read::{CellsReader, SeriesKey};
use super::roll::nested;
use crate::analysis::Ground;
use crate::statements::Rules;
use crate::statements::pool::own_state;
use crate::statements::standard::power::Powers;
use std::sync::Arc;
use tonle_evidence::local_time::{LocalHour, LocalMonth};
use tonle_evidence::statement::{Access, CAPTION, Statement, Window};
use tonle_evidence::strata::Strata;

/// Which part of the grid is asked for. What is not given is not narrowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// ISO 3166-2 code.
    pub province: Option<String>,
    /// Full metric id.
    pub metric: Option<String>,
    /// Access class.
    pub access: Option<Access>,
    /// Hours of the day.
    pub window: Window,
    /// Only metrics that stand on overview pages.
    pub headline_only: bool,
}

/// The one source of statements for pages, API and metrics.
#[derive(Debug, Clone)]
pub struct Published {
    pub(super) ground: Arc<Ground>,
    pub(super) strata: Arc<Strata>,
    pub(super) cells: CellsReader,
    pub(super) powers: Arc<Powers>,
}

impl Published {
    /// Statements about the cells behind `cells`.
    #[must_use]
    pub fn new(ground: Arc<Ground>, strata: Arc<Strata>, cells: CellsReader) -> Self {
        Self {
            ground,
            strata,
            cells,
            powers: Arc::default(),
        }
    }

    /// The same, with what was already reckoned of how often cells are found.
    #[must_use]
    pub fn with_powers(mut self, powers: Arc<Powers>) -> Self {
        self.powers = powers;
        self
    }

    /// The country's month at an instant: the default period.
    #[must_use]
    pub fn month_at(&self, now_us: i64) -> LocalMonth {
        let hour = LocalHour::at(now_us, self.ground.country.utc_offset_s);
        hour.day.month()
    }

    /// One statement per combination that the filter leaves, those without data included: in the
    /// order of metric ids, then provinces as the country lists them, then access classes. What they are
    /// pooled to is asked for apart (`wider`).
    pub fn statements(
        &self,
        month: LocalMonth,
        filter: &Filter,
    ) -> Result<Vec<Statement>, CellsError> {
        let (province, metric) = (filter.province.as_deref(), filter.metric.as_deref());
        let windows = nested(filter.window, self.ground.country.peak);
        let rules = Rules::of(filter.window);
        let mut read = self.cells.month(month, &windows, province, metric)?;
        let metrics = self.ground.catalogue.iter().filter(|(id, declared)| {
            metric.is_none_or(|wanted| wanted == *id)
                && (declared.headline || !filter.headline_only)
        });
        let mut statements = Vec::new();
        for (id, declared) in metrics {
            let provinces = self.ground.country.provinces.iter();
            let wanted = provinces.filter(|info| province.is_none_or(|code| code == info.code));
            for info in wanted {
                let classes = Access::ALL.into_iter();
                for access in classes.filter(|class| filter.access.is_none_or(|a| a == *class)) {
                    let key = SeriesKey {
                        metric: id.to_owned(),
                        province: info.code.clone(),
                        access,
                    };
                    let state = own_state(&read.nested(&key), &rules);
                    let left_out = read.left_out.remove(&key).filter(|_| state.shows_counts());
                    statements.push(Statement {
                        metric: key.metric,
                        unit: declared.unit.clone(),
                        province: key.province,
                        access: key.access,
                        period: month,
                        window: filter.window,
                        state,
                        pooled: None,
                        left_out: left_out.unwrap_or_default(),
                        caption: CAPTION.to_owned(),
                    });
                }
            }
        }
        Ok(statements)
    }
}
