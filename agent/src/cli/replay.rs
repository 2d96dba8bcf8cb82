//! `replay`: what ending transfers early would have saved, and what it would have cost in error.
use super::ReplayArgs;
use crate::config::Config;
use crate::experiments::throughput::trace::Trace;
use crate::output;
use crate::replay::{self, Replayed};
use crate::traces;
use anyhow::bail;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) fn run(config: &Config, args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let traces = traces(config, args)?;
    let replayed: Vec<Replayed> = traces.iter().filter_map(Replayed::of).collect();
    let report = replay::evaluate(&replayed);
    if args.json {
        output::json(&report);
    } else {
        for line in replay::table(&report) {
            output::line(&line);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn traces(config: &Config, args: &ReplayArgs) -> anyhow::Result<Vec<Trace>> {
    if args.demo {
        output::note("made-up traces: these figures say nothing of any real line");
        return Ok(replay::synthetic_traces());
    }
    let files = if args.files.is_empty() {
        own_files(config)
    } else {
        args.files.clone()
    };
    let mut traces = Vec::new();
    for path in &files {
        traces.extend(replay::read::file(path)?);
    }
    if traces.is_empty() {
        bail!(
            "there is no trace yet; whole throughput tests leave them in {} on lines declared unmetered (`metered = false`), or name files, or try --demo",
            config.data_dir.join("traces").display()
        );
    }
    Ok(traces)
}

/// What this device has kept.
fn own_files(config: &Config) -> Vec<PathBuf> {
    let paths = traces::FILES
        .into_iter()
        .map(|name| config.data_dir.join(name));
    paths.filter(|path| path.is_file()).collect()
}
