//! How the parts of a province compare.
use super::Query;
use super::cells::{About, Wanted, is, read};
use super::list::{Format, Row, answer, page, text};
use crate::cells::Comparison;
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use tonle_evidence::statement::CAPTION;
use utoipa::ToSchema;

/// Two parts of one province that both have an estimate.
#[derive(Debug, Serialize, ToSchema)]
struct ComparisonView {
    /// ISO 3166-2 code.
    province: String,
    /// `mobile`, `fixed` or `unknown`.
    access: &'static str,
    /// What names the one: an operator's id, or the word of a kind of place, technology or tier.
    first: String,
    /// The other's.
    second: String,
    /// `first_higher`, `second_higher` or `no_detectable_difference`: higher is not always better.
    difference: &'static str,
    /// By how much (Hodges and Lehmann), in the metric's unit; where there is a difference only.
    #[serde(skip_serializing_if = "Option::is_none")]
    shift: Option<u64>,
}

/// Comparisons of the parts of provinces.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ComparisonsView {
    #[serde(flatten)]
    about: About,
    /// Highest chance of any false difference among the pairs of one province and access class, parts per
    /// million.
    false_max_ppm: u32,
    /// By access class, in the order of provinces, then parts.
    comparisons: Vec<ComparisonView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which parts of a province differ: operators, kinds of places, technologies or tiers. What overlaps is not ranked.
#[utoipa::path(get, path = "/api/v1/comparisons", tag = "figures", params(Wanted),
    responses(
        (status = 200, description = "Pairs of parts that both have an estimate",
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
    if wanted.by.as_deref() == Some("hour") {
        let detail = "by: hours of the same agents are not compared as if they were others'";
        return Err(ApiError::BadRequest(detail.to_owned()));
    }
    let (about, part, classes) = read(&state, &wanted).await?;
    let mut all = Vec::new();
    for of in classes {
        let access = of.cells.first().map_or("", |cell| cell.access.as_str());
        let pairs = of.comparisons.iter();
        let asked = pairs.filter(|pair| is(wanted.province.as_ref(), &pair.province));
        let asked =
            asked.filter(|pair| is(part.as_ref(), &pair.first) || is(part.as_ref(), &pair.second));
        all.extend(asked.map(|pair| ComparisonView::of(access, pair)));
    }
    let rows = page(all, Row::key, wanted.limit, wanted.cursor.as_deref())?;
    let view = ComparisonsView {
        about,
        false_max_ppm: 50_000,
        comparisons: rows.rows,
        next: rows.next.clone(),
    };
    let next = rows.next.as_deref();
    Ok(answer(format, &uri, next, view, |view| &view.comparisons))
}

impl ComparisonView {
    fn of(access: &'static str, pair: &Comparison) -> Self {
        Self {
            province: pair.province.clone(),
            access,
            first: pair.first.name(),
            second: pair.second.name(),
            difference: pair.difference.as_str(),
            shift: pair.difference.shift(),
        }
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
