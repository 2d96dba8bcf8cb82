//! The command line: what it takes, and which part does it.
mod run;
mod scenarios;
mod stop;
mod truth;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// The command did what it was asked, failed, or was asked for something impossible.
const FAILED: u8 = 1;
const MISUSE: u8 = 2;

/// A simulated Internet: runs any command inside a scenario and knows the truth about its packets.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    version,
    after_help = "\
Examples:
  lab list tests/lab/scenarios
  lab check mine.toml
  lab run mine.toml -- curl -sS https://www.example.org/
  lab run mine.toml --truth truth.jsonl --pcap run.pcap -- fping -c 10 198.51.100.1
  lab truth truth.jsonl --port 443

Exit codes: 0 done, 1 failed, 2 misuse; `run` passes the command's own code on, 128 and the
signal's number where a signal ended it."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts a scenario and runs a command on one of its hosts.
    Run(run::Run),
    /// Lists scenarios with their descriptions.
    List {
        /// The folder with scenario files.
        #[arg(default_value = "tests/lab/scenarios")]
        dir: PathBuf,
    },
    /// Checks scenario files and says everything that is wrong with them.
    Check {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Sums up a truth file that `run --truth` wrote.
    Truth(truth::Question),
}

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run(run) => run.run(),
        Command::List { dir } => scenarios::list(&dir),
        Command::Check { files } => scenarios::check(&files),
        Command::Truth(question) => question.answer(),
    }
}

#[expect(clippy::print_stderr, reason = "problems go to standard error")]
fn complain(problem: &dyn std::fmt::Display) {
    eprintln!("lab: {problem}");
}
