//! The published cells of the parts of provinces: operators, kinds of places, technologies, tiers, or hours.
use super::Query;
use super::list::{Format, Row, answer, joined, page, text};
use super::statements::{RulesView, one_of, window_of};
use super::views::{CountsView, FigureView, PeakHoursView};
use super::wider::WiderView;
use crate::cells::{PartCells, PartsOf};
use crate::statements::Rules;
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tonle_evidence::entry::Tier;
use tonle_evidence::record::{PlaceKind, Technology};
use tonle_evidence::statement::{
    Access, CAPTION, CellPart, CellStatement, CellsBy, State as Said, Window,
};
use utoipa::{IntoParams, ToSchema};

/// Which cells.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// Full metric id, such as `latency.rtt_median_us/icmp/domestic`.
    metric: String,
    /// ISO 3166-2 code.
    pub(super) province: Option<String>,
    /// What the cells are told apart by, one at a time: `operator`, `place`, `technology`, `tier` or `hour`.
    /// When absent, that of which a value is given below, else `operator`.
    pub(super) by: Option<String>,
    /// An operator's id, or `others`.
    operator: Option<String>,
    /// A kind of place: `home`, `school`, `health_centre`, `commune_office`, `business`, `data_centre`, `other`
    /// or `unknown`.
    place: Option<String>,
    /// A technology, such as `mobile4g` or `fibre`.
    technology: Option<String>,
    /// How well the agents are known: `institutional`, `vetted` or `unvetted`.
    tier: Option<String>,
    /// `mobile`, `fixed` or `unknown`; all three when absent.
    access: Option<String>,
    /// Month `YYYY-MM`, local time of the country; the one that runs now when absent.
    period: Option<String>,
    /// Hours of the day: `all`, `peak`, `off_peak`, or one of them (`hour_00` to `hour_23`); all when absent.
    /// None where the cells are told apart by `hour`.
    window: Option<String>,
    /// `json` (default) or `csv`.
    pub(super) format: Option<String>,
    /// Most rows of the page, 1 to 10000; 1000 when absent.
    pub(super) limit: Option<usize>,
    /// `next` of the page before.
    pub(super) cursor: Option<String>,
}

/// What a page of either list is about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct About {
    /// Full metric id.
    metric: String,
    /// Unit of every value.
    unit: String,
    /// The month, local time of the country.
    #[schema(example = "2026-11")]
    period: String,
    /// Hours of the day; where the cells are told apart by `hour`, each has its own.
    window: &'static str,
    /// What the cells are told apart by.
    by: &'static str,
    /// Thresholds that decide the state.
    rules: RulesView,
    /// Local time minus UTC, seconds: of this clock are the hours.
    utc_offset_s: i32,
    /// The hours that are `peak`, as the country declares them; all others are `off_peak`.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak: Option<PeakHoursView>,
    /// Caption of every figure.
    caption: &'static str,
}

