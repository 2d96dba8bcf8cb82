//! Incidents: what changed, with the log of what was said of it and the replies to it.
use super::Query;
use super::list::{Format, Row, answer, page};
use super::statements::one_of;
use crate::incidents::published::{EntryView, IncidentView, ReplyView, publish};
use crate::web::problem::{ApiError, Problem};
use crate::web::state::{AppState, blocking};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use tonle_evidence::incident::{Kind, Level};
use tonle_evidence::local_time::LocalDay;
use tonle_evidence::statement::CAPTION;
use utoipa::{IntoParams, ToSchema};

/// The states of an incident.
const STATES: [&str; 2] = ["open", "closed"];

/// Which incidents. What is not told of one is not looked for either.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// `blocking`, `outage`, `degradation`, `site_down` or `instrument_defect`.
    kind: Option<String>,
    /// `open` or `closed`.
    state: Option<String>,
    /// `corroborated`, `network_wide` or `gateway_hypothesis`.
    level: Option<String>,
    /// A network: `as` and its number, or an operator's id.
    network: Option<String>,
    /// ISO 3166-2 code.
    province: Option<String>,
    /// A target, as the incident names it.
    target: Option<String>,
    /// First day `YYYY-MM-DD`, local time of the country: those that were open on it or began later.
    since: Option<String>,
    /// `json` or `csv`; JSON when absent.
    format: Option<String>,
    /// Most rows of a page.
    limit: Option<usize>,
    /// Where a page begins: `next` of the one before.
    cursor: Option<String>,
}

/// The incidents that were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct IncidentsView {
    /// Caption of everything that is said.
    caption: &'static str,
    /// The newest first.
    incidents: Vec<IncidentView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One incident with everything about it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct IncidentPage {
    /// Caption of everything that is said.
    caption: &'static str,
    /// As it is now.
    #[serde(flatten)]
    incident: IncidentView,
    /// What was said of it, the oldest first; the log is never rewritten.
    log: Vec<EntryView>,
    /// Signed replies of operators and authorities, the oldest first.
    replies: Vec<ReplyView>,
}

/// What changed, among volunteers measured.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(Wanted),
    responses(
        (status = 200, description = "The newest first",
         content((IncidentsView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such province", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn incidents(
    State(state): State<AppState>,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let format = Format::of(wanted.format.as_deref())?;
    check(&wanted, &state)?;
    let log = Arc::clone(&state.incidents);
    let latest = blocking(move || log.latest()).await?;
    let utc_offset_s = state.ground.country.utc_offset_s;
    let views = latest
        .iter()
        .rev()
        .map(|logged| publish(&logged.incident, utc_offset_s))
        .filter(|view| is_wanted(view, &wanted));
    let key = |view: &IncidentView| view.id.clone();
    let part = page(views.collect(), key, wanted.limit, wanted.cursor.as_deref())?;
    let view = IncidentsView {
        caption: CAPTION,
        incidents: part.rows,
        next: part.next.clone(),
    };
    let next = part.next.as_deref();
    Ok(answer(format, &uri, next, view, |view| &view.incidents))
}

/// One incident, with the log of what was said of it and the replies to it.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents",
    params(("id" = String, Path, description = "An incident's id")),
    responses(
        (status = 200, description = "The incident", body = IncidentPage),
        (status = 404, description = "No such incident", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn incident(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<IncidentPage>, ApiError> {
    let (log, asked) = (Arc::clone(&state.incidents), id.clone());
    let question =
        move || Ok::<_, crate::incidents::LogError>((log.history(&asked)?, log.replies(&asked)?));
    let (history, replies) = blocking(question).await?;
    let Some(last) = history.last() else {
        let short: String = id.chars().take(80).collect();
        let detail = format!("there is no incident '{short}'; see /api/v1/incidents");
        return Err(ApiError::NotFound(detail));
    };
    let utc_offset_s = state.ground.country.utc_offset_s;
    Ok(Json(IncidentPage {
        caption: CAPTION,
        incident: publish(&last.incident, utc_offset_s),
        log: history
            .iter()
            .map(|logged| EntryView::of(logged, utc_offset_s))
            .collect(),
        replies: replies
            .iter()
            .map(|reply| ReplyView::of(reply, utc_offset_s))
            .collect(),
    }))
}

fn check(wanted: &Wanted, state: &AppState) -> Result<(), ApiError> {
    if let Some(word) = &wanted.kind {
        one_of("kind", word, Kind::ALL, Kind::as_str)?;
    }
    if let Some(word) = &wanted.level {
        one_of("level", word, Level::ALL, Level::as_str)?;
    }
    if let Some(word) = &wanted.state {
        one_of("state", word, &STATES, |word| word)?;
    }
    if let Some(day) = &wanted.since {
        let read = day.parse::<LocalDay>();
        read.map_err(|error| ApiError::BadRequest(format!("since: {error}")))?;
    }
    if let Some(code) = &wanted.province
        && state.ground.country.province(code).is_none()
    {
        let detail = format!("there is no province '{code}'; see /api/v1/provinces");
        return Err(ApiError::NotFound(detail));
    }
    Ok(())
}

fn is_wanted(view: &IncidentView, wanted: &Wanted) -> bool {
    let is = |asked: &Option<String>, value: &str| asked.as_deref().is_none_or(|one| one == value);
    let holds = |asked: &Option<String>, values: &BTreeSet<String>| {
        asked.as_ref().is_none_or(|one| values.contains(one))
    };
    // A day is the beginning of its hours, and texts of this form are in the order of time.
    let ended_before = |day: &str| view.end.as_deref().is_some_and(|end| end < day);
    is(&wanted.kind, view.kind)
        && is(&wanted.state, view.state)
        && is(&wanted.level, view.level)
        && holds(&wanted.network, &view.scope.networks)
        && holds(&wanted.province, &view.scope.provinces)
        && holds(&wanted.target, &view.scope.targets)
        && !wanted.since.as_deref().is_some_and(ended_before)
}

impl Row for IncidentView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "kind",
        "of_the_line",
        "state",
        "onset",
        "end",
        "since_before",
        "level",
        "targets",
        "networks",
        "provinces",
        "metrics",
        "software",
        "fingerprint",
        "rules",
        "input_hash",
    ];

    fn key(&self) -> String {
        self.id.clone()
    }

    fn fields(&self) -> Vec<String> {
        let all = |values: &BTreeSet<String>| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            values.join(" ")
        };
        vec![
            self.id.clone(),
            self.kind.to_owned(),
            self.of_the_line.to_string(),
            self.state.to_owned(),
            self.onset.clone(),
            self.end.clone().unwrap_or_default(),
            self.since_before.to_string(),
            self.level.to_owned(),
            all(&self.scope.targets),
            all(&self.scope.networks),
            all(&self.scope.provinces),
            all(&self.scope.metrics),
            all(&self.scope.software),
            self.fingerprint.clone().unwrap_or_default(),
            self.rules.clone(),
            self.input_hash.clone(),
        ]
    }
}
