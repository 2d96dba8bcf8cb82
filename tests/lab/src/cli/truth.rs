//! `lab truth`: figures from a truth file.
use super::{FAILED, complain};
use clap::Args;
use lab::truth::{BadTruth, Selection, Summary};
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which file and which packets.
#[derive(Debug, Args)]
pub(super) struct Question {
    /// The truth file.
    file: PathBuf,
    /// Only packets that ended at this time or later, microseconds since the Unix epoch.
    #[arg(long, value_name = "US")]
    from: Option<u64>,
    /// Only packets that ended before this time.
    #[arg(long, value_name = "US")]
    until: Option<u64>,
    /// Only packets from or to this port.
    #[arg(long)]
    port: Option<u16>,
    /// One JSON object for machines.
    #[arg(long)]
    json: bool,
}

impl Question {
    /// Prints the figures.
    #[expect(clippy::print_stdout, reason = "the figures are the result")]
    pub(super) fn answer(&self) -> ExitCode {
        match self.summary() {
            Ok(summary) if self.json => {
                println!("{}", serde_json::json!(summary));
                ExitCode::SUCCESS
            }
            Ok(summary) => {
                print!("{summary}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                complain(&format!("{}: {error}", self.file.display()));
                ExitCode::from(FAILED)
            }
        }
    }

    fn summary(&self) -> Result<Summary, BadTruth> {
        let truth = lab::truth::read(BufReader::new(File::open(&self.file)?))?;
        Ok(truth.summary(&Selection {
            from_us: self.from,
            until_us: self.until,
            port: self.port,
        }))
    }
}
