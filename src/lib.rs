//! The front door as a library: the command tree, and `up`, which composes a collector, its
//! measurement servers and one agent in one process.
pub mod cli;
pub mod up;

use cli::{Command, Tonle};
use std::process::ExitCode;

/// Runs the chosen command to its exit code: 0 done, 1 failed, 2 misuse.
#[must_use]
pub fn run(tonle: Tonle) -> ExitCode {
    match tonle.command {
        Command::Up(options) => up::main(&options),
        Command::Agent(command) => tonle_agent::cli::run(command),
        Command::Collector(command) => tonle_collector::cli::run(command),
        Command::Verify(command) => tonle_verify::cli::run(&command),
    }
}
