//! The plan of the panel: where the next agents would decide most.
use super::Query;
use super::list::{Format, Row, answer, page, text};
use super::wider::SpeaksOfView;
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tonle_evidence::panel::{Goal, Lack, Need, PANEL_CAPTION, PanelCoverage};
use utoipa::{IntoParams, ToSchema};

/// Which plan.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// Full id of the metric whose estimates are planned; the first headline metric when absent.
    metric: Option<String>,
    /// Month `YYYY-MM`, local time of the country; the one that runs now when absent.
    period: Option<String>,
    /// `json` (default) or `csv`: the needs alone.
    format: Option<String>,
    /// Most needs of the page, 1 to 10000; 1000 when absent.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// How many more independent agents it takes.
#[derive(Debug, Serialize, ToSchema)]
struct LackView {
    /// So many.
    agents: u64,
    /// Or fewer: how many there are may not be said.
    at_most: bool,
}

/// What one cell lacks.
#[derive(Debug, Serialize, ToSchema)]
struct NeedView {
    /// `estimate` or `verdict`.
    goal: &'static str,
    /// Full metric id; of estimates.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    /// The rule's id; of verdicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    standard: Option<String>,
    /// The rule's version; of verdicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// Whose agents.
    speaks_of: SpeaksOfView,
    /// `mobile`, `fixed` or `unknown`.
    access: &'static str,
    /// What is said of the cell now: a state, or a verdict.
    said: String,
    /// Its independent agents, where they may be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    agents: Option<u64>,
    /// Until anything may be said of it.
    to_be_counted: LackView,
    /// Until the goal can be reached.
    to_goal: LackView,
    /// Until a cell that falls clearly short of its rule would be found in seven of ten tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_power: Option<LackView>,
    /// How many people the cell stands for.
    people: u64,
    /// People for whom it would be decided, per agent that joins; 0 where nothing is lacking.
    people_per_agent: u64,
}

/// How far the panel reaches in one access class: where volunteers measured, not where networks reach.
#[derive(Debug, Serialize, ToSchema)]
struct PanelCoverageView {
    /// `mobile` or `fixed`.
    access: &'static str,
    /// Provinces with an estimate.
    estimate: u64,
    /// Provinces whose agents are counted and too few.
    insufficient: u64,
    /// Provinces with too few agents to say anything.
    suppressed: u64,
    /// Provinces without agents.
    no_data: u64,
    /// The part of the population that lives in provinces with an estimate, parts per million.
    population_ppm: u32,
}

/// The plan of a month.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct PanelView {
    /// The month, local time of the country.
    #[schema(example = "2026-11")]
    period: String,
    /// Full id of the metric whose estimates are planned.
    metric: String,
    /// How far the panel reaches.
    coverage: Vec<PanelCoverageView>,
    /// Rules that await their annex: nothing can be decided by them.
    awaiting: Vec<String>,
    /// What cells lack, those first where an agent would decide for most people.
    needs: Vec<NeedView>,
    /// What stands beside every number of this plan.
    caption: String,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Where the next agents would decide most, and what each cell lacks.
