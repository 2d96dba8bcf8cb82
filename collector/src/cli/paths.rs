//! `paths`: prints what the path records come to.
use crate::config::Config;
use crate::country::Nation;
use crate::ingest::network::NetworkTable;
use crate::journal::{FILE_NAME, JournalReader};
use crate::output;
use crate::paths::{Finding, Group, Paths, judge_all};

/// Works beside a service that runs.
pub(super) fn paths(config: &Config, json: bool) -> anyhow::Result<()> {
    config.validate()?;
    super::check_data(config, FILE_NAME)?;
    let nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    let table = match &config.asn_table {
        Some(path) => NetworkTable::open(path)?,
        None => NetworkTable::none(),
    };
    let journal = JournalReader::open(&config.data_dir.join(FILE_NAME))?;
    let paths = judge_all(&journal, &nation, &table)?;
    if json {
        output::json(&serde_json::to_value(&paths)?);
    } else {
        print(&paths);
    }
    Ok(())
}

fn print(paths: &Paths) {
    if paths.findings.is_empty() {
        output::note("no path was measured yet");
        return;
    }
    if paths.asn_table.is_none() {
        output::note(
            "without `asn_table` in the configuration nobody can tell whose a router is, so most classes are unknown",
        );
    }
    output::line(format_args!(
        "{:<8}  {:<30}  {:<9}  {:<14}  {:<4}  {:<8}  {}",
        "NETWORK", "TARGET", "DECLARED", "MEASURED", "RULE", "GATEWAY", "RECORD"
    ));
    for finding in &paths.findings {
        output::line(row(finding));
    }
    for group in &paths.groups {
        output::line(summary(group));
    }
}

fn row(finding: &Finding) -> String {
    let gateway = finding
        .gateway
        .as_ref()
        .map_or("-", |one| match one.leaves {
            crate::analysis::path::Leaves::Usual => "usual",
            crate::analysis::path::Leaves::Another => "another",
            crate::analysis::path::Leaves::Only => "only",
        });
    let contradiction = if finding.path.contradicts_declared {
        "  CONTRADICTS what is declared"
    } else {
        ""
    };
    let class = finding.path.reason.unwrap_or(finding.path.class.as_str());
    format!(
        "{:<8}  {:<30}  {:<9}  {class:<14}  {:<4}  {gateway:<8}  {}{contradiction}",
        network(finding.network_asn),
        finding.target,
        finding.declared.as_str(),
        finding.path.rule,
        &finding.record_hash.to_string()[..16],
    )
}

fn summary(group: &Group) -> String {
    format!(
        "{} in {}: {} of {} ways that leave the country do so from {} to {}",
        network(group.network_asn),
        group.month,
        group.by_the_usual,
        group.leaving,
        group.usual.before,
        group.usual.after,
    )
}

fn network(asn: Option<u32>) -> String {
    asn.map_or("-".to_owned(), |asn| format!("AS{asn}"))
}
