//! The table of standards: each rule × province × operator of a month, with its verdict.
use super::Query;
use super::list::{Format, Row, answer, page, text};
use super::views::CountsView;
use crate::cells::{HeldRow, Power, StandardsTable};
use crate::statements::standard::table::FALSE_MAX;
use crate::web::problem::{ApiError, Problem};
use crate::web::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tonle_evidence::standard::{Bounded, Held, Standard, Statistic};
use tonle_evidence::statement::CAPTION;
use utoipa::{IntoParams, ToSchema};

/// Which part of the table. Verdicts are those of the whole table, whatever part is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// Month `YYYY-MM`, local time of the country; the one that runs now when absent.
    period: Option<String>,
    /// A rule's id.
    standard: Option<String>,
    /// ISO 3166-2 code.
    province: Option<String>,
    /// An operator's id, or `others`.
    operator: Option<String>,
    /// `json` (default) or `csv`: the verdicts alone.
    format: Option<String>,
    /// Most verdicts of the page, 1 to 10000; 1000 when absent.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A regulator's rule.
#[derive(Debug, Serialize, ToSchema)]
struct StandardView {
    /// Its id.
    #[schema(example = "kh.trc.mobile.download")]
    id: String,
    /// Its version.
    version: u32,
    /// English name.
    en: String,
    /// Khmer (or other local) name.
    km: String,
    /// Full metric id.
    metric: String,
    /// `mobile`, `fixed` or `unknown`.
    access: &'static str,
    /// Hours of the day: `all`, `peak` or `off_peak`.
    window: &'static str,
    /// `mean`, `percentile`, `share` or `agent_share`.
    statistic: &'static str,
    /// The share that is asked for, parts per million; of shares only.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_share_ppm: Option<i64>,
    /// Order of a percentile, thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_permille: Option<u16>,
    /// Share of its own samples with which an agent passes, thousandths; of `agent_share` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_share_permille: Option<u16>,
    /// `at_least` or `at_most`.
    op: &'static str,
    /// In the metric's unit; absent while the annex is awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<i64>,
    /// Fewest independent agents for a verdict.
    min_agents: u64,
    /// Fewest agent-days for a verdict.
    min_days: u64,
    /// Confidence of each bound, thousandths, one-sided.
    confidence_permille: u16,
    /// Where the rule stands.
    legal_source: String,
    /// First month in which it holds.
    valid_from: String,
    /// Last month in which it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<String>,
    /// `in_force` or `awaiting_annex`.
    status: &'static str,
    /// How often a cell that falls short by 20 points of a share, or a mean by a fifth of the threshold, would be
    /// found in this table; absent without a threshold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    power: Vec<PowerView>,
}

/// How often a cell is found that falls short, with a correlation of 0.2 within an agent, and of means with
/// log-normal samples (σ = 1).
#[derive(Debug, Serialize, ToSchema)]
struct PowerView {
    /// With so many independent agents.
    agents: usize,
    /// Parts per million.
    power_ppm: u32,
}

/// A rule's own statistic with its one-sided bounds: in the metric's unit, or of shares in parts per
/// million.
#[derive(Debug, Serialize, ToSchema)]
struct BoundedView {
    /// As measured.
    value: i64,
    /// Lower bound.
    low: Option<i64>,
    /// Upper bound.
    high: Option<i64>,
}

/// One cell held against one rule.
#[derive(Debug, Serialize, ToSchema)]
struct VerdictView {
    /// The rule's id.
    standard: String,
    /// The rule's version.
    version: u32,
    /// ISO 3166-2 code.
    #[schema(example = "KH-12")]
    province: String,
    /// Operator's id, or `others`.
    operator: String,
    /// `no_data`, `suppressed`, `no_standard`, `insufficient`, `meets`, `does_not_meet` or
    /// `inconclusive`.
    verdict: &'static str,
    /// In the last three only.
    #[serde(skip_serializing_if = "Option::is_none")]
    bounded: Option<BoundedView>,
    /// In all but the first two.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
}

/// The table, or the part of it that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct StandardsView {
    /// The month, local time of the country.
    #[schema(example = "2026-11")]
    period: String,
    /// Caption of every figure.
    caption: &'static str,
    /// Highest chance of any false `does_not_meet` in the whole table, parts per million (Holm's
    /// procedure over the cells counted in `family`).
    false_max_ppm: u32,
    /// Cells of the whole table.
    cells: usize,
    /// Cells that have evidence.
    family: usize,
    /// Cells that are decided: `meets` or `does_not_meet`.
    decided_cells: usize,
    /// The part of the population for which it is decided, parts per million: each province weighs as
    /// many as live there, and in it each operator alike. Absent without a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_population_ppm: Option<u64>,
    /// The rules that hold in the month.
    standards: Vec<StandardView>,
    /// In the order of rules, provinces and operators.
    verdicts: Vec<VerdictView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which rules are met where, among volunteers measured.
#[utoipa::path(get, path = "/api/v1/standards", tag = "figures", params(Wanted),
    responses(
        (status = 200, description = "The table",
         content((StandardsView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is wrong", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such rule, province or operator", body = Problem,
         content_type = "application/problem+json")))]