#[utoipa::path(get, path = "/api/v1/panel", tag = "figures", params(Wanted),
    responses(
        (status = 200, description = "The plan",
         content((PanelView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such metric", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn panel(
    State(state): State<AppState>,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let format = Format::of(wanted.format.as_deref())?;
    let month = state.month(wanted.period.as_deref())?;
    let metric = match wanted.metric {
        Some(id) if state.ground.catalogue.get(&id).is_none() => {
            let detail = format!("there is no metric '{id}'; see /api/v1/metrics");
            return Err(ApiError::NotFound(detail));
        }
        Some(id) => id,
        None => {
            let detail = "no metric is a headline here; give metric: /api/v1/metrics lists them";
            let headline = state.ground.catalogue.headline();
            let none = || ApiError::BadRequest(detail.to_owned());
            headline.ok_or_else(none)?.to_owned()
        }
    };
    let panel = state.panel(month, metric).await?;
    let rows: Vec<NeedView> = panel.needs.iter().cloned().map(NeedView::from).collect();
    let part = page(rows, Row::key, wanted.limit, wanted.cursor.as_deref())?;
    let view = PanelView {
        period: panel.period.to_string(),
        metric: panel.metric.clone(),
        coverage: panel.coverage.iter().map(PanelCoverageView::from).collect(),
        awaiting: panel.awaiting.clone(),
        needs: part.rows,
        caption: panel.caption.clone(),
        next: part.next.clone(),
    };
    let next = part.next.as_deref();
    Ok(answer(format, &uri, next, view, |view| &view.needs))
}

impl Row for NeedView {
    const COLUMNS: &'static [&'static str] = &[
        "goal",
        "metric",
        "standard",
        "version",
        "level",
        "name",
        "access",
        "said",
        "agents",
        "to_be_counted",
        "to_be_counted_at_most",
        "to_goal",
        "to_goal_at_most",
        "to_power",
        "to_power_at_most",
        "people",
        "people_per_agent",
        "caption",
    ];

    fn key(&self) -> String {
        let (level, name) = (self.speaks_of.level(), self.speaks_of.name());
        let standard = self.standard.as_deref().unwrap_or_default();
        let version = self.version.unwrap_or_default();
        format!(
            "{} {standard} {version} {level} {name} {}",
            self.goal, self.access
        )
    }

    fn fields(&self) -> Vec<String> {
        let power = self.to_power.as_ref();
        vec![
            self.goal.to_owned(),
            text(self.metric.as_ref()),
            text(self.standard.as_ref()),
            text(self.version),
            self.speaks_of.level().to_owned(),
            self.speaks_of.name(),
            self.access.to_owned(),
            self.said.clone(),
            text(self.agents),
            self.to_be_counted.agents.to_string(),
            self.to_be_counted.at_most.to_string(),
            self.to_goal.agents.to_string(),
            self.to_goal.at_most.to_string(),
            text(power.map(|lack| lack.agents)),
            text(power.map(|lack| lack.at_most)),
            self.people.to_string(),
            self.people_per_agent.to_string(),
            PANEL_CAPTION.to_owned(),
        ]
    }
}

impl From<Lack> for LackView {
    fn from(lack: Lack) -> Self {
        let Lack { agents, at_most } = lack;
        Self { agents, at_most }
    }
}

impl From<&PanelCoverage> for PanelCoverageView {
    fn from(coverage: &PanelCoverage) -> Self {
        Self {
            access: coverage.access.as_str(),
            estimate: coverage.estimate,
            insufficient: coverage.insufficient,
            suppressed: coverage.suppressed,
            no_data: coverage.no_data,
            population_ppm: coverage.population_ppm,
        }
    }
}

impl From<Need> for NeedView {
    fn from(need: Need) -> Self {
        let (goal, metric, standard, version) = match need.goal {
            Goal::Estimate { metric } => ("estimate", Some(metric), None, None),
            Goal::Verdict { standard, version } => ("verdict", None, Some(standard), Some(version)),
        };
        Self {
            goal,
            metric,
            standard,
            version,
            speaks_of: SpeaksOfView::from(need.speaks_of),
            access: need.access.as_str(),
            said: need.said,
            agents: need.agents,
            to_be_counted: LackView::from(need.to_be_counted),
            to_goal: LackView::from(need.to_goal),
            to_power: need.to_power.map(LackView::from),
            people: need.people,
            people_per_agent: need.people_per_agent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::statement::{Access, SpeaksOf};

    #[test]
    fn a_need_is_written_as_its_evidence_type_is_read() {
        let lack = Lack {
            agents: 4,
            at_most: true,
        };
        let goals = [
            Goal::Estimate {
                metric: "dns.resolution_us/configured".into(),
            },
            Goal::Verdict {
                standard: "xx.share".into(),
                version: 2,
            },
        ];
        for (goal, to_power) in goals.into_iter().zip([None, Some(lack)]) {
            let need = Need {
                goal,
                speaks_of: SpeaksOf::Operator {
                    province: "KH-12".into(),
                    operator: "smart".into(),
                },
                access: Access::Mobile,
                said: "suppressed".into(),
                agents: None,
                to_be_counted: lack,
                to_goal: lack,
                to_power,
                people: 100,
                people_per_agent: 20,
            };
            let view = NeedView::from(need.clone());
            assert_eq!(view.fields().len(), NeedView::COLUMNS.len());
            let written = serde_json::to_value(view).unwrap();
            assert_eq!(written, serde_json::to_value(&need).unwrap());
            assert_eq!(serde_json::from_value::<Need>(written).unwrap(), need);
        }
    }
}
