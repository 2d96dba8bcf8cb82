//! Pages: what the rooms know becomes view models, `dashboards` makes pages of these.
//!
//! Every page is complete without a script and refers to nothing but its own stylesheet and icon.
//! The device and join pages carry a secret in their address: they are never stored, and no page
//! hands an address on (see `layers`).
#[cfg(test)]
mod tests;

use super::device::{DeviceRecord, DeviceView};
use super::problem::ApiError;
use super::state::AppState;
use crate::cells::Filter;
use crate::statements::Rules;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tonle_dashboards::assets;
use tonle_dashboards::device::{self, Device};
use tonle_dashboards::join::{self, Join};
use tonle_dashboards::language::Visit;
use tonle_dashboards::lists::{self, Lists};
use tonle_dashboards::month;
use tonle_dashboards::national::{self, National};
use tonle_dashboards::problem::{self, Problem};
use tonle_dashboards::province::{self, Province};
use tonle_dashboards::selection::{NotKnown, Selection, period};
use tonle_dashboards::trend::{self, Trend};
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::record::Stream;
use tonle_evidence::statement::{State as Said, Statement};

/// Figures change when records arrive; a minute spares a busy collector.
const CACHE_FIGURES: &str = "public, max-age=60";
/// A secret address must leave no copy.
const CACHE_NEVER: &str = "no-store";
/// An asset's name holds its hash: it can never change.
const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Keeps search engines away from what one person sees.
const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
/// How many of a device's newest records its page shows, so that it stays light.
const DEVICE_RECORDS_SHOWN: usize = 50;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error("there is no such page")]
    NotFound,
    #[error(transparent)]
    NotKnown(#[from] NotKnown),
    #[error(transparent)]
    Query(#[from] QueryRejection),
    #[error(transparent)]
    Internal(ApiError),
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::NotFound(_) => Self::NotFound,
            other => Self::Internal(other),
        }
    }
}

/// What an address may ask of a page. An empty value, as forms send them, asks for nothing.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    lang: Option<String>,
    metric: Option<String>,
    access: Option<String>,
    period: Option<String>,
}

type AskedQuery = Result<Query<Asked>, QueryRejection>;

fn wish(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

/// The routes of every page and of what pages refer to.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(national))
        .route("/provinces/{code}", get(province))
        .route("/provinces/{code}/trend", get(trend))
        .route("/device/{link}", get(device))
        .route("/join/{token}", get(join))
        .route("/lists", get(lists))
        .route("/assets/{name}", get(asset))
}

async fn national(
    State(state): State<AppState>,
    headers: HeaderMap,
    query: AskedQuery,
) -> Response {
    let (visit, asked) = read(&state, &headers, query);
    let page = match asked {
        Ok(asked) => national_page(&state, &visit, &asked).await,
        Err(error) => Err(error),
    };
    answer(&visit, CACHE_FIGURES, page)
}

async fn province(
    State(state): State<AppState>,
    Path(code): Path<String>,
    headers: HeaderMap,
    query: AskedQuery,
) -> Response {
    let (visit, asked) = read(&state, &headers, query);
    let page = match asked {
        Ok(asked) => province_page(&state, &visit, &asked, &code).await,
        Err(error) => Err(error),
    };
    answer(&visit, CACHE_FIGURES, page)
}

async fn trend(
    State(state): State<AppState>,
    Path(code): Path<String>,
    headers: HeaderMap,
    query: AskedQuery,
) -> Response {
    let (visit, asked) = read(&state, &headers, query);
    let page = match asked {
        Ok(asked) => trend_page(&state, &visit, &asked, &code).await,
        Err(error) => Err(error),
    };
    answer(&visit, CACHE_FIGURES, page)
}

async fn device(
    State(state): State<AppState>,
    Path(link): Path<String>,
    headers: HeaderMap,
    query: AskedQuery,
) -> Response {
    let (visit, _) = read(&state, &headers, query);
    let found = state.device(&link).await;
    let page = found.map(|view| device_page(&state, &visit, &link, view));
    answer(&visit, CACHE_NEVER, page.map_err(PageError::from))
}

/// The same page for every token: it does not tell a good one from a bad one, and uses none up.
async fn join(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    query: AskedQuery,
) -> Response {
    let (visit, _) = read(&state, &headers, query);
    let page = join::render(&Join {
        visit: &visit,
        token: &token,
    });
    answer(&visit, CACHE_NEVER, Ok(page))
}

async fn lists(State(state): State<AppState>, headers: HeaderMap, query: AskedQuery) -> Response {
    let (visit, _) = read(&state, &headers, query);
    let facts = state.targets.facts(Stream::Openness).unwrap_or_default();
    let page = lists::render(&Lists {
        visit: &visit,
        sources: &facts.sources,
        targets: facts.targets,
    });
    answer(&visit, CACHE_FIGURES, Ok(page))
}

async fn asset(
    State(state): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = assets::get(&name) else {
        return not_found(&headers, &state);
    };
    let head = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, CACHE_FOR_EVER),
    ];
    (head, asset.body).into_response()
}

/// The page for an address that nothing has.
pub(super) fn not_found(headers: &HeaderMap, state: &AppState) -> Response {
    let visit = visit(state, headers, None);
    answer(&visit, CACHE_NEVER, Err(PageError::NotFound))
}

async fn national_page(
    state: &AppState,
    visit: &Visit,
    asked: &Asked,
) -> Result<String, PageError> {
    let this_month = state.this_month();
    let filter = Filter::default();
    let (month, statements) = month_of(state, asked, &filter, this_month).await?;
    let selection = Selection::choose(
        wish(asked.metric.as_ref()),
        wish(asked.access.as_ref()),
        month,
        &state.ground.catalogue,
        &statements,
    )?;
    Ok(national::render(&National {
        visit,
        country: &state.ground.country,
        shapes: &state.shapes,
        catalogue: &state.ground.catalogue,
        selection: &selection,
        statements: &statements,
        this_month,
    }))
}

