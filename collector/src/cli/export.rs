//! `export`: what may leave the journal, in a format of the field's.
use crate::config::Config;
use crate::country::Nation;
use crate::journal::{FILE_NAME, JournalReader};
use crate::lists::{self, Shelf};
use crate::ooni::export::{Export, ExportError, Tally};
use crate::output;
use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tonle_evidence::local_time::LocalDay;

#[derive(Debug, Args)]
#[command(after_help = "\
Own records of `web_connectivity` are written as OONI measurements: the public half only, by the hour,
without province. Measurements of OONI clients are given byte for byte. Whatever holds an address that
is no evidence, or a site that stands on no list of this collector, is withheld and counted. Works
beside a service that runs. What is in it and what is not: docs/ooni.md.

Examples:
  tonle-collector export --format ooni --out measurements.jsonl
  tonle-collector export --format ooni --since 2026-11-01 | zstd > november.jsonl.zst
  tonle-collector export --format ooni | tonle-collector analyze -")]
pub(super) struct ExportArgs {
    /// The format: OONI data formats, one measurement per line
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write, whole or not at all; without it standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// First day by the country's clock: of measuring for own records, of receipt for others
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<LocalDay>,
    /// Also sites that stand on no list of this collector; look through them first: a volunteer may
    /// have typed them
    #[arg(long)]
    unlisted: bool,
    /// The sums as one JSON object: on standard output with --out, else on standard error
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Ooni,
}

pub(super) fn run(config: &Config, args: &ExportArgs) -> anyhow::Result<()> {
    config.validate()?;
    super::check_data(config, FILE_NAME)?;
    let nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    let journal = JournalReader::open(&config.data_dir.join(FILE_NAME))?;
    let lists = lists::at_hand(&config.openness.lists, &Shelf::below(&config.data_dir));
    let openness = lists::compose(&nation.targets.openness, &lists);
    let Format::Ooni = args.format;
    let export = Export {
        country: &nation.ground.country,
        listed: openness
            .targets
            .iter()
            .map(|one| one.target.value.as_str())
            .collect(),
        unlisted: args.unlisted,
        since: args.since,
    };
    if let Some(path) = &args.out {
        let tally = to_file(&export, &journal, path)?;
        tell(&tally, args.json, output::line);
    } else if let Some(tally) = to_stdout(&export, &journal)? {
        tell(&tally, args.json, output::note);
    }
    Ok(())
}

/// `None` when nobody reads any more.
fn to_stdout(export: &Export<'_>, journal: &JournalReader) -> anyhow::Result<Option<Tally>> {
    let mut write = |line: &[u8]| output::raw_line(line);
    match export.run(journal, &mut write) {
        Ok(tally) => Ok(Some(tally)),
        Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A file that is there is replaced once the new one is whole.
fn to_file(export: &Export<'_>, journal: &JournalReader, path: &Path) -> anyhow::Result<Tally> {
    let part = path.with_added_extension("part");
    let written = write_part(export, journal, &part);
    if written.is_err() {
        // The reason is told; what was begun is worth nothing.
        let _ = std::fs::remove_file(&part);
    }
    let tally = written.with_context(|| format!("write {}", part.display()))?;
    std::fs::rename(&part, path).with_context(|| format!("put {} in place", path.display()))?;
    Ok(tally)
}

fn write_part(
    export: &Export<'_>,
    journal: &JournalReader,
    part: &Path,
) -> Result<Tally, ExportError> {
    let mut file = BufWriter::new(File::create(part)?);
    let mut write = |line: &[u8]| {
        file.write_all(line)?;
        file.write_all(b"\n")
    };
    let tally = export.run(journal, &mut write)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(tally)
}

fn tell(tally: &Tally, as_json: bool, print: fn(String)) {
    let withheld = tally.withheld.iter();
    if as_json {
        let reasons: Map<String, Value> = withheld
            .map(|(reason, count)| (reason.as_str().to_owned(), json!(count)))
            .collect();
        let sums = json!({
            "records": tally.records, "ooni": tally.ooni, "withheld": reasons,
        });
        print(sums.to_string());
        return;
    }
    let reasons: Vec<String> = withheld
        .map(|(reason, count)| format!("{} {count}", reason.as_str()))
        .collect();
    let reasons = if reasons.is_empty() {
        "nothing".to_owned()
    } else {
        reasons.join(", ")
    };
    print(format!(
        "{} own records and {} measurements of OONI clients written; withheld: {reasons}",
        tally.records, tally.ooni
    ));
}
