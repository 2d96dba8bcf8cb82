//! The published cells of operators, and how the operators of a province compare.
use super::Query;
use super::list::{Format, Row, answer, joined, page, text};
use super::statements::one_of;
use super::views::{CountsView, FigureView};
use super::wider::WiderView;
use crate::cells::{Comparison, OperatorCells};
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tonle_evidence::statement::{Access, CAPTION, CellStatement, State as Said, Window};
use utoipa::{IntoParams, ToSchema};

/// Which cells.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// Full metric id, such as `latency.rtt_median_us/icmp/domestic`.
    metric: String,
    /// ISO 3166-2 code.
    province: Option<String>,
    /// An operator's id, or `others`.
    operator: Option<String>,
    /// `mobile`, `fixed` or `unknown`; all three when absent.
    access: Option<String>,
    /// Month `YYYY-MM`, local time of the country; the one that runs now when absent.
    period: Option<String>,
    /// Hours of the day: `all`, `peak` or `off_peak`; all when absent.
    window: Option<String>,
    /// `json` (default) or `csv`.
    format: Option<String>,
    /// Most rows of the page, 1 to 10000; 1000 when absent.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// What a page of either list is about.
#[derive(Debug, Serialize, ToSchema)]
struct About {
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
}

/// What is said of one operator's agents in one province.
#[derive(Debug, Serialize, ToSchema)]
struct CellView {
    /// ISO 3166-2 code.
    #[schema(example = "KH-12")]
    province: String,
    /// Operator's id, or `others`.
    operator: String,
    /// `mobile`, `fixed` or `unknown`.
    access: &'static str,
    /// `no_data`, `suppressed`, `insufficient` or `estimate`.
    state: &'static str,
    /// In the state `estimate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<FigureView>,
    /// In the states `insufficient` and `estimate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
    /// Where this is no estimate: the finest stratum around it that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pooled: Option<WiderView>,
}

/// Cells of operators.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CellsView {
    #[serde(flatten)]
    about: About,
    /// By access class, in the order of provinces, then operators; those without data included.
    cells: Vec<CellView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Two operators of one province that both have an estimate.
#[derive(Debug, Serialize, ToSchema)]
struct ComparisonView {
    /// ISO 3166-2 code.
    province: String,
    /// `mobile`, `fixed` or `unknown`.
    access: &'static str,
    /// Operator's id.
    first: String,
    /// The other's.
    second: String,
    /// `first_higher`, `second_higher` or `no_detectable_difference`: higher is not always better.
    difference: &'static str,
    /// By how much (Hodges and Lehmann), in the metric's unit; where there is a difference only.
    #[serde(skip_serializing_if = "Option::is_none")]
    shift: Option<u64>,
}

/// Comparisons of operators.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ComparisonsView {
    #[serde(flatten)]
    about: About,
    /// Highest chance of any false difference among the pairs of one province and access class, parts per
    /// million.
    false_max_ppm: u32,
    /// By access class, in the order of provinces, then operators.
    comparisons: Vec<ComparisonView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Medians of each operator in each province.
