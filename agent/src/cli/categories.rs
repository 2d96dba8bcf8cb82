//! `tonle agent categories`: which kinds of sites this device may visit.
use super::CategoriesArgs;
use crate::categories::Categories;
use crate::config::Config;
use crate::consent::words;
use crate::{output, seat};
use anyhow::bail;
use serde::Serialize;
use std::process::ExitCode;
use tonle_evidence::category::Category;
use tonle_evidence::words::Lang;

/// One category, for a machine.
#[derive(Serialize)]
struct Row {
    code: Category,
    name: String,
    is_on: bool,
    is_sensitive: bool,
}

/// Works beside a running agent, which reads the choice anew before each round.
pub(super) fn run(config: &Config, args: &CategoriesArgs, lang: Lang) -> anyhow::Result<ExitCode> {
    let data_dir = &config.data_dir;
    if !data_dir.is_dir() {
        bail!(
            "there is no agent in {}; check --data, or join first",
            data_dir.display()
        );
    }
    if !args.on.is_empty() || !args.off.is_empty() {
        let mut chosen = Categories::stored(data_dir)?;
        for category in &args.on {
            chosen.switch_on(*category);
        }
        for category in &args.off {
            chosen.switch_off(*category)?;
        }
        for seat in seat::all(config) {
            chosen.store(&seat.data_dir)?;
        }
    }
    let chosen = Categories::load(data_dir, config)?;
    let contradicted = args.on.iter().any(|one| !chosen.is_on(*one))
        || args.off.iter().any(|one| chosen.is_on(*one));
    if contradicted {
        output::note("the configuration says otherwise, and it wins; change `openness` there");
    }
    let rows: Vec<Row> = Category::ALL
        .iter()
        .map(|category| Row {
            code: *category,
            name: words().get(lang, &format!("agent.category.{category}")),
            is_on: chosen.is_on(*category),
            is_sensitive: category.is_sensitive(),
        })
        .collect();
    if args.json {
        output::json(&rows);
        return Ok(ExitCode::SUCCESS);
    }
    for row in &rows {
        let state = if row.is_on { "on" } else { "off" };
        output::line(&format!("{:<6}{state:<4}{}", row.code.as_str(), row.name));
    }
    Ok(ExitCode::SUCCESS)
}