pub(in crate::web) async fn standards(
    State(state): State<AppState>,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let format = Format::of(wanted.format.as_deref())?;
    let month = state.month(wanted.period.as_deref())?;
    let table = state.standards(month).await?;
    exists(
        "standard",
        wanted.standard.as_deref(),
        table.standards.iter().map(|one| &one.id),
    )?;
    exists(
        "province",
        wanted.province.as_deref(),
        table.rows.iter().map(|row| &row.province),
    )?;
    exists(
        "operator",
        wanted.operator.as_deref(),
        table.rows.iter().map(|row| &row.operator),
    )?;
    let view = StandardsView::of(&table, &wanted)?;
    let next = view.next.clone();
    Ok(answer(format, &uri, next.as_deref(), view, |view| {
        &view.verdicts
    }))
}

fn exists<'a>(
    kind: &str,
    wanted: Option<&str>,
    mut known: impl Iterator<Item = &'a String>,
) -> Result<(), ApiError> {
    match wanted {
        Some(id) if !known.any(|one| one == id) => {
            let detail = format!("there is no {kind} '{id}' in the table of this month");
            Err(ApiError::NotFound(detail))
        }
        _ => Ok(()),
    }
}

impl StandardsView {
    fn of(table: &StandardsTable, wanted: &Wanted) -> Result<Self, ApiError> {
        let StandardsTable {
            month,
            standards,
            powers,
            rows,
            family,
            decided,
            decided_population_ppm,
        } = table;
        let is =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|one| one == value);
        let cells = rows.len();
        let verdicts = rows
            .iter()
            .filter(|row| is(&wanted.standard, &standards[row.standard].id))
            .filter(|row| {
                is(&wanted.province, &row.province) && is(&wanted.operator, &row.operator)
            })
            .map(|row| VerdictView::of(&standards[row.standard], row))
            .collect();
        let part = page(verdicts, Row::key, wanted.limit, wanted.cursor.as_deref())?;
        Ok(Self {
            period: month.to_string(),
            caption: CAPTION,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a probability times a million lies between 0 and a million"
            )]
            false_max_ppm: (FALSE_MAX * 1e6) as u32,
            cells,
            family: *family,
            decided_cells: *decided,
            decided_population_ppm: *decided_population_ppm,
            standards: standards
                .iter()
                .zip(powers)
                .filter(|(standard, _)| is(&wanted.standard, &standard.id))
                .map(|(standard, powers)| StandardView::of(standard, powers))
                .collect(),
            verdicts: part.rows,
            next: part.next,
        })
    }
}

impl Row for VerdictView {
    const COLUMNS: &'static [&'static str] = &[
        "standard",
        "version",
        "province",
        "operator",
        "verdict",
        "value",
        "low",
        "high",
        "agents",
        "agent_days",
        "records",
        "caption",
    ];

    fn key(&self) -> String {
        let (id, version) = (&self.standard, self.version);
        format!("{id} {version} {} {}", self.province, self.operator)
    }

    fn fields(&self) -> Vec<String> {
        let bounded = self.bounded.as_ref();
        let mut fields = vec![
            self.standard.clone(),
            self.version.to_string(),
            self.province.clone(),
            self.operator.clone(),
            self.verdict.to_owned(),
            text(bounded.map(|one| one.value)),
            text(bounded.and_then(|one| one.low)),
            text(bounded.and_then(|one| one.high)),
        ];
        fields.extend(CountsView::fields(self.counts.as_ref()));
        fields.push(CAPTION.to_owned());
        fields
    }
}

impl StandardView {
    fn of(standard: &Standard, powers: &[Power]) -> Self {
        let power = powers.iter().map(|power| PowerView {
            agents: power.agents,
            power_ppm: power.power_ppm,
        });
        Self {
            id: standard.id.clone(),
            version: standard.version,
            en: standard.en.clone(),
            km: standard.km.clone(),
            metric: standard.metric.clone(),
            access: standard.access.as_str(),
            window: standard.window.as_str(),
            statistic: standard.statistic.as_str(),
            min_share_ppm: standard.statistic.min_share_ppm(),
            order_permille: match standard.statistic {
                Statistic::Percentile { order_permille } => Some(order_permille),
                _ => None,
            },
            agent_share_permille: match standard.statistic {
                Statistic::AgentShare {
                    agent_share_permille,
                    ..
                } => Some(agent_share_permille),
                _ => None,
            },
            op: standard.op.as_str(),
            threshold: standard.threshold,
            min_agents: standard.min_agents,
            min_days: standard.min_days,
            confidence_permille: standard.confidence_permille,
            legal_source: standard.legal_source.clone(),
            valid_from: standard.valid_from.to_string(),
            valid_to: standard.valid_to.map(|month| month.to_string()),
            status: standard.status.as_str(),
            power: power.collect(),
        }
    }
}

impl VerdictView {
    fn of(standard: &Standard, row: &HeldRow) -> Self {
        let (verdict, bounded, counts) = match row.held {
            Held::NoData => ("no_data", None, None),
            Held::Suppressed => ("suppressed", None, None),
            Held::Judged {
                judgement,
                bounded,
                counts,
            } => (judgement.as_str(), bounded, Some(counts)),
        };
        Self {
            standard: standard.id.clone(),
            version: standard.version,
            province: row.province.clone(),
            operator: row.operator.clone(),
            verdict,
            bounded: bounded.map(BoundedView::from),
            counts: counts.map(CountsView::from),
        }
    }
}

impl From<Bounded> for BoundedView {
    fn from(bounded: Bounded) -> Self {
        let Bounded { value, low, high } = bounded;
        Self { value, low, high }
    }
}
