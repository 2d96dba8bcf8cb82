//! `report`: what an institution wants to know of its panel, beside a service that may be running.
use super::check_data;
use crate::cells::{CellsReader, FILE_NAME, Published};
use crate::config::Config;
use crate::country::Nation;
use crate::output;
use anyhow::{Context, ensure};
use clap::Args;
use std::sync::Arc;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::panel::{Goal, Lack, Need, Panel};
use tonle_net::clock::wall_us;

#[derive(Debug, Args)]
#[command(after_help = "\
The panel is where volunteers measured: a province without agents may well be served.

Examples:
  tonle-collector report --panel
  tonle-collector report --panel --period 2026-11 --json")]
pub(super) struct ReportArgs {
    /// Where the next agents would decide most, and what each cell lacks
    #[arg(long, required = true)]
    panel: bool,
    /// Month by the country's clock; the one that runs now when absent
    #[arg(long, value_name = "YYYY-MM")]
    period: Option<LocalMonth>,
    /// Full id of the metric whose estimates are planned; the first headline metric when absent
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// Most rows of the table
    #[arg(long, default_value_t = 30, value_name = "N")]
    rows: usize,
    /// One JSON object with every row
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Config, args: &ReportArgs) -> anyhow::Result<()> {
    config.validate()?;
    check_data(config, FILE_NAME)?;
    let nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    let ground = Arc::new(nation.ground);
    let metric = args.metric.as_deref().or(ground.catalogue.headline());
    let metric = metric
        .context("no metric is a headline here; give --metric")?
        .to_owned();
    ensure!(
        ground.catalogue.get(&metric).is_some(),
        "metric '{metric}' is declared nowhere; see /api/v1/metrics"
    );
    let cells = CellsReader::of_dir(&config.data_dir);
    let published = Published::new(ground, Arc::new(nation.strata), cells);
    let month = match args.period {
        Some(month) => month,
        None => published.month_at(wall_us()),
    };
    let table = published.standards(month, &nation.standards)?;
    let panel = published.panel(month, &metric, &table)?;
    if args.json {
        output::json(&serde_json::to_value(&panel)?);
    } else {
        print(&panel, args.rows);
    }
    Ok(())
}

fn print(panel: &Panel, rows: usize) {
    output::line(format_args!("{}, {}", panel.period, panel.caption));
    for class in &panel.coverage {
        output::line(format_args!(
            "{}: {} has an estimate in {} provinces with {} % of the population; too few agents in {}, none in {}",
            class.access.as_str(),
            panel.metric,
            class.estimate,
            class.population_ppm / 10_000,
            class.insufficient + class.suppressed,
            class.no_data,
        ));
    }
    if !panel.awaiting.is_empty() {
        let awaiting = panel.awaiting.join(", ");
        output::line(format_args!(
            "awaiting their annex, nothing to decide: {awaiting}"
        ));
    }
    output::line(format_args!(
        "{:<22}  {:<7}  {:<34}  {:<12}  {:>6}  {:>7}  {:>7}  {:>8}  {:>12}",
        "AGENTS OF",
        "ACCESS",
        "FOR",
        "NOW",
        "AGENTS",
        "COUNTED",
        "TO GOAL",
        "TO POWER",
        "PEOPLE/AGENT"
    ));
    let lacking = panel.needs.iter().filter(|need| need.people_per_agent > 0);
    for need in lacking.take(rows) {
        output::line(row(need));
    }
}

fn row(need: &Need) -> String {
    let goal = match &need.goal {
        Goal::Estimate { .. } => "estimate",
        Goal::Verdict { standard, .. } => standard,
    };
    let agents = need
        .agents
        .map_or("-".to_owned(), |agents| agents.to_string());
    format!(
        "{:<22}  {:<7}  {goal:<34}  {:<12}  {agents:>6}  {:>7}  {:>7}  {:>8}  {:>12}",
        need.speaks_of.name(),
        need.access.as_str(),
        need.said,
        lack(Some(need.to_be_counted)),
        lack(Some(need.to_goal)),
        lack(need.to_power),
        need.people_per_agent,
    )
}

/// `4`, or `≤4` where how many there are may not be said.
fn lack(lack: Option<Lack>) -> String {
    match lack {
        None => "-".to_owned(),
        Some(lack) if lack.at_most => format!("≤{}", lack.agents),
        Some(lack) => lack.agents.to_string(),
    }
}
