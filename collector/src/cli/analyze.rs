//! `analyze`: verdicts on visits to web pages, from files of records or of OONI measurements.
mod fingerprints;
mod judge;

use super::documents::{Document, Documents};
use super::input;
use crate::analysis::web::Fingerprints;
use crate::output;
use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "\
One JSON object per measurement is printed, in order: `ooni` has the keys of OONI Web Connectivity
0.5.28, `tonle` our own verdict with its rules and where its evidence stands in the measurement. A
line that cannot be read becomes an object with `error`; the rest goes on, and the exit code is 1.
What the states mean: docs/openness.md.

Examples:
  tonle-collector analyze measurements.jsonl.gz
  tonle-collector analyze records.ndjson > verdicts.ndjson
  zstdcat *.jsonl.zst | tonle-collector analyze -
  tonle-collector analyze --fingerprints ./fingerprints measurement.json")]
pub(super) struct AnalyzeArgs {
    /// Records or OONI measurements, JSON or one object per line; plain, gzip or zstd. `-` is
    /// standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder with blocking.toml and server-side.toml, in place of the fingerprints built in
    #[arg(long, value_name = "DIR")]
    fingerprints: Option<PathBuf>,
}

/// How much of the input was analysed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    done: u64,
    failed: u64,
}

pub(super) fn run(args: &AnalyzeArgs) -> anyhow::Result<()> {
    let prints = fingerprints::load(args.fingerprints.as_deref())?;
    let mut tally = Tally::default();
    for path in &args.files {
        let mut print = |value: &Value| output::stream(value).is_ok();
        if !file(path, &prints, &mut tally, &mut print) {
            return Ok(()); // whoever read had enough
        }
    }
    if tally.failed > 0 {
        bail!(
            "{} of {} could not be analysed; each is an object with `error` in the output",
            tally.failed,
            tally.failed + tally.done
        );
    }
    Ok(())
}

/// Analyses one file; false when nobody reads the output any more.
fn file(
    path: &Path,
    prints: &Fingerprints,
    tally: &mut Tally,
    print: &mut dyn FnMut(&Value) -> bool,
) -> bool {
    let source = path.display().to_string();
    let reader = match input::open(path) {
        Ok(reader) => reader,
        Err(error) => {
            tally.failed += 1;
            return print(
                &json!({ "source": source, "error": format!("cannot open it: {error}") }),
            );
        }
    };
    for document in Documents::new(reader) {
        let (place, judged) = match document {
            Document::Text { line, bytes } => {
                (json!({ "line": line }), judge::judge(&bytes, prints))
            }
            Document::Element { line, index, bytes } => (
                json!({ "line": line, "index": index }),
                judge::judge(&bytes, prints),
            ),
            Document::Bad { line, reason } => (json!({ "line": line }), Err(reason)),
        };
        let said = match judged {
            Ok(said) => {
                tally.done += 1;
                said
            }
            Err(reason) => {
                tally.failed += 1;
                json!({ "error": reason })
            }
        };
        if !print(&joined(&source, place, said)) {
            return false;
        }
    }
    true
}

/// Source, place and what is said of it, as one object.
fn joined(source: &str, place: Value, said: Value) -> Value {
    let mut whole = serde_json::Map::new();
    whole.insert("source".to_owned(), source.into());
    for part in [place, said] {
        if let Value::Object(fields) = part {
            whole.extend(fields);
        }
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests;
