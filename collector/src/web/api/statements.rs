//! The published figures: metric × province × access × month, each in one of four states.
use super::Query;
use super::list::{Format, answer, page};
use super::views::StatementView;
use crate::cells::Filter;
use crate::statements::Rules;
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tonle_evidence::statement::{Access, CAPTION, Statement, Window};
use utoipa::{IntoParams, ToSchema};

/// Which part of the grid.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// ISO 3166-2 code, such as `KH-12`. This or `metric` is needed.
    province: Option<String>,
    /// Full metric id, such as `latency.rtt_median_us/icmp/domestic`.
    metric: Option<String>,
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

/// Thresholds of publication.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesView {
    /// Fewest independent agents of which anything may be said.
    k: usize,
    /// Fewest independent agents for a figure with its interval.
    floor: usize,
}

/// The part of the grid that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct StatementsView {
    /// The month, local time of the country.
    #[schema(example = "2026-11")]
    period: String,
    /// Caption of every figure.
    caption: &'static str,
    /// Thresholds that decide the state.
    rules: RulesView,
    /// One per metric, province and access class asked for, those without data included.
    statements: Vec<StatementView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Medians over independent agents, with their intervals.
#[utoipa::path(get, path = "/api/v1/statements", tag = "figures", params(Wanted),
    responses(
        (status = 200, description = "The statements",
         content((StatementsView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is missing or wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such province or metric", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn statements(
    State(state): State<AppState>,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let format = Format::of(wanted.format.as_deref())?;
    let (limit, cursor) = (wanted.limit, wanted.cursor.clone());
    let month = state.month(wanted.period.as_deref())?;
    let filter = filter(wanted, &state)?;
    let window = filter.window;
    let all = state.statements(month, filter).await?;
    let key = |one: &Statement| {
        let (metric, province, access) = (&one.metric, &one.province, one.access.as_str());
        format!("{metric} {province} {access}")
    };
    let mut part = page(all, key, limit, cursor.as_deref())?;
    state.pooled(&mut part.rows).await?;
    let view = StatementsView {
        period: month.to_string(),
        caption: CAPTION,
        rules: RulesView::from(Rules::of(window)),
        statements: part.rows.into_iter().map(StatementView::from).collect(),
        next: part.next.clone(),
    };
    let next = part.next.as_deref();
    Ok(answer(format, &uri, next, view, |view| &view.statements))
}

fn filter(wanted: Wanted, state: &AppState) -> Result<Filter, ApiError> {
    let Wanted {
        province,
        metric,
        access,
        period: _,
        window,
        format: _,
        limit: _,
        cursor: _,
    } = wanted;
    if province.is_none() && metric.is_none() {
        let detail = "give province or metric: /api/v1/provinces and /api/v1/metrics list them";
        return Err(ApiError::BadRequest(detail.to_owned()));
    }
    if let Some(code) = &province
        && state.ground.country.province(code).is_none()
    {
        let detail = format!("there is no province '{code}'; see /api/v1/provinces");
        return Err(ApiError::NotFound(detail));
    }
    if let Some(id) = &metric
        && state.ground.catalogue.get(id).is_none()
    {
        let detail = format!("there is no metric '{id}'; see /api/v1/metrics");
        return Err(ApiError::NotFound(detail));
    }
    Ok(Filter {
        province,
        metric,
        access: access
            .as_deref()
            .map(|word| one_of("access", word, &Access::ALL, Access::as_str))
            .transpose()?,
        window: window_of(window.as_deref())?,
        headline_only: false,
    })
}

impl From<Rules> for RulesView {
    fn from(rules: Rules) -> Self {
        let Rules { k, floor, rest: _ } = rules;
        Self { k, floor }
    }
}

/// The hours that the parameter `window` asks for; without it the whole day.
pub(super) fn window_of(word: Option<&str>) -> Result<Window, ApiError> {
    let bad = |detail| ApiError::BadRequest(format!("window {detail}"));
    let window = word.map(|word| word.parse().map_err(bad)).transpose()?;
    Ok(window.unwrap_or_default())
}

/// The value that a parameter's word stands for.
pub(super) fn one_of<T: Copy>(
    name: &str,
    word: &str,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Result<T, ApiError> {
    let known = all.iter().copied().find(|value| as_str(*value) == word);
    known.ok_or_else(|| {
        let words: Vec<&str> = all.iter().copied().map(as_str).collect();
        ApiError::BadRequest(format!("{name} '{word}' is none of {}", words.join(", ")))
    })
}
