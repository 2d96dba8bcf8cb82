//! What handlers may ask. Every question that touches a disk runs on a blocking thread.
use super::kept::Kept;
use super::problem::ApiError;
use super::targets::SignedTargets;
use crate::admin::Admin;
use crate::analysis::Ground;
use crate::cells::{
    CellsError, CellsReader, Filter, PartCells, PartsOf, Progress, Published, Series,
    StandardsTable, Whose, WiderOf,
};
use crate::incidents::IncidentLog;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::servers::ServersCounters;
use crate::statements::standard::power::Powers;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::watch;
use tonle_dashboards::shapes::Shapes;
use tonle_evidence::composite::{Composite, UseCases};
use tonle_evidence::entry::Provenance;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::panel::Panel;
use tonle_evidence::standard::Standards;
use tonle_evidence::statement::{Access, State, Statement, Window};
use tonle_evidence::strata::Strata;
use tonle_net::clock::wall_us;

/// Months whose table of standards is kept: each takes some hundred kilobytes.
const TABLES_MAX: usize = 16;
/// Series whose figures of regions and nation are kept: each takes a kilobyte or two.
const WIDER_MAX: usize = 4_096;
/// Series whose cells are kept, each by what it is told apart by: each takes some hundred kilobytes.
const PARTS_MAX: usize = 64;

/// Months whose use cases are kept: each takes some megabytes with operators.
const COMPOSITES_MAX: usize = 12;

/// Plans of the panel that are kept: each takes some megabytes with many rules.
const PANELS_MAX: usize = 8;

/// A series in a part of the day of a month.
type Question = (LocalMonth, Window, Series);

/// Cells of an access class, of provinces or operators, in a part of the day of a month.
type OfCells = (LocalMonth, Window, (Access, Whose));

/// What the web layer is made of.
#[derive(Debug)]
pub struct Parts {
    /// Country and catalogue.
    pub ground: Arc<Ground>,
    /// The regulator's rules.
    pub standards: Standards,
    /// What people do on a line, and what it asks for.
    pub use_cases: UseCases,
    /// How figures are pooled and weighted.
    pub strata: Arc<Strata>,
    /// The country's outline.
    pub shapes: Shapes,
    /// Enrolment and the collector's key.
    pub admin: Arc<Admin>,
    /// The journal.
    pub journal: Journal,
    /// The derived store.
    pub cells: CellsReader,
    /// The log of incidents.
    pub incidents: Arc<IncidentLog>,
    /// How far the derived store is.
    pub progress: watch::Receiver<Progress>,
    /// The lists that agents fetch.
    pub targets: SignedTargets,
    /// This instance's metrics.
    pub metrics: Arc<Metrics>,
    /// Path prefix under which a proxy serves the collector, without a slash at its end.
    pub base_path: String,
}

