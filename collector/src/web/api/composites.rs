//! What people do on a line, held against what was measured: use cases by province or operator.
use super::Query;
use super::list::{Format, Row, answer, page, text};
use super::statements::{one_of, window_of};
use super::views::CountsView;
use super::wider::SpeaksOfView;
use crate::cells::Whose;
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tonle_evidence::composite::{Composite, Part, Percentile, Said, Score, UseCases};
use tonle_evidence::statement::{Access, CAPTION, SpeaksOf, Window};
use utoipa::{IntoParams, ToSchema};

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// `provinces` (default), or `operators`: each operator's agents in each province.
    cells: Option<String>,
    /// ISO 3166-2 code.
    province: Option<String>,
    /// An operator's id, or `others`; of `cells=operators`.
    operator: Option<String>,
    /// A use case's id, such as `web_browsing`.
    use_case: Option<String>,
    /// For how many agents it has to hold: `half`, `three_of_four` or `nine_of_ten`.
    level: Option<String>,
    /// Where the far end is: `domestic` or `abroad`.
    path: Option<String>,
    /// What is said: `no_data`, `suppressed`, `insufficient`, `undecided`, `met` or `not_met`.
    said: Option<String>,
    /// `mobile`, `fixed` or `unknown`; all three when absent.
    access: Option<String>,
    /// Month `YYYY-MM`, local time of the country; the one that runs now when absent.
    period: Option<String>,
    /// Hours of the day: `all`, `peak`, `off_peak`, or one of them (`hour_00` to `hour_23`); all when absent.
    window: Option<String>,
    /// `json` (default) or `csv`: the rows alone.
    format: Option<String>,
    /// Most rows of the page, 1 to 10000; 1000 when absent.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A percentile over independent agents, with the ends of its interval, in the metric's unit.
#[derive(Debug, Serialize, ToSchema)]
struct PercentileView {
    /// Order, thousandths: 100 is the 10th percentile, a small value whatever is better.
    order_permille: u16,
    /// As measured; absent where an end is.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
    /// Lower end; absent where so few agents give none.
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<i64>,
    /// Upper end; absent where so few agents give none.
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<i64>,
}

/// One requirement of a use case.
#[derive(Debug, Serialize, ToSchema)]
struct PartView {
    /// Full metric id.
    #[schema(example = "throughput.download_bps/ndt7/domestic")]
    metric: String,
    /// `above` or `below`; the threshold itself is on neither side.
    op: &'static str,
    /// In the metric's unit.
    threshold: i64,
    /// How much it counts within the use case.
    weight: u32,
    /// What is said, by the interval: the words of `said` of the row.
    said: &'static str,
    /// Where there is an interval, or one end of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    percentile: Option<PercentileView>,
    /// Where they may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
}

/// Between which a score lies: the share of weights that are met, thousandths.
#[derive(Debug, Serialize, ToSchema)]
struct ScoreView {
    /// Nothing that is undecided holds.
    low_permille: u32,
    /// All that is undecided holds.
    high_permille: u32,
}

/// One use case in one cell.
#[derive(Debug, Serialize, ToSchema)]
struct CompositeView {
    /// Of whom.
    speaks_of: SpeaksOfView,
    /// `mobile`, `fixed` or `unknown`.
    access: &'static str,
    /// `domestic` or `abroad`.
    path: String,
    /// The use case's id.
    #[schema(example = "web_browsing")]
    use_case: String,
    /// The level's id.
    #[schema(example = "half")]
    level: String,
    /// `met`: every part is. `not_met`: at least one part is not. `undecided`: none of both, and each has its
    /// interval. `insufficient`: a part has none. `suppressed`, `no_data`: nothing may be said of any part.
    said: &'static str,
    /// Absent where a part has no interval: there is no score of what nobody measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<ScoreView>,
    /// What it asks for.
    parts: Vec<PartView>,
}

/// What use cases are called.
#[derive(Debug, Serialize, ToSchema)]
struct UseCaseView {
    /// Its id.
    id: String,
    /// English name.
    en: String,
    /// Khmer (or other local) name.
    km: String,
}