async fn province_page(
    state: &AppState,
    visit: &Visit,
    asked: &Asked,
    code: &str,
) -> Result<String, PageError> {
    let country = &state.ground.country;
    let province = country.province(code).ok_or(PageError::NotFound)?;
    let this_month = state.this_month();
    let filter = Filter {
        province: Some(code.to_owned()),
        ..Filter::default()
    };
    let (period, statements) = month_of(state, asked, &filter, this_month).await?;
    Ok(province::render(&Province {
        visit,
        country,
        province,
        catalogue: &state.ground.catalogue,
        period,
        statements: &statements,
        this_month,
        floor: Rules::PUBLISHED.floor as u64,
    }))
}

async fn trend_page(
    state: &AppState,
    visit: &Visit,
    asked: &Asked,
    code: &str,
) -> Result<String, PageError> {
    let province = state.ground.country.province(code);
    let province = province.ok_or(PageError::NotFound)?;
    let this_month = state.this_month();
    let mut filter = Filter {
        province: Some(code.to_owned()),
        ..Filter::default()
    };
    let (last, of_last) = month_of(state, asked, &filter, this_month).await?;
    let selection = Selection::choose(
        wish(asked.metric.as_ref()),
        wish(asked.access.as_ref()),
        last,
        &state.ground.catalogue,
        &of_last,
    )?;
    filter.metric = Some(selection.metric.clone());
    filter.access = Some(selection.access);
    let mut statements = Vec::new();
    for month in trend::months(last) {
        statements.extend(with_data(state, month, &filter).await?);
    }
    Ok(trend::render(&Trend {
        visit,
        province,
        catalogue: &state.ground.catalogue,
        selection: &selection,
        statements: &statements,
        this_month,
    }))
}

fn device_page(state: &AppState, visit: &Visit, link: &str, view: DeviceView) -> String {
    let newest = view.records.into_iter().take(DEVICE_RECORDS_SHOWN);
    let record = |record: DeviceRecord| device::DeviceRecord {
        started_at_us: record.result.t_start_us,
        public: record.public,
        not_counted: record.result.no_cell,
        marks: record.marks,
    };
    let records: Vec<device::DeviceRecord> = newest.map(record).collect();
    device::render(&Device {
        visit,
        country: &state.ground.country,
        catalogue: &state.ground.catalogue,
        link,
        revoked: view.revoked,
        processed: view.processed,
        catching_up: view.catching_up,
        records: &records,
    })
}

/// The month asked for and what has data in it. When none is asked for: this month, or the one
/// before while this one is still empty.
async fn month_of(
    state: &AppState,
    asked: &Asked,
    filter: &Filter,
    this_month: LocalMonth,
) -> Result<(LocalMonth, Vec<Statement>), PageError> {
    let asked_period = wish(asked.period.as_ref());
    let month = period(asked_period, this_month, this_month)?;
    let statements = with_data(state, month, filter).await?;
    let last_month = month::before(this_month).filter(|_| asked_period.is_none());
    let (true, Some(last_month)) = (statements.is_empty(), last_month) else {
        return Ok((month, statements));
    };
    let older = with_data(state, last_month, filter).await?;
    let shown = if older.is_empty() { month } else { last_month };
    Ok((shown, older))
}

async fn with_data(
    state: &AppState,
    month: LocalMonth,
    filter: &Filter,
) -> Result<Vec<Statement>, ApiError> {
    let mut statements = state.statements(month, filter.clone()).await?;
    statements.retain(|statement| statement.state != Said::NoData);
    Ok(statements)
}

/// How the page is read, and what its address asks.
fn read(
    state: &AppState,
    headers: &HeaderMap,
    query: AskedQuery,
) -> (Visit, Result<Asked, PageError>) {
    match query {
        Ok(Query(asked)) => {
            let visit = visit(state, headers, wish(asked.lang.as_ref()));
            (visit, Ok(asked))
        }
        Err(rejection) => (visit(state, headers, None), Err(rejection.into())),
    }
}

fn visit(state: &AppState, headers: &HeaderMap, lang: Option<&str>) -> Visit {
    let accept_language = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let mut visit = Visit::new(lang, accept_language, &state.base_path);
    visit.synthetic = state.is_synthetic();
    visit
}

fn answer(visit: &Visit, cache: &'static str, page: Result<String, PageError>) -> Response {
    let error = match page {
        Ok(page) => return html(StatusCode::OK, visit, cache, page),
        Err(error) => error,
    };
    let (status, problem) = match &error {
        PageError::NotFound => (StatusCode::NOT_FOUND, Problem::NotFound),
        PageError::NotKnown(_) | PageError::Query(_) => {
            (StatusCode::BAD_REQUEST, Problem::BadRequest)
        }
        PageError::Internal(cause) => {
            tracing::error!(error = ?cause, "a page could not be made: {cause:?}");
            (StatusCode::INTERNAL_SERVER_ERROR, Problem::Internal)
        }
    };
    html(status, visit, CACHE_NEVER, problem::render(visit, problem))
}

fn html(status: StatusCode, visit: &Visit, cache: &'static str, body: String) -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_LANGUAGE, visit.lang.tag()),
        (header::VARY, "accept-language"),
        (header::CACHE_CONTROL, cache),
    ];
    let response = (status, head, body);
    if cache == CACHE_NEVER {
        return ([(X_ROBOTS_TAG, "noindex, nofollow")], response).into_response();
    }
    response.into_response()
}