/// What is said of the agents in one part of one province.
#[derive(Debug, Serialize, ToSchema)]
struct CellView {
    /// ISO 3166-2 code.
    #[schema(example = "KH-12")]
    province: String,
    /// Operator's id, or `others`; of cells by operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    /// Kind of place; of cells by place.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'static str>,
    /// Of cells by technology.
    #[serde(skip_serializing_if = "Option::is_none")]
    technology: Option<&'static str>,
    /// Of cells by tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<&'static str>,
    /// The hour that it begins with, 0 to 23; of cells by hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    hour: Option<u8>,
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

/// Cells of the parts of provinces.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CellsView {
    #[serde(flatten)]
    about: About,
    /// By access class, in the order of provinces, then parts; those without data included.
    cells: Vec<CellView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Medians of each part of each province: by operator, kind of place, technology, tier or local hour.
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
    let (about, part, classes) = read(&state, &wanted).await?;
    let all = classes.iter().flat_map(|of| &of.cells);
    let rows: Vec<CellView> = all
        .filter(|cell| is(wanted.province.as_ref(), &cell.province))
        .filter(|cell| is(part.as_ref(), &cell.part))
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

/// True of every value where none is asked for.
pub(super) fn is<T: PartialEq>(wanted: Option<&T>, value: &T) -> bool {
    wanted.is_none_or(|one| one == value)
}

/// What is asked for: what the page is about, the one part where only one is wanted, and the cells of each
/// access class.
pub(super) async fn read(
    state: &AppState,
    wanted: &Wanted,
) -> Result<(About, Option<CellPart>, Vec<Arc<PartCells>>), ApiError> {
    let month = state.month(wanted.period.as_deref())?;
    let (by, part) = told_apart(wanted)?;
    let window = window_of(wanted.window.as_deref())?;
    if by == CellsBy::Hour && window != Window::All {
        let detail = "window: cells by hour have an hour each; give none";
        return Err(ApiError::BadRequest(detail.to_owned()));
    }
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
    let country = &state.ground.country;
    if let Some(code) = &wanted.province
        && country.province(code).is_none()
    {
        return Err(not_known("province", code, "/api/v1/provinces"));
    }
    let mut all = Vec::new();
    for access in classes {
        let asked = PartsOf {
            month,
            window,
            series: (metric.clone(), access),
            by,
        };
        all.push(state.parts_of(asked).await?);
    }
    if let Some(CellPart::Operator(id)) = &part
        && !all
            .iter()
            .flat_map(|of| &of.cells)
            .any(|cell| is(part.as_ref(), &cell.part))
    {
        return Err(not_known("operator", id, "/api/v1/country"));
    }
    let about = About {
        metric: metric.clone(),
        unit: declared.unit.clone(),
        period: month.to_string(),
        window: window.as_str(),
        by: by.as_str(),
        rules: RulesView::from(match by {
            CellsBy::Hour => Rules::FINE,
            _ => Rules::of(window),
        }),
        utc_offset_s: country.utc_offset_s,
        peak: country.peak.map(PeakHoursView::from),
        caption: CAPTION,
    };
    Ok((about, part, all))
}

/// What cells are told apart by, and the one part where only one is wanted. Two at a time are not to be had:
/// crossed, they would tell who is hidden in either.
fn told_apart(wanted: &Wanted) -> Result<(CellsBy, Option<CellPart>), ApiError> {
    let mut parts = Vec::new();
    if let Some(id) = &wanted.operator {
        parts.push((CellsBy::Operator, CellPart::Operator(id.clone())));
    }
    if let Some(word) = &wanted.place {
        let place = one_of("place", word, PlaceKind::ALL, PlaceKind::as_str)?;
        parts.push((CellsBy::Place, CellPart::Place(place)));
    }
    if let Some(word) = &wanted.technology {
        let technology = one_of("technology", word, Technology::ALL, Technology::as_str)?;
        parts.push((CellsBy::Technology, CellPart::Technology(technology)));
    }
    if let Some(word) = &wanted.tier {
        let tier = one_of("tier", word, Tier::ALL, Tier::as_str)?;
        parts.push((CellsBy::Tier, CellPart::Tier(tier)));
    }
    let part = parts.pop();
    let by = match (wanted.by.as_deref(), &part) {
        (Some(word), _) => one_of("by", word, CellsBy::ALL, CellsBy::as_str)?,
        (None, Some((by, _))) => *by,
        (None, None) => CellsBy::Operator,
    };
    if !parts.is_empty() || part.as_ref().is_some_and(|(of, _)| *of != by) {
        let detail =
            "by: cells are told apart by one of operator, place, technology, tier and hour";
        return Err(ApiError::BadRequest(detail.to_owned()));
    }
    Ok((by, part.map(|(_, part)| part)))
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
            operator: match &cell.part {
                CellPart::Operator(id) => Some(id.clone()),
                _ => None,
            },
            place: match cell.part {
                CellPart::Place(place) => Some(place.as_str()),
                _ => None,
            },
            technology: match cell.part {
                CellPart::Technology(technology) => Some(technology.as_str()),
                _ => None,
            },
            tier: match cell.part {
                CellPart::Tier(tier) => Some(tier.as_str()),
                _ => None,
            },
            hour: match cell.part {
                CellPart::Hour(hour) => Some(hour.get()),
                _ => None,
            },
            access: cell.access.as_str(),
            state: cell.state.as_str(),
            figure: figure.map(FigureView::from),
            counts: counts.map(CountsView::from),
            pooled: cell.pooled.map(WiderView::from),
        }
    }
}

impl CellView {
    /// Operator, place, technology, tier and hour: empty where the cell is of none.
    fn part(&self) -> [String; 5] {
        [
            text(self.operator.as_ref()),
            text(self.place),
            text(self.technology),
            text(self.tier),
            text(self.hour),
        ]
    }
}

impl Row for CellView {
    const COLUMNS: &'static [&'static str] = &joined::<32>(&[
        &[
            "province",
            "operator",
            "place",
            "technology",
            "tier",
            "hour",
            "access",
            "state",
        ],
        FigureView::COLUMNS,
        CountsView::COLUMNS,
        WiderView::POOLED_COLUMNS,
        &["caption"],
    ]);

    fn key(&self) -> String {
        let [operator, place, technology, tier, hour] = self.part();
        let part = format!("{operator} {place} {technology} {tier} {hour}");
        format!("{} {} {part}", self.access, self.province)
    }

    fn fields(&self) -> Vec<String> {
        let mut fields = vec![self.province.clone()];
        fields.extend(self.part());
        fields.extend([self.access.to_owned(), self.state.to_owned()]);
        fields.extend(FigureView::fields(self.figure.as_ref()));
        fields.extend(CountsView::fields(self.counts.as_ref()));
        fields.extend(WiderView::fields(self.pooled.as_ref()));
        fields.push(CAPTION.to_owned());
        fields
    }
}