/// Shared by all handlers; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    parts: Arc<Parts>,
    tables: Arc<Kept<LocalMonth, Arc<StandardsTable>>>,
    wider: Arc<Kept<Question, WiderOf>>,
    parts_of: Arc<Kept<PartsOf, Arc<PartCells>>>,
    panels: Arc<Kept<(LocalMonth, String), Arc<Panel>>>,
    composites: Arc<Kept<OfCells, Arc<Vec<Composite>>>>,
    powers: Arc<Powers>,
    servers: Option<Arc<ServersCounters>>,
    now_us: fn() -> i64,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl AppState {
    /// The state of one running collector, by the system's clock.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            tables: Arc::new(Kept::at_most(TABLES_MAX)),
            wider: Arc::new(Kept::at_most(WIDER_MAX)),
            parts_of: Arc::new(Kept::at_most(PARTS_MAX)),
            panels: Arc::new(Kept::at_most(PANELS_MAX)),
            composites: Arc::new(Kept::at_most(COMPOSITES_MAX)),
            powers: Arc::default(),
            servers: None,
            now_us: wall_us,
        }
    }

    /// Whether everything that is shown was made by a program and nothing measured.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.ground.counts == Provenance::Synthetic
    }

    /// Shows what the measurement servers count on `/metrics`.
    #[must_use]
    pub fn with_servers(mut self, counters: Arc<ServersCounters>) -> Self {
        self.servers = Some(counters);
        self
    }

    /// Takes the wall clock from elsewhere: microseconds since the Unix epoch.
    #[must_use]
    pub fn with_clock(mut self, now_us: fn() -> i64) -> Self {
        self.now_us = now_us;
        self
    }

    /// What the measurement servers count, where they run.
    #[must_use]
    pub fn servers(&self) -> Option<&ServersCounters> {
        self.servers.as_deref()
    }

    /// The wall clock, microseconds since the Unix epoch.
    #[must_use]
    pub fn now_us(&self) -> i64 {
        (self.now_us)()
    }

    /// The country's month that runs now.
    #[must_use]
    pub fn this_month(&self) -> LocalMonth {
        self.published().month_at(self.now_us())
    }

    /// The month that a query's `period` asks for; without one that which runs now.
    pub fn month(&self, period: Option<&str>) -> Result<LocalMonth, ApiError> {
        let bad = |error| ApiError::BadRequest(format!("period: {error}"));
        match period {
            Some(text) => text.parse().map_err(bad),
            None => Ok(self.this_month()),
        }
    }

    /// Statements of a month: the only way a figure leaves the collector.
    pub async fn statements(
        &self,
        month: LocalMonth,
        filter: Filter,
    ) -> Result<Vec<Statement>, ApiError> {
        let published = self.published();
        blocking(move || published.statements(month, &filter)).await
    }

    /// The table of a month's standards, reckoned once for what is in the cells.
    pub async fn standards(&self, month: LocalMonth) -> Result<Arc<StandardsTable>, ApiError> {
        let state = self.clone();
        blocking(move || state.standards_now(month)).await
    }

    fn standards_now(&self, month: LocalMonth) -> Result<Arc<StandardsTable>, CellsError> {
        // Asked before the answer: what is newer is then reckoned again, and never passed over.
        let version = self.cells.processed_to()?;
        if let Some(table) = self.tables.get(version, &month) {
            return Ok(table);
        }
        let table = Arc::new(self.published().standards(month, &self.standards)?);
        self.tables.put(version, month, Arc::clone(&table));
        Ok(table)
    }

    /// What is said of regions and the nation of each series that is asked for, reckoned once for what is
    /// in the cells.
    pub async fn wider(
        &self,
        month: LocalMonth,
        window: Window,
        series: BTreeSet<Series>,
    ) -> Result<BTreeMap<Series, WiderOf>, ApiError> {
        let state = self.clone();
        blocking(move || state.wider_now(month, window, series)).await
    }

    fn wider_now(
        &self,
        month: LocalMonth,
        window: Window,
        mut series: BTreeSet<Series>,
    ) -> Result<BTreeMap<Series, WiderOf>, CellsError> {
        let version = self.cells.processed_to()?;
        let mut known = BTreeMap::new();
        series.retain(|one| {
            let kept = self.wider.get(version, &(month, window, one.clone()));
            let is_new = kept.is_none();
            known.extend(kept.map(|kept| (one.clone(), kept)));
            is_new
        });
        if series.is_empty() {
            return Ok(known);
        }
        for (one, wider) in self.published().wider(month, window, &series)? {
            self.wider
                .put(version, (month, window, one.clone()), wider.clone());
            known.insert(one, wider);
        }
        Ok(known)
    }

    /// What is said of each part of each province, reckoned once for what is in the cells.
    pub async fn parts_of(&self, asked: PartsOf) -> Result<Arc<PartCells>, ApiError> {
        let state = self.clone();
        blocking(move || state.parts_now(asked)).await
    }

    fn parts_now(&self, asked: PartsOf) -> Result<Arc<PartCells>, CellsError> {
        let version = self.cells.processed_to()?;
        if let Some(cells) = self.parts_of.get(version, &asked) {
            return Ok(cells);
        }
        let cells = Arc::new(self.published().parts(&asked)?);
        self.parts_of.put(version, asked, Arc::clone(&cells));
        Ok(cells)
    }

    /// Where the next agents would decide most, reckoned once for what is in the cells.
    pub async fn panel(&self, month: LocalMonth, metric: String) -> Result<Arc<Panel>, ApiError> {
        let state = self.clone();
        blocking(move || state.panel_now((month, metric))).await
    }

    fn panel_now(&self, question: (LocalMonth, String)) -> Result<Arc<Panel>, CellsError> {
        let version = self.cells.processed_to()?;
        if let Some(panel) = self.panels.get(version, &question) {
            return Ok(panel);
        }
        let table = self.standards_now(question.0)?;
        let (month, metric) = &question;
        let panel = Arc::new(self.published().panel(*month, metric, &table)?);
        self.panels.put(version, question, Arc::clone(&panel));
        Ok(panel)
    }

    /// What is said of each use case in each cell, reckoned once for what is in the cells.
    pub async fn composites(
        &self,
        month: LocalMonth,
        window: Window,
        cells: (Access, Whose),
    ) -> Result<Arc<Vec<Composite>>, ApiError> {
        let state = self.clone();
        blocking(move || state.composites_now((month, window, cells))).await
    }

    fn composites_now(&self, question: OfCells) -> Result<Arc<Vec<Composite>>, CellsError> {
        let version = self.cells.processed_to()?;
        if let Some(rows) = self.composites.get(version, &question) {
            return Ok(rows);
        }
        let (month, window, cells) = question;
        let published = self.published();
        let rows = Arc::new(published.composites(month, window, cells, &self.use_cases)?);
        self.composites.put(version, question, Arc::clone(&rows));
        Ok(rows)
    }

    /// Says of each statement that is no estimate what it is pooled to.
    pub async fn pooled(&self, statements: &mut [Statement]) -> Result<(), ApiError> {
        let Some(first) = statements.first() else {
            return Ok(());
        };
        let (month, window) = (first.period, first.window);
        let is_small = |one: &&mut Statement| !matches!(one.state, State::Estimate { .. });
        let small: Vec<&mut Statement> = statements.iter_mut().filter(is_small).collect();
        let series = small.iter().map(|one| (one.metric.clone(), one.access));
        let wider = self.wider(month, window, series.collect()).await?;
        for one in small {
            let region = self.strata.region_of(&one.province);
            let of_series = wider.get(&(one.metric.clone(), one.access));
            let around = region.zip(of_series);
            one.pooled = around.and_then(|(region, of)| of.around(region)).cloned();
        }
        Ok(())
    }

    fn published(&self) -> Published {
        let strata = Arc::clone(&self.strata);
        let published = Published::new(Arc::clone(&self.ground), strata, self.cells.clone());
        published.with_powers(Arc::clone(&self.powers))
    }
}

/// Runs a question that may wait for a disk where it stops nobody else.
pub(super) async fn blocking<T, E>(
    question: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let answer = tokio::task::spawn_blocking(question).await;
    answer
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)
}
