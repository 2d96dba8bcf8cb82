//! The published figures of regions and of the nation, unweighted and weighted.
use super::Query;
use super::list::{Format, Row, answer, joined, page, text};
use super::statements::{one_of, window_of};
use super::views::{CountsView, FigureView};
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tonle_evidence::statement::{Access, CAPTION, SpeaksOf, State as Said, Weighted, Wider};
use utoipa::{IntoParams, ToSchema};

/// Of which series.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// Full metric id, such as `latency.rtt_median_us/icmp/domestic`.
    metric: String,
    /// `mobile`, `fixed` or `unknown`; all three when absent.
    access: Option<String>,
    /// Month `YYYY-MM`, local time of the country; the one that runs now when absent.
    period: Option<String>,
    /// Hours of the day: `all`, `peak`, `off_peak`, or one of them (`hour_00` to `hour_23`); all when absent.
    window: Option<String>,
    /// `json` (default) or `csv`.
    format: Option<String>,
    /// Most rows of the page, 1 to 10000; 1000 when absent.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Whom a figure speaks of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpeaksOfView {
    /// `operator`, `province`, `region` or `nation`.
    level: &'static str,
    /// ISO 3166-2 code; of operators and provinces.
    #[serde(skip_serializing_if = "Option::is_none")]
    province: Option<String>,
    /// Operator's id, or `others`; of operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    /// The region's id; of regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
}

/// A median in which each province weighs as many as live there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WeightedView {
    /// The weighted median; its interval is a bootstrap's, `coverage_ppm` what it aims at.
    figure: FigureView,
    /// Kish's effective number of agents, thousandths.
    effective_agents_milli: u64,
}

/// What is said of a wider stratum.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WiderView {
    /// Of whom.
    speaks_of: SpeaksOfView,
    /// `no_data`, `suppressed`, `insufficient` or `estimate`.
    state: &'static str,
    /// Unweighted: every independent agent counts alike; in the state `estimate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<FigureView>,
    /// In the states `insufficient` and `estimate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
    /// Beside estimates of at least 20 agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    weighted: Option<WeightedView>,
    /// The part of its population that lives where agents measured, parts per million.
    #[serde(skip_serializing_if = "Option::is_none")]
    covered_population_ppm: Option<u32>,
}

/// A wider stratum's row.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WiderRow {
    /// `mobile`, `fixed` or `unknown`.
    access: &'static str,
    /// What is said.
    #[serde(flatten)]
    said: WiderView,
}

/// Where weights are from.
#[derive(Debug, Serialize, ToSchema)]
struct WeightsView {
    /// Source of the provinces' weights: how many live there.
    source: String,
    /// The day that they are of.
    as_of: String,
    /// Share of the population that a national figure covers at least, parts per million.
    national_floor_ppm: u32,
    /// No agent weighs more than so many times the median weight.
    trim_times_median: u64,
}

/// Figures of regions and of the nation.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct WiderPage {
    /// Full metric id.
    metric: String,
    /// Unit of every value.
    unit: String,
    /// The month, local time of the country.
    #[schema(example = "2026-11")]
    period: String,
    /// Hours of the day.
    window: &'static str,
    /// Caption of every figure.
    caption: &'static str,
    /// Where weights are from.
    weights: WeightsView,
    /// By access class: the regions, then the nation.
    wider: Vec<WiderRow>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Medians of regions and of the nation, unweighted and weighted by population.