/// For how many agents requirements have to hold.
#[derive(Debug, Serialize, ToSchema)]
struct LevelView {
    /// Its id.
    id: String,
    /// Share of agents, thousandths.
    agents_permille: u16,
}

/// Use cases of a month.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CompositesView {
    /// The month, local time of the country.
    #[schema(example = "2026-11")]
    period: String,
    /// Hours of the day.
    window: &'static str,
    /// Caption of every figure.
    caption: &'static str,
    /// Where thresholds and weights are from: no regulation.
    source: String,
    /// The month that they are of.
    as_of: String,
    /// Probability with which all intervals of one row hold at once, thousandths; over a table some rows err.
    confidence_permille: u16,
    /// What use cases are called.
    use_cases: Vec<UseCaseView>,
    /// For how many agents requirements have to hold.
    levels: Vec<LevelView>,
    /// By access class, in the order of provinces (and operators), path classes, use cases and levels; those
    /// without data included.
    composites: Vec<CompositeView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which use cases a line is good for, among volunteers measured.
#[utoipa::path(get, path = "/api/v1/composites", tag = "figures", params(Wanted),
    responses(
        (status = 200, description = "Use cases by cell",
         content((CompositesView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such province, operator, use case, level or path", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn composites(
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
    let whose = match wanted.cells.as_deref() {
        Some(word) => one_of("cells", word, &Whose::ALL, Whose::as_str)?,
        None => Whose::Provinces,
    };
    let said = match wanted.said.as_deref() {
        Some(word) => Some(one_of("said", word, Said::ALL, Said::as_str)?),
        None => None,
    };
    wanted.exists(&state, whose)?;
    let mut rows = Vec::new();
    for access in classes {
        let all: Arc<Vec<Composite>> = state.composites(month, window, (access, whose)).await?;
        let asked = all.iter().filter(|one| wanted.asks_for(one));
        let asked = asked.filter(|one| said.is_none_or(|said| one.said == said));
        rows.extend(asked.cloned().map(CompositeView::from));
    }
    let part = page(rows, Row::key, wanted.limit, wanted.cursor.as_deref())?;
    let view = CompositesView::new(&state.use_cases, month.to_string(), window, part.rows);
    let next = part.next.as_deref();
    let view = CompositesView {
        next: part.next.clone(),
        ..view
    };
    Ok(answer(format, &uri, next, view, |view| &view.composites))
}

fn is(wanted: Option<&String>, value: &str) -> bool {
    wanted.is_none_or(|one| one == value)
}

impl Wanted {
    fn asks_for(&self, one: &Composite) -> bool {
        let (province, operator) = match &one.speaks_of {
            SpeaksOf::Operator { province, operator } => (province.as_str(), operator.as_str()),
            SpeaksOf::Province { province } => (province.as_str(), ""),
            SpeaksOf::Region { .. } | SpeaksOf::Nation => ("", ""),
        };
        is(self.province.as_ref(), province)
            && is(self.operator.as_ref(), operator)
            && is(self.use_case.as_ref(), &one.use_case)
            && is(self.level.as_ref(), &one.level)
            && is(self.path.as_ref(), &one.path)
    }

    /// What is asked for exists; else it says where to look.
    fn exists(&self, state: &AppState, whose: Whose) -> Result<(), ApiError> {
        if self.operator.is_some() && whose == Whose::Provinces {
            let detail = "operator: give cells=operators with it";
            return Err(ApiError::BadRequest(detail.to_owned()));
        }
        let (country, known) = (&state.ground.country, &state.use_cases);
        let operators = country.operators.iter().map(|one| one.id.as_str());
        let lists: [(&str, Option<&String>, Vec<&str>); 5] = [
            (
                "province",
                self.province.as_ref(),
                country
                    .provinces
                    .iter()
                    .map(|one| one.code.as_str())
                    .collect(),
            ),
            (
                "operator",
                self.operator.as_ref(),
                operators.chain(["others"]).collect(),
            ),
            (
                "use case",
                self.use_case.as_ref(),
                known.all.iter().map(|one| one.id.as_str()).collect(),
            ),
            (
                "level",
                self.level.as_ref(),
                known.levels.iter().map(|one| one.id.as_str()).collect(),
            ),
            (
                "path",
                self.path.as_ref(),
                known.paths.iter().map(String::as_str).collect(),
            ),
        ];
        for (kind, asked, known) in lists {
            if let Some(id) = asked.filter(|id| !known.contains(&id.as_str())) {
                let detail = format!("there is no {kind} '{id}'; there is {}", known.join(", "));
                return Err(ApiError::NotFound(detail));
            }
        }
        Ok(())
    }
}

impl CompositesView {
    fn new(
        known: &UseCases,
        period: String,
        window: Window,
        composites: Vec<CompositeView>,
    ) -> Self {
        let use_cases = known.all.iter().map(|one| UseCaseView {
            id: one.id.clone(),
            en: one.en.clone(),
            km: one.km.clone(),
        });
        let levels = known.levels.iter().map(|one| LevelView {
            id: one.id.clone(),
            agents_permille: one.agents_permille,
        });
        Self {
            period,
            window: window.as_str(),
            caption: CAPTION,
            source: known.source.clone(),
            as_of: known.as_of.clone(),
            confidence_permille: known.confidence_permille,
            use_cases: use_cases.collect(),
            levels: levels.collect(),
            composites,
            next: None,
        }
    }
}

impl From<Composite> for CompositeView {
    fn from(one: Composite) -> Self {
        Self {
            speaks_of: SpeaksOfView::from(one.speaks_of),
            access: one.access.as_str(),
            path: one.path,
            use_case: one.use_case,
            level: one.level,
            said: one.said.as_str(),
            score: one.score.map(ScoreView::from),
            parts: one.parts.into_iter().map(PartView::from).collect(),
        }
    }
}

impl From<Score> for ScoreView {
    fn from(score: Score) -> Self {
        Self {
            low_permille: score.low_permille,
            high_permille: score.high_permille,
        }
    }
}

impl From<Part> for PartView {
    fn from(part: Part) -> Self {
        Self {
            metric: part.metric,
            op: part.op.as_str(),
            threshold: part.threshold,
            weight: part.weight,
            said: part.said.as_str(),
            percentile: part.percentile.map(PercentileView::from),
            counts: part.counts.map(CountsView::from),
        }
    }
}

impl From<Percentile> for PercentileView {
    fn from(percentile: Percentile) -> Self {
        Self {
            order_permille: percentile.order_permille,
            value: percentile.value,
            low: percentile.low,
            high: percentile.high,
        }
    }
}

impl PartView {
    /// One requirement in one field: `metric above 10 p100: 5 [4, 6] agents 8: not_met`.
    fn in_words(&self) -> String {
        let percentile = self.percentile.as_ref().map_or_else(String::new, |one| {
            let PercentileView { order_permille, .. } = one;
            let (value, low, high) = (text(one.value), text(one.low), text(one.high));
            format!(" permille {order_permille}: {value} [{low} to {high}]")
        });
        let agents = self.counts.as_ref().map_or_else(String::new, |one| {
            format!(" agents {}", CountsView::fields(Some(one))[0])
        });
        let (metric, op, threshold) = (&self.metric, self.op, self.threshold);
        format!(
            "{metric} {op} {threshold}{percentile}{agents}: {}",
            self.said
        )
    }
}

impl Row for CompositeView {
    const COLUMNS: &'static [&'static str] = &[
        "level_of_area",
        "area",
        "access",
        "path",
        "use_case",
        "level",
        "said",
        "score_low_permille",
        "score_high_permille",
        "parts",
        "caption",
    ];

    fn key(&self) -> String {
        let (access, area, path) = (self.access, self.speaks_of.name(), &self.path);
        format!("{access} {area} {path} {} {}", self.use_case, self.level)
    }

    fn fields(&self) -> Vec<String> {
        let parts: Vec<String> = self.parts.iter().map(PartView::in_words).collect();
        vec![
            self.speaks_of.level().to_owned(),
            self.speaks_of.name(),
            self.access.to_owned(),
            self.path.clone(),
            self.use_case.clone(),
            self.level.clone(),
            self.said.to_owned(),
            text(self.score.as_ref().map(|one| one.low_permille)),
            text(self.score.as_ref().map(|one| one.high_permille)),
            parts.join("; "),
            CAPTION.to_owned(),
        ]
    }
}
