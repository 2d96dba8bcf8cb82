//! `import`: measurements of OONI clients from files into the journal.
//!
//! Entries are committed in groups while the files are read. Whoever breaks it off starts it again:
//! what the journal has is passed over.
use super::documents::{Document, Documents};
use super::input;
use crate::admin::{Admin, AdminSettings};
use crate::config::Config;
use crate::country::Nation;
use crate::journal::{GROUP_MAX_ROWS, Journal, JournalError, NewEntry};
use crate::ooni::{accept, entry};
use crate::output;
use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use tonle_net::clock::wall_us;
use tonle_net::datadir::{DataDir, Role};

/// Bytes of measurements after which a group is committed.
const GROUP_MAX_BYTES: usize = 16 << 20;
/// Progress is told whenever so many more were read.
const TOLD_EVERY: u64 = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "\
Measurements are kept byte for byte, with provenance `ooni`, signed by nobody; they enter no figure.
The service must not run meanwhile. Break it off as you like and start it again: what is there
already is passed over. A line that cannot be taken is named with its reason and the rest goes on;
the exit code is then 1. A measurement that gives its probe's address is not taken.

Examples:
  tonle-collector import measurements.jsonl.gz
  zstdcat *.jsonl.zst | tonle-collector import -
  tonle-collector import --json 2026-11/*.jsonl.gz > report.ndjson")]
pub(super) struct ImportArgs {
    /// OONI measurements, JSON or one object per line; plain, gzip or zstd. `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object for each line that is not taken, and one with the sums at the end
    #[arg(long)]
    json: bool,
}

/// What became of what was read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    stored: u64,
    known: u64,
    refused: u64,
}

impl Tally {
    fn read(&self) -> u64 {
        self.stored + self.known + self.refused
    }
}

pub(super) async fn run(config: &Config, args: &ImportArgs) -> anyhow::Result<()> {
    config.validate()?;
    let data_dir = DataDir::open(&config.data_dir, Role::Collector)?;
    let nation = Nation::read(config.country_dir.as_deref(), config.targets.as_deref())?;
    let settings = AdminSettings {
        public_url: config.public_url_at(config.listen),
        country: nation.ground.country,
        ndt7_url: None,
        streams: tonle_evidence::record::Stream::ALL.to_vec(),
    };
    let admin = Admin::open(data_dir.path(), settings)?;
    let journal = Journal::open(data_dir.path(), admin.signing_key().clone())?;
    let mut import = Import::new(journal, args.json);
    for path in &args.files {
        import.file(path).await?;
    }
    let tally = import.close().await?;
    tell(&tally, args.json);
    if tally.refused > 0 {
        bail!(
            "{} of {} were not taken; each is named with its reason",
            tally.refused,
            tally.read()
        );
    }
    Ok(())
}

fn tell(tally: &Tally, json: bool) {
    if json {
        output::json(&json!({
            "read": tally.read(), "stored": tally.stored, "already_there": tally.known,
            "not_taken": tally.refused,
        }));
    } else {
        output::line(format_args!(
            "{} read: {} stored, {} already there, {} not taken",
            tally.read(),
            tally.stored,
            tally.known,
            tally.refused
        ));
    }
}

/// An import on its way.
struct Import {
    journal: Journal,
    json: bool,
    tally: Tally,
    waiting: Vec<NewEntry>,
    waiting_bytes: usize,
}

impl Import {
    fn new(journal: Journal, json: bool) -> Self {
        Self {
            journal,
            json,
            tally: Tally::default(),
            waiting: Vec::new(),
            waiting_bytes: 0,
        }
    }

    async fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let reader = input::open(path)
            .with_context(|| format!("cannot open {}; check the path", path.display()))?;
        for document in Documents::new(reader) {
            match document {
                Document::Text { line, bytes } | Document::Element { line, bytes, .. } => {
                    self.take(path, line, bytes.trim_ascii());
                }
                Document::Bad { line, reason } => self.refuse(path, line, &reason),
            }
            if self.waiting.len() >= GROUP_MAX_ROWS || self.waiting_bytes >= GROUP_MAX_BYTES {
                self.commit().await?;
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path, line: u64, bytes: &[u8]) {
        if let Err(refusal) = accept::read(bytes) {
            self.refuse(path, line, &refusal.to_string());
            return;
        }
        self.waiting_bytes += bytes.len();
        self.waiting.push(entry::of(bytes, wall_us()));
    }

    fn refuse(&mut self, path: &Path, line: u64, reason: &str) {
        self.tally.refused += 1;
        let source = path.display();
        if self.json {
            let source = source.to_string();
            output::json(&json!({ "source": source, "line": line, "error": reason }));
        } else {
            output::note(format_args!("{source}:{line}: {reason}"));
        }
    }

    async fn commit(&mut self) -> Result<(), JournalError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.waiting_bytes = 0;
        let before = self.tally.read() / TOLD_EVERY;
        let entries = std::mem::take(&mut self.waiting);
        for appended in self.journal.append(entries).await? {
            if appended.duplicate {
                self.tally.known += 1;
            } else {
                self.tally.stored += 1;
            }
        }
        if self.tally.read() / TOLD_EVERY > before {
            output::note(format_args!("{} measurements", self.tally.read()));
        }
        Ok(())
    }

    async fn close(mut self) -> Result<Tally, JournalError> {
        self.commit().await?;
        self.journal.close().await;
        Ok(self.tally)
    }
}