#[utoipa::path(get, path = "/api/v1/statements/wider", tag = "figures", params(Wanted),
    responses(
        (status = 200, description = "Regions, then the nation, by access class",
         content((WiderPage = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is missing or wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such metric", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn wider(
    State(state): State<AppState>,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let format = Format::of(wanted.format.as_deref())?;
    let month = state.month(wanted.period.as_deref())?;
    let window = window_of(wanted.window.as_deref())?;
    let classes = match wanted.access.as_deref() {
        Some(word) => vec![one_of("access", word, &Access::ALL, Access::as_str)?],
        None => Access::ALL.to_vec(),
    };
    let metric = &wanted.metric;
    let declared = state.ground.catalogue.get(metric).ok_or_else(|| {
        let detail = format!("there is no metric '{metric}'; see /api/v1/metrics");
        ApiError::NotFound(detail)
    })?;
    let unit = declared.unit.clone();
    let series = classes.iter().map(|access| (metric.clone(), *access));
    let of_series = state.wider(month, window, series.collect()).await?;
    let mut rows = Vec::new();
    for ((_, access), of) in of_series {
        let access = access.as_str();
        let row = |wider| WiderRow {
            access,
            said: WiderView::from(wider),
        };
        rows.extend(of.regions.into_iter().chain([of.nation]).map(row));
    }
    let part = page(rows, Row::key, wanted.limit, wanted.cursor.as_deref())?;
    let strata = &state.strata;
    let view = WiderPage {
        metric: wanted.metric,
        unit,
        period: month.to_string(),
        window: window.as_str(),
        caption: CAPTION,
        weights: WeightsView {
            source: strata.source.clone(),
            as_of: strata.as_of.clone(),
            national_floor_ppm: u32::from(strata.national_floor_percent) * 10_000,
            trim_times_median: strata.trim_times_median,
        },
        wider: part.rows,
        next: part.next.clone(),
    };
    let next = part.next.as_deref();
    Ok(answer(format, &uri, next, view, |view| &view.wider))
}

impl Row for WiderRow {
    const COLUMNS: &'static [&'static str] = &joined::<17>(&[
        &["access", "level", "name", "state"],
        FigureView::COLUMNS,
        CountsView::COLUMNS,
        &[
            "weighted_median",
            "weighted_low",
            "weighted_high",
            "weighted_coverage_ppm",
            "effective_agents_milli",
            "covered_population_ppm",
        ],
    ]);

    fn key(&self) -> String {
        let (level, name) = (self.said.speaks_of.level, self.said.speaks_of.name());
        format!("{} {level} {name}", self.access)
    }

    fn fields(&self) -> Vec<String> {
        let mut fields = vec![self.access.to_owned()];
        fields.extend(WiderView::fields(Some(&self.said)));
        fields
    }
}

impl SpeaksOfView {
    /// The level's word.
    pub(super) fn level(&self) -> &'static str {
        self.level
    }

    /// What is named within the level.
    pub(super) fn name(&self) -> String {
        let parts = [&self.province, &self.operator, &self.region];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join("/")
    }
}

impl WiderView {
    /// Names of [`WiderView::fields`] where what it says stands beside a finer figure.
    pub(super) const POOLED_COLUMNS: &'static [&'static str] = &[
        "pooled_level",
        "pooled_name",
        "pooled_state",
        "pooled_median",
        "pooled_low",
        "pooled_high",
        "pooled_coverage_ppm",
        "pooled_agents",
        "pooled_agent_days",
        "pooled_records",
        "pooled_weighted_median",
        "pooled_weighted_low",
        "pooled_weighted_high",
        "pooled_weighted_coverage_ppm",
        "pooled_effective_agents_milli",
        "pooled_covered_population_ppm",
    ];

    /// Level, name, state, figure, counts, weighted figure and what is covered; empty where there is none.
    pub(super) fn fields(said: Option<&Self>) -> Vec<String> {
        let weighted = said.and_then(|one| one.weighted.as_ref());
        let mut fields = vec![
            text(said.map(|one| one.speaks_of.level)),
            text(said.map(|one| one.speaks_of.name())),
            text(said.map(|one| one.state)),
        ];
        fields.extend(FigureView::fields(said.and_then(|one| one.figure.as_ref())));
        fields.extend(CountsView::fields(said.and_then(|one| one.counts.as_ref())));
        fields.extend(FigureView::fields(weighted.map(|one| &one.figure)));
        fields.push(text(weighted.map(|one| one.effective_agents_milli)));
        fields.push(text(said.and_then(|one| one.covered_population_ppm)));
        fields
    }
}

impl From<SpeaksOf> for SpeaksOfView {
    fn from(speaks_of: SpeaksOf) -> Self {
        let level = speaks_of.level();
        let (province, operator, region) = match speaks_of {
            SpeaksOf::Operator { province, operator } => (Some(province), Some(operator), None),
            SpeaksOf::Province { province } => (Some(province), None, None),
            SpeaksOf::Region { region } => (None, None, Some(region)),
            SpeaksOf::Nation => (None, None, None),
        };
        Self {
            level,
            province,
            operator,
            region,
        }
    }
}

impl From<Weighted> for WeightedView {
    fn from(weighted: Weighted) -> Self {
        Self {
            figure: FigureView::from(weighted.figure),
            effective_agents_milli: weighted.effective_agents_milli,
        }
    }
}

impl From<Wider> for WiderView {
    fn from(wider: Wider) -> Self {
        let (figure, counts) = match wider.state {
            Said::NoData | Said::Suppressed => (None, None),
            Said::Insufficient { counts } => (None, Some(counts)),
            Said::Estimate { figure, counts } => (Some(figure), Some(counts)),
        };
        Self {
            speaks_of: SpeaksOfView::from(wider.speaks_of),
            state: wider.state.as_str(),
            figure: figure.map(FigureView::from),
            counts: counts.map(CountsView::from),
            weighted: wider.weighted.map(WeightedView::from),
            covered_population_ppm: wider.covered_population_ppm,
        }
    }
}
