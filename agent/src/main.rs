//! The agent alone: parse, run, exit code.
use clap::Parser as _;
use std::process::ExitCode;
use tonle_agent::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
