//! The collector alone: parse, run, exit code.
use clap::Parser;
use std::process::ExitCode;
use tonle_collector::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