#[utoipa::path(get, path = "/api/v1/cells", tag = "figures", params(Wanted),
    responses(
        (status = 200, description = "The cells",
         content((CellsView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is missing or wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such metric, province or operator", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn cells(
    State(state): State<AppState>,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let format = Format::of(wanted.format.as_deref())?;
    let (about, classes) = read(&state, &wanted).await?;
    let all = classes.iter().flat_map(|of| &of.cells);
    let rows: Vec<CellView> = all
        .filter(|cell| is(wanted.province.as_ref(), &cell.province))
        .filter(|cell| is(wanted.operator.as_ref(), &cell.operator))
        .map(|cell| CellView::from(cell.clone()))
        .collect();
    let part = page(rows, Row::key, wanted.limit, wanted.cursor.as_deref())?;
    let view = CellsView {
        about,
        cells: part.rows,
        next: part.next.clone(),
    };
    let next = part.next.as_deref();
    Ok(answer(format, &uri, next, view, |view| &view.cells))
}

/// Which operators of a province differ. What overlaps is not ranked.
#[utoipa::path(get, path = "/api/v1/comparisons", tag = "figures", params(Wanted),
    responses(
        (status = 200, description = "Pairs of operators that both have an estimate",
         content((ComparisonsView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is missing or wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such metric, province or operator", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn comparisons(
    State(state): State<AppState>,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let format = Format::of(wanted.format.as_deref())?;
    let (about, classes) = read(&state, &wanted).await?;
    let mut rows = Vec::new();
    for of in classes {
        let access = of.cells.first().map_or("", |cell| cell.access.as_str());
        let pairs = of.comparisons.iter();
        let asked = pairs.filter(|pair| is(wanted.province.as_ref(), &pair.province));
        let asked = asked.filter(|pair| {
            let operator = wanted.operator.as_ref();
            is(operator, &pair.first) || is(operator, &pair.second)
        });
        rows.extend(asked.map(|pair| ComparisonView::of(access, pair)));
    }
    let part = page(rows, Row::key, wanted.limit, wanted.cursor.as_deref())?;
    let view = ComparisonsView {
        about,
        false_max_ppm: 50_000,
        comparisons: part.rows,
        next: part.next.clone(),
    };
    let next = part.next.as_deref();
    Ok(answer(format, &uri, next, view, |view| &view.comparisons))
}

fn is(wanted: Option<&String>, value: &str) -> bool {
    wanted.is_none_or(|one| one == value)
}

async fn read(
    state: &AppState,
    wanted: &Wanted,
) -> Result<(About, Vec<Arc<OperatorCells>>), ApiError> {
    let month = state.month(wanted.period.as_deref())?;
    let window = match wanted.window.as_deref() {
        Some(word) => one_of("window", word, &Window::ALL, Window::as_str)?,
        None => Window::All,
    };
    let classes = match wanted.access.as_deref() {
        Some(word) => vec![one_of("access", word, &Access::ALL, Access::as_str)?],
        None => Access::ALL.to_vec(),
    };
    let metric = &wanted.metric;
    let not_known = |kind: &str, id: &str, list: &str| {
        ApiError::NotFound(format!("there is no {kind} '{id}'; see {list}"))
    };
    let declared = state.ground.catalogue.get(metric);
    let declared = declared.ok_or_else(|| not_known("metric", metric, "/api/v1/metrics"))?;
    let mut all = Vec::new();
    for access in classes {
        let series = (metric.clone(), access);
        all.push(state.operators(month, window, series).await?);
    }
    let mut cells = all.iter().flat_map(|of| &of.cells);
    if let Some(code) = &wanted.province
        && !cells.clone().any(|cell| cell.province == *code)
    {
        return Err(not_known("province", code, "/api/v1/provinces"));
    }
    if let Some(id) = &wanted.operator
        && !cells.any(|cell| cell.operator == *id)
    {
        return Err(not_known("operator", id, "/api/v1/country"));
    }
    let about = About {
        metric: metric.clone(),
        unit: declared.unit.clone(),
        period: month.to_string(),
        window: window.as_str(),
        caption: CAPTION,
    };
    Ok((about, all))
}

impl From<CellStatement> for CellView {
    fn from(cell: CellStatement) -> Self {
        let (figure, counts) = match cell.state {
            Said::NoData | Said::Suppressed => (None, None),
            Said::Insufficient { counts } => (None, Some(counts)),
            Said::Estimate { figure, counts } => (Some(figure), Some(counts)),
        };
        Self {
            province: cell.province,
            operator: cell.operator,
            access: cell.access.as_str(),
            state: cell.state.as_str(),
            figure: figure.map(FigureView::from),
            counts: counts.map(CountsView::from),
            pooled: cell.pooled.map(WiderView::from),
        }
    }
}

impl ComparisonView {
    fn of(access: &'static str, pair: &Comparison) -> Self {
        Self {
            province: pair.province.clone(),
            access,
            first: pair.first.clone(),
            second: pair.second.clone(),
            difference: pair.difference.as_str(),
            shift: pair.difference.shift(),
        }
    }
}

impl Row for CellView {
    const COLUMNS: &'static [&'static str] = &joined::<28>(&[
        &["province", "operator", "access", "state"],
        FigureView::COLUMNS,
        CountsView::COLUMNS,
        WiderView::POOLED_COLUMNS,
        &["caption"],
    ]);

    fn key(&self) -> String {
        format!("{} {} {}", self.access, self.province, self.operator)
    }

    fn fields(&self) -> Vec<String> {
        let mut fields = vec![
            self.province.clone(),
            self.operator.clone(),
            self.access.to_owned(),
            self.state.to_owned(),
        ];
        fields.extend(FigureView::fields(self.figure.as_ref()));
        fields.extend(CountsView::fields(self.counts.as_ref()));
        fields.extend(WiderView::fields(self.pooled.as_ref()));
        fields.push(CAPTION.to_owned());
        fields
    }
}

impl Row for ComparisonView {
    const COLUMNS: &'static [&'static str] = &[
        "province",
        "access",
        "first",
        "second",
        "difference",
        "shift",
        "caption",
    ];

    fn key(&self) -> String {
        let (province, first, second) = (&self.province, &self.first, &self.second);
        format!("{} {province} {first} {second}", self.access)
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.province.clone(),
            self.access.to_owned(),
            self.first.clone(),
            self.second.clone(),
            self.difference.to_owned(),
            text(self.shift),
            CAPTION.to_owned(),
        ]
    }
}
