//! What figures refer to: the country, its provinces, the declared metrics, the lists of targets.
use super::views::{CountryView, ListSourceView, MetricView, ProvinceView, SignedDocumentView};
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::Json;
use axum::extract::{Path, State};
use tonle_evidence::record::Stream;

/// The country whose figures are published here.
#[utoipa::path(get, path = "/api/v1/country", tag = "reference",
    responses((status = 200, description = "The country", body = CountryView)))]
pub(in crate::web) async fn country(State(state): State<AppState>) -> Json<CountryView> {
    Json(CountryView::from(&state.ground.country))
}

/// The country's provinces.
#[utoipa::path(get, path = "/api/v1/provinces", tag = "reference",
    responses((status = 200, description = "In order of their numbers", body = Vec<ProvinceView>)))]
pub(in crate::web) async fn provinces(State(state): State<AppState>) -> Json<Vec<ProvinceView>> {
    let provinces = &state.ground.country.provinces;
    Json(provinces.iter().map(ProvinceView::from).collect())
}

/// The declared metrics.
#[utoipa::path(get, path = "/api/v1/metrics", tag = "reference",
    responses((status = 200, description = "In order of their ids", body = Vec<MetricView>)))]
pub(in crate::web) async fn metrics(State(state): State<AppState>) -> Json<Vec<MetricView>> {
    let metrics = state.ground.catalogue.iter();
    Json(
        metrics
            .map(|(id, metric)| MetricView::new(id, metric))
            .collect(),
    )
}

/// The targets that agents are asked to measure, signed by the collector as
/// `application/vnd.tonle.targets.v1`.
#[utoipa::path(get, path = "/api/v1/targets/{stream}", tag = "agents",
    params(("stream" = String, Path, description = "`quality` or `openness`")),
    responses(
        (status = 200, description = "The list", body = SignedDocumentView),
        (status = 404, description = "No such stream, or not hosted here", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn targets(
    State(state): State<AppState>,
    Path(stream): Path<String>,
) -> Result<Json<SignedDocumentView>, ApiError> {
    let stream: Stream = stream.parse().map_err(ApiError::NotFound)?;
    let document = state.targets.of(stream).ok_or_else(|| {
        ApiError::NotFound(format!("this collector does not host the stream {stream}"))
    })?;
    Ok(Json(SignedDocumentView::from(&document)))
}

/// Whose lists of sites the openness list is made from, and under which terms. They are lists of
/// their own: nothing of them is in what this collector releases.
#[utoipa::path(get, path = "/api/v1/lists", tag = "reference",
    responses(
        (status = 200, description = "In the order of the list", body = Vec<ListSourceView>),
        (status = 404, description = "Openness is not hosted here", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn lists(
    State(state): State<AppState>,
) -> Result<Json<Vec<ListSourceView>>, ApiError> {
    let facts = state.targets.facts(Stream::Openness).ok_or_else(|| {
        ApiError::NotFound("this collector does not host the stream openness".to_owned())
    })?;
    let sources = facts.sources.into_iter().map(ListSourceView::from);
    Ok(Json(sources.collect()))
}
